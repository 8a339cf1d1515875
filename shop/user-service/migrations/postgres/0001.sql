create table users (
    id text primary key,
    -- Lower case.
    email text not null unique,
    name text not null,
    password text not null,
    created_at bigint not null
);

create table session (
    sid text primary key,
    user_id text not null references users (id),
    created_at bigint not null,
    expires_at bigint not null
);
create index session_by_user on session (user_id);
create index session_by_expiry on session (expires_at);

-- Sessions that ended before their time, for those who check tokens elsewhere.
create table ended (
    revision bigint generated always as identity primary key,
    sid text not null,
    expires_at bigint not null
);
create index ended_by_expiry on ended (expires_at);

create table login_failure (
    email text not null,
    at bigint not null
);
create index login_failure_by_email on login_failure (email, at);

create table address (
    id text primary key,
    user_id text not null references users (id),
    name text not null,
    street text not null,
    postcode text not null,
    city text not null,
    country text not null
);
create index address_by_user on address (user_id, id);
