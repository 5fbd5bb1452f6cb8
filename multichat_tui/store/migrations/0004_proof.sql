-- How a record is known to be its device's: 0 by its own signature, 1 by a later record of its chain, 2 so, and its own does not
-- hold. Everything stored before was verified itself.
alter table record add column proof integer not null default 0;
