create table stock (
    sku text primary key,
    on_hand integer not null,
    reserved integer not null default 0,
    -- The last line of defence: no statement, however wrong, can sell what is not there.
    check (reserved >= 0 and reserved <= on_hand)
) strict;

-- Every change of on_hand that is not a sale.
create table adjustment (
    number integer primary key autoincrement,
    sku text not null,
    delta integer not null,
    reason text not null,
    at integer not null
) strict;

create table orders (
    id text primary key,
    owner text not null,
    key text not null,
    status text not null,
    placed_at integer not null,
    email text not null,
    address text not null,
    currency text not null,
    subtotal integer not null,
    shipping integer not null,
    tax integer not null,
    total integer not null check (total >= 0),
    from_cart integer not null,
    -- The provider's id of the charge.
    charge text,
    unique (owner, key)
) strict;
create index orders_by_owner on orders (owner, id desc);
create index orders_pending on orders (id) where status = 'pending';

create table order_line (
    order_id text not null references orders (id),
    place integer not null,
    sku text not null,
    name text not null,
    quantity integer not null check (quantity > 0),
    minor integer not null check (minor >= 0),
    primary key (order_id, place)
) strict;

-- One row for each idempotency key of an owner, whichever version of the service meets it.
create table checkout (
    owner text not null,
    key text not null,
    body_tag text not null,
    order_id text unique,
    -- Who works on it has it until then.
    locked_until integer not null,
    -- The final answer, once there is one.
    status integer,
    answer text,
    created_at integer not null,
    primary key (owner, key)
) strict;
create index checkout_unanswered on checkout (created_at) where status is null;

-- What others must hear, written together with what happened.
create table outbox (
    number integer primary key autoincrement,
    event_id text not null unique,
    order_id text not null,
    kind text not null,
    body text not null,
    attempts integer not null default 0,
    due_at integer not null,
    catalog_has_it integer not null default 0,
    cart_has_it integer not null default 0,
    done_at integer,
    unique (order_id, kind)
) strict;
create index outbox_waiting on outbox (due_at) where done_at is null;

-- Charges that must be given back.
create table refund (
    charge text primary key,
    order_id text not null,
    attempts integer not null default 0,
    due_at integer not null,
    done_at integer
) strict;
create index refund_waiting on refund (due_at) where done_at is null;

-- Notifications of the provider that were applied.
create table inbox (
    event_id text primary key,
    at integer not null
) strict;
