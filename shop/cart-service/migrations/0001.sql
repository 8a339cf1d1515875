create table cart (
    owner text primary key,
    version integer not null,
    changed_at integer not null
) strict;

create table line (
    owner text not null references cart (owner) on delete cascade,
    sku text not null,
    quantity integer not null check (quantity between 1 and 99),
    -- As they were when the piece was added: shown while the catalogue does not answer, never charged.
    name text not null,
    minor integer not null,
    currency text not null,
    place integer not null,
    primary key (owner, sku)
) strict;

-- Events that were applied.
create table inbox (
    event_id text primary key,
    at integer not null
) strict;
