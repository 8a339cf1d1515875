create table cart (
    owner text primary key,
    version bigint not null,
    changed_at bigint not null
);

create table line (
    owner text not null references cart (owner) on delete cascade,
    sku text collate "C" not null,
    quantity bigint not null check (quantity between 1 and 99),
    -- As they were when the piece was added: shown while the catalogue does not answer, never charged.
    name text not null,
    minor bigint not null,
    currency text not null,
    place bigint not null,
    primary key (owner, sku)
);

-- Events that were applied.
create table inbox (
    event_id text primary key,
    at bigint not null
);
