-- What is searched: the folded words of shown texts, newest last. `place` is ets * 512 and a number within that millisecond.
-- `marks` names channel and user, each as one sign (store/search.py), so that a search within a rare channel walks that alone.
create table found_text (
  place integer primary key,
  arrival integer not null,
  marks text not null,
  words text not null
) strict;

-- Words come folded and parted by spaces; this tokenizer takes everything beyond ASCII as letters, and so parts nothing further.
create virtual table found using fts5(
  marks, words,
  content = 'found_text', content_rowid = 'place', tokenize = 'ascii', prefix = '2 3'
);
-- What is deleted leaves the index at once.
insert into found (found, rank) values ('secure-delete', 1);

alter table entry add column place integer;

-- Entries that were stored before there was an index: those with arrival <= next are still to be indexed, the newest first.
create table search_backlog (
  first integer not null,
  next integer not null
) strict;
insert into search_backlog select max(arrival), max(arrival) from entry having count(*) > 0;
