-- Which held records refer to a record, held or not: edits, reactions, pins, votes. `target` is the prefix of its id, `kind` the
-- number of the act that refers to it; device, ets and prefix are those of the record that does.
create table reference (
  target integer not null,
  kind integer not null,
  device integer not null,
  ets integer not null,
  prefix integer not null,
  arrival integer not null,
  primary key (target, kind, device, ets, prefix, arrival)
) strict, without rowid;

-- Entries with arrival <= next are still to be looked at, the newest first: they were stored by a version that knew other acts.
create table reference_backlog (
  next integer not null
) strict;
