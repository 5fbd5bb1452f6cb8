-- Channels, devices and users by small numbers, so that rows and indexes stay small.
create table identifier (
  number integer primary key,
  id blob not null unique
) strict;

-- The small values of a profile.
create table small_value (
  space text not null,
  key blob not null,
  value blob not null,
  primary key (space, key)
) strict, without rowid;

-- Where numbering goes on when the greatest arrival has been forgotten.
create table arrival_floor (
  arrival integer not null
) strict;
insert into arrival_floor values (0);

-- One per (lane, device), with its newest record where one is held. A lane is a log of a channel: 2 * channel + log.
create table chain (
  number integer primary key,
  lane integer not null,
  device integer not null,
  seq integer,
  id blob,
  ets integer,
  unique (lane, device)
) strict;

-- Records of a lane that no held one cites.
create table head (
  lane integer not null,
  id blob not null,
  primary key (lane, id)
) strict, without rowid;

-- What held records of a lane cite and is not held, below a horizon: if it comes after all, it is no head.
create table awaited (
  lane integer not null,
  id blob not null,
  primary key (lane, id)
) strict, without rowid;

-- `prefix` is the id's first eight bytes, big-endian, less 2^63, so that its order is the ids' order.
create table record (
  arrival integer primary key,
  chain integer not null,
  seq integer not null,
  lane integer not null,
  prefix integer not null,
  arrived_ms integer not null,
  id blob not null,
  header blob not null,
  signature blob not null,
  body blob
) strict;
create index record_by_prefix on record (prefix);
create index record_by_chain on record (chain, seq);
create index record_by_lane on record (lane);

-- Rows of timelines, by their record's arrival.
create table entry (
  arrival integer primary key,
  channel integer not null,
  ets integer not null,
  prefix integer not null,
  user integer not null,
  device integer not null,
  mention integer not null,
  late integer not null,
  hidden integer not null,
  notice integer not null
) strict;
create index entry_by_order on entry (channel, ets, prefix) where hidden = 0;
create index entry_by_arrival on entry (channel) where hidden = 0;
create index entry_by_message on entry (channel) where hidden = 0 and notice = 0;
create index entry_by_mention on entry (channel) where hidden = 0 and mention = 1;

-- What a peer is known to hold for good: the chain whole up to seq.
create table acknowledged (
  peer integer not null,
  chain integer not null,
  seq integer not null,
  primary key (peer, chain)
) strict, without rowid;
