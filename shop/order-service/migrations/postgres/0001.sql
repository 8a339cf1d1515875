create table stock (
    sku text primary key,
    on_hand bigint not null,
    reserved bigint not null default 0,
    -- The last line of defence: no statement, however wrong, can sell what is not there.
    check (reserved >= 0 and reserved <= on_hand)
);

-- Every change of on_hand that is not a sale.
create table adjustment (
    number bigint generated always as identity primary key,
    sku text not null,
    delta bigint not null,
    reason text not null,
    at bigint not null
);

create table orders (
    id text primary key,
    owner text not null,
    key text not null,
    status text not null,
    placed_at bigint not null,
    email text not null,
    address text not null,
    currency text not null,
    subtotal bigint not null,
    shipping bigint not null,
    tax bigint not null,
    total bigint not null check (total >= 0),
    from_cart bigint not null,
    -- The provider's id of the charge.
    charge text,
    unique (owner, key)
);
create index orders_by_owner on orders (owner, id desc);
create index orders_pending on orders (id) where status = 'pending';

create table order_line (
    order_id text not null references orders (id),
    place bigint not null,
    sku text not null,
    name text not null,
    quantity bigint not null check (quantity > 0),
    minor bigint not null check (minor >= 0),
    primary key (order_id, place)
);

-- One row for each idempotency key of an owner, whichever version of the service meets it.
create table checkout (
    owner text not null,
    key text not null,
    body_tag text not null,
    order_id text unique,
    -- Who works on it has it until then.
    locked_until bigint not null,
    -- The final answer, once there is one.
    status bigint,
    answer text,
    created_at bigint not null,
    primary key (owner, key)
);
create index checkout_unanswered on checkout (created_at) where status is null;

-- What others must hear, written together with what happened.
create table outbox (
    number bigint generated always as identity primary key,
    event_id text not null unique,
    order_id text not null,
    kind text not null,
    body text not null,
    attempts bigint not null default 0,
    due_at bigint not null,
    catalog_has_it bigint not null default 0,
    cart_has_it bigint not null default 0,
    done_at bigint,
    unique (order_id, kind)
);
create index outbox_waiting on outbox (due_at) where done_at is null;

-- Charges that must be given back.
create table refund (
    charge text primary key,
    order_id text not null,
    attempts bigint not null default 0,
    due_at bigint not null,
    done_at bigint
);
create index refund_waiting on refund (due_at) where done_at is null;

-- Notifications of the provider that were applied.
create table inbox (
    event_id text primary key,
    at bigint not null
);
