-- What may lie in a queue at a time, in bytes.
alter table mailbox_queue add column quota_bytes integer not null default 16777216;

-- How many envelopes lie under a grant.
alter table mailbox_grant add column envelopes integer not null default 0;

-- Envelopes that their owners have taken, until they would have expired: `mark` as in mailbox_envelope.
create table mailbox_collected (
  serial integer primary key,
  queue integer not null,
  mark integer not null,
  hash blob not null,
  writer blob not null,
  expires_ms integer not null
) strict;
create index mailbox_collected_by_queue on mailbox_collected (queue);
create index mailbox_collected_by_mark on mailbox_collected (mark);
create index mailbox_collected_by_expiry on mailbox_collected (expires_ms);
