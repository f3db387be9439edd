-- Whose data it is, what is to be done, and what came of it. The jobs themselves are
-- River's tables, which are in the same schema and hold no more of a task than its
-- batch and number.

create table batch (
    id       text primary key,
    program  text not null,        -- the only one that may work on it and collect it
    queue    text not null,
    domain   text not null,        -- in which a name of an owner means one person
    header   bytea not null,
    complete boolean not null default false, -- nothing is added any more
    created  timestamptz not null default now()
);

create table owner (
    batch    text not null references batch on delete cascade,
    name     text not null,
    position integer not null,
    data     bytea,                -- null until all tasks of the owner are there
    tasks    bytea,                -- their SHA-256, to know them again
    primary key (batch, name)
);
create index owner_name on owner (name);

-- An object of the store may serve several owners: it is deleted with the last one.
create table object (
    batch text not null,
    owner text not null,
    hash  text not null,
    primary key (batch, owner, hash),
    foreign key (batch, owner) references owner on delete cascade
);
create index object_hash on object (hash);

create table task (
    batch    text not null,
    number   integer not null,
    owner    text not null,
    payload  bytea not null,
    job      bigint not null,      -- of River
    deaths   integer not null default 0,
    death    bytea,                -- what the last attempt that died left behind
    primary key (batch, number),
    foreign key (batch, owner) references owner on delete cascade
);
create index task_owner on task (batch, owner);
create index task_job on task (job);

-- One row for an archive that is in the store or about to be, so that it is found
-- also if the worker died between the upload and the result.
create table archive (
    batch  text not null,
    number integer not null,
    hash   text not null,
    primary key (batch, number, hash),
    foreign key (batch, number) references task on delete cascade
);
create index archive_hash on archive (hash);

-- The primary key is why nothing is written twice.
create table result (
    batch    text not null,
    number   integer not null,
    archive  text not null,
    note     bytea,
    attempt  integer not null,
    finished timestamptz not null default now(),
    primary key (batch, number),
    foreign key (batch, number) references task on delete cascade
);
