-- Why a record has no body (model/records.py, Absence); 0 where it has one. Everything stored before has one.
alter table record add column absence integer not null default 0;
create index record_missing on record (lane) where absence = 1;

-- When records are due to expire.
create table expiring (
  arrival integer primary key,
  at_ms integer not null
) strict;
create index expiring_by_time on expiring (at_ms);
