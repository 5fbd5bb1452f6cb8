"""Deletion that deletes: the deciphered bytes of the files of a profile have nothing of a body that was dropped."""

from pathlib import Path

from builders import Talk, entry_of, person
from deciphered import deciphered

from multichat_tui.model.records import Absence, Record
from multichat_tui.store.database import COPY_SUFFIX
from multichat_tui.store.schema import Migration, released_migrations
from multichat_tui.store.sqlite import SqliteStore

ANA, BEN = person("ana"), person("ben")
KEY = bytes(range(32))


def word_of(number: int) -> str:
    """Not the beginning of another one."""
    return f"quicksilver{number:04}x"


def filled(path: Path, count: int) -> tuple[SqliteStore, list[Record]]:
    """A store with so many messages, each with a word of its own, in the index too."""
    talk = Talk.begin(ANA, BEN)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.append(talk.root, 1)
    for start in range(0, count, 50):
        with store.transaction() as txn:
            for number in range(start, start + 50):
                author, text = (ANA, BEN)[number % 2], f"{word_of(number)} " * (1 + number % 7)
                record = talk.say(author, text)
                txn.show(entry_of(record, txn.append(record, 1), author), text)
    return store, talk.records[1:]


def test_what_was_dropped_is_in_no_page_of_the_file_and_not_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "messages.db"
    store, records = filled(path, 400)
    store.close()
    before = deciphered(path, KEY)
    assert all(word_of(number).encode() in before for number in range(400))
    store = SqliteStore(path, KEY, create=False)
    gone = [number for number in range(400) if number % 5 in (1, 2)]
    for start in range(0, len(gone), 40):
        with store.transaction() as txn:
            for number in gone[start : start + 40]:
                assert txn.drop_body(records[number].id, Absence.REDACTED)
        assert path.with_name("messages.db-wal").stat().st_size == 0
        after = deciphered(path, KEY)
        assert [number for number in gone[: start + 40] if word_of(number).encode() in after] == []
    assert all(word_of(number).encode() in after for number in range(400) if number not in gone)
    store.close()


def test_the_copy_from_before_a_migration_goes_with_the_first_body_that_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "messages.db"
    copy = path.with_name(path.name + COPY_SUFFIX)
    store, records = filled(path, 50)
    store.close()
    known = released_migrations()
    more = Migration(number=len(known) + 1, name="more", sql="create table more (a);")
    store = SqliteStore(path, KEY, migrations=(*known, more))
    assert word_of(7).encode() in deciphered(copy, KEY)
    with store.transaction() as txn:
        txn.drop_body(records[7].id, Absence.EXPIRED)
    assert not copy.exists()
    store.close()
