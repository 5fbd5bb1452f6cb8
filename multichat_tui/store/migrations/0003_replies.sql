-- Which entries answer a record: `parent` is the prefix of its id, held or not.
create table reply (
  parent integer not null,
  arrival integer not null,
  primary key (parent, arrival)
) strict, without rowid;

-- Entries that were stored before there was this table: those with arrival <= next are still to be looked at, the newest first.
create table reply_backlog (
  next integer not null
) strict;
insert into reply_backlog select max(arrival) from entry having count(*) > 0;
