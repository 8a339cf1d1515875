-- Texts are compared by their bytes, as on SQLite, so that a cursor means the same everywhere.
create table product (
    sku text collate "C" primary key,
    name text collate "C" not null,
    description text not null,
    category text not null,
    minor bigint not null check (minor >= 0),
    currency text not null,
    facts text not null,
    revision bigint not null,
    sold bigint not null default 0,
    -- Lower case of what is searched.
    words text not null
);
-- One for each way of sorting, so that a page is read from an index, never sorted.
create index product_newest on product (revision desc, sku);
create index product_price on product (minor, sku);
create index product_name on product (name, sku);
create index product_popular on product (sold desc, sku);
create index product_category_newest on product (category, revision desc, sku);

create table category (
    slug text primary key,
    name text not null,
    place bigint not null
);

-- Each change of a product has a number; caches ask for what is new.
create table change (
    revision bigint generated always as identity primary key,
    sku text not null
);

-- Events that were applied.
create table inbox (
    event_id text primary key,
    at bigint not null
);
