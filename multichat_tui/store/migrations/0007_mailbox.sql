-- What this node keeps for others as a mailbox (model/mailbox_store.py). Bytes used count what each envelope is charged.
create table mailbox_grant (
  number integer primary key,
  key blob not null unique,
  name text not null unique,
  quota_bytes integer not null,
  most_queues integer not null,
  made_ms integer not null,
  revoked integer not null,
  used_bytes integer not null,
  queues integer not null
) strict;

create table mailbox_queue (
  number integer primary key,
  id blob not null unique,
  grant_number integer not null,
  opened_ms integer not null,
  used_bytes integer not null,
  envelopes integer not null,
  writers integer not null
) strict;
create index mailbox_queue_by_grant on mailbox_queue (grant_number);

-- One who is not allowed any more stays as long as something of theirs lies there.
create table mailbox_writer (
  queue integer not null,
  prefix blob not null,
  verifier blob not null,
  allowed integer not null,
  quota_bytes integer not null,
  used_bytes integer not null,
  primary key (queue, prefix)
) strict, without rowid;

-- Queues that are gone; what lies in them goes bit by bit.
create table mailbox_closed (
  queue integer primary key
) strict;

-- `mark` is the hash's first eight bytes, big-endian, less 2^63.
create table mailbox_envelope (
  serial integer primary key autoincrement,
  queue integer not null,
  mark integer not null,
  hash blob not null,
  size integer not null,
  writer blob not null,
  stored_ms integer not null,
  expires_ms integer not null
) strict;
create index mailbox_envelope_by_queue on mailbox_envelope (queue);
create index mailbox_envelope_by_mark on mailbox_envelope (mark);
create index mailbox_envelope_by_expiry on mailbox_envelope (expires_ms);

create table mailbox_bytes (
  serial integer primary key,
  envelope blob not null
) strict;

create table mailbox_refusal (
  grant_key blob not null,
  word text not null,
  count integer not null,
  last_ms integer not null,
  primary key (grant_key, word)
) strict, without rowid;
