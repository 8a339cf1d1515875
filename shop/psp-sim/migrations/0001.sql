create table authorization (
    id text primary key,
    key text not null unique,
    reference text not null,
    status text not null check (status in ('approved', 'declined', 'refunded')),
    minor integer not null check (minor > 0),
    currency text not null,
    reason text not null,
    created_at integer not null
) strict;
create index authorization_by_reference on authorization (reference);

-- Notifications that the shop has not yet taken.
create table notification (
    number integer primary key autoincrement,
    body text not null,
    attempts integer not null default 0,
    due_at integer not null
) strict;
create index notification_by_due on notification (due_at);
