"""The real store against damage, versions, other programs and time."""

import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from builders import Talk, entry_of, person
from hypothesis import given, settings
from hypothesis import strategies as st

from multichat_tui.model.errors import Damaged, NewerVersion, ProfileBusy, StorageFailed, StoreError
from multichat_tui.model.ids import DeviceId, Log
from multichat_tui.model.ports import Space
from multichat_tui.store.database import COPY_SUFFIX, PAGE_BYTES, WAL_BYTES, file_salt
from multichat_tui.store.faults import database_fault
from multichat_tui.store.schema import Migration, released_migrations
from multichat_tui.store.sqlite import SqliteStore

ANA, BEN = person("ana"), person("ben")
KEY = bytes(range(32))


def filled(path: Path, messages: int = 40) -> Talk:
    """A store with a conversation, closed."""
    talk = Talk.begin(ANA, BEN)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.append(talk.root, 1)
        for number in range(messages):
            record = talk.say((ANA, BEN)[number % 2], f"message {number} " + "x" * 400)
            txn.show(entry_of(record, txn.append(record, 1), (ANA, BEN)[number % 2]))
        txn.put(Space.SELF, b"name", b"ana")
        txn.acknowledge(BEN.device, talk.channel, Log.CONTENT, ANA.device, 3)
    store.close()
    return talk


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)


def read_all(path: Path, talk: Talk) -> int:
    """Open and read everything; how many messages there are."""
    store = SqliteStore(path, KEY, create=False)
    try:
        with store.transaction() as txn:
            for record in talk.records:
                txn.record(record.id)
            return len(txn.timeline((talk.channel,), before=None, after=None, limit=500))
    finally:
        store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


def test_what_was_committed_is_there_after_closing_and_opening(path: Path) -> None:
    talk = filled(path)
    assert read_all(path, talk) == 40
    store = SqliteStore(path, KEY, create=False)
    with store.transaction() as txn:
        assert [record for _, record in txn.arrivals(talk.channel, Log.CONTENT, 0, 99)] == talk.records[1:]
        assert txn.get(Space.SELF, b"name") == b"ana"
        assert txn.acknowledged(BEN.device) == [(talk.channel, Log.CONTENT, ANA.device, 3)]
        assert txn.heads(talk.channel, Log.CONTENT) == (talk.records[-1].id,)
    store.close()


def test_numbering_goes_on_after_the_last_channel_was_forgotten_and_the_store_reopened(path: Path) -> None:
    talk = filled(path, 3)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
    store.close()
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        assert txn.append(talk.root, 1) == 5
    store.close()


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.put(Space.SELF, b"a", b"1")
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "messages.db": 0o600,
        "messages.db-wal": 0o600,
    }
    store.close()


def test_durability_and_secrecy_settings_hold(path: Path) -> None:
    store = SqliteStore(path, KEY)
    expected = {
        "synchronous": 2,
        "secure_delete": 1,
        "journal_mode": "wal",
        "temp_store": 2,
        "page_size": 4096,
        "cipher": "chacha20",
    }
    assert {name: store._database.rows(f"pragma {name}")[0][0] for name in expected} == expected
    store.close()


def test_a_key_of_another_length_is_refused(path: Path) -> None:
    with pytest.raises(ValueError):
        SqliteStore(path, b"short")
    assert not path.exists()


# Damage


@pytest.mark.parametrize("place", [PAGE_BYTES // 2, 20, 90, PAGE_BYTES - 3])
def test_a_garbled_first_page_is_told_from_a_wrong_key(path: Path, place: int) -> None:
    talk = filled(path)
    flip(path, place)
    with pytest.raises(Damaged, match="damaged in its first page"):
        read_all(path, talk)


@pytest.mark.parametrize("place", [0, 7, 15])
def test_a_garbled_beginning_says_that_the_keys_may_be_others(path: Path, place: int) -> None:
    talk = filled(path)
    flip(path, place)
    with pytest.raises(Damaged, match="does not belong to the keys"):
        read_all(path, talk)


def test_the_file_of_another_key_is_told_from_damage_and_left_alone(path: Path) -> None:
    talk = filled(path)
    content = path.read_bytes()
    with pytest.raises(Damaged, match="does not belong to the keys"):
        SqliteStore(path, b"\1" * 32)
    assert path.read_bytes() == content
    assert read_all(path, talk) == 40


def test_any_garbled_page_is_noticed_when_it_is_read(path: Path) -> None:
    talk = filled(path)
    whole = path.read_bytes()
    noticed: set[tuple[str, str]] = set()
    pages = 0
    for page in range(1, len(whole) // PAGE_BYTES):
        path.write_bytes(whole)
        flip(path, page * PAGE_BYTES + 1234)
        try:
            # A page that is not read for this may be garbled unseen; one that is read may not be believed.
            assert read_all(path, talk) == 40
        except Damaged as error:
            noticed.add((error.message.replace(str(path), "FILE"), error.advice))
            pages += 1
    assert pages > 5
    assert all(message.startswith("FILE is damaged") and "backup" in advice for message, advice in noticed)


def test_a_garbled_page_does_not_keep_the_rest_from_being_used(path: Path) -> None:
    talk = filled(path)
    whole = path.read_bytes()
    store = SqliteStore(path, KEY)
    damaged = store._database.rows("select rootpage from sqlite_master where name = 'record'")[0][0]
    store.close()
    path.write_bytes(whole)
    flip(path, (damaged - 1) * PAGE_BYTES + 99)
    store = SqliteStore(path, KEY)

    def touch() -> None:
        with store.transaction() as txn:
            txn.put(Space.SELF, b"name", b"lost")
            for _ in range(2):
                with pytest.raises(Damaged):
                    txn.record(talk.records[3].id)
            with pytest.raises(Damaged):
                txn.put(Space.SELF, b"name", b"lost too")

    for _ in range(2):
        with pytest.raises(Damaged):
            touch()
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"name") == b"ana"
        txn.put(Space.SELF, b"name", b"anna")
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"name") == b"anna"
    store.close()


@pytest.mark.parametrize("cut", [1, 100, PAGE_BYTES, 5 * PAGE_BYTES])
def test_a_file_that_was_cut_off_is_damaged(path: Path, cut: int) -> None:
    talk = filled(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(Damaged):
        read_all(path, talk)


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 5000, b"SQLite format 3\0" + bytes(PAGE_BYTES - 16)])
def test_a_file_that_is_none_of_ours_is_damage_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(Damaged):
        SqliteStore(path, KEY, create=False)
    assert path.read_bytes() == content


def test_an_absent_file_is_made_only_where_that_is_asked_for(path: Path) -> None:
    with pytest.raises(Damaged, match="missing"):
        SqliteStore(path, KEY, create=False)
    assert not path.exists()


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=3 * PAGE_BYTES))
def test_junk_in_place_of_a_store_is_never_more_than_a_clear_error(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.mktemp("junk") / "messages.db"
    path.write_bytes(file_salt(KEY) + junk)
    with pytest.raises(StoreError) as raised:
        SqliteStore(path, KEY, create=False)
    assert isinstance(raised.value, Damaged)


def test_a_record_that_does_not_decode_is_damage(path: Path) -> None:
    talk = filled(path)
    store = SqliteStore(path, KEY)
    store._database.run("update record set header = x'80' where arrival = 5")
    with pytest.raises(Damaged, match="a record that is not one"), store.transaction() as txn:
        txn.record(talk.records[4].id)
    store.close()


def test_a_database_with_others_tables_is_not_taken_for_ours(path: Path) -> None:
    filled(path)
    store = SqliteStore(path, KEY)
    store._database.run("pragma user_version = 0")
    store.close()
    with pytest.raises(Damaged, match="not ours"):
        SqliteStore(path, KEY)


def test_a_second_opener_of_the_file_is_told_that_it_is_in_use(path: Path) -> None:
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.put(Space.SELF, b"a", b"1")
    with pytest.raises(ProfileBusy, match="Another program"):
        SqliteStore(path, KEY)
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"a") == b"1"
    store.close()


# Versions

KNOWN = released_migrations()
NEXT = len(KNOWN) + 1
BOATS = Migration(
    number=NEXT, name="boats", sql="create table boat (name text) strict; insert into boat values ('swan'), ('gull');"
)
SAILS = Migration(number=NEXT + 1, name="sails", sql="alter table boat add column sails integer not null default 1;")
BROKEN = Migration(number=NEXT + 1, name="broken", sql="delete from boat; drop table record; insert into nowhere values (1);")


def test_the_released_migrations_are_numbered_from_one() -> None:
    assert [migration.number for migration in KNOWN] == list(range(1, len(KNOWN) + 1))
    assert KNOWN[0].name == "start"


@pytest.mark.parametrize("version", range(1, len(KNOWN) + 1))
def test_every_earlier_version_is_brought_up_to_date_and_keeps_its_content(path: Path, version: int) -> None:
    store = SqliteStore(path, KEY, migrations=KNOWN[:version])
    with store.transaction() as txn:
        txn.put(Space.SELF, b"name", b"ana")
    store.close()
    store = SqliteStore(path, KEY, migrations=(*KNOWN, BOATS))
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"name") == b"ana"
    assert store._database.rows("select name from boat") == [("swan",), ("gull",)]
    store.close()


def test_a_migration_is_preceded_by_a_copy_that_opens_as_the_old_version(path: Path) -> None:
    talk = filled(path)
    assert read_all(path, talk) == 40
    SqliteStore(path, KEY, migrations=(*KNOWN, BOATS, SAILS)).close()
    copy = path.with_name(path.name + COPY_SUFFIX)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert b"SQLite" not in copy.read_bytes()
    elsewhere = path.with_name("elsewhere.db")
    elsewhere.write_bytes(copy.read_bytes())
    store = SqliteStore(elsewhere, KEY, create=False)
    with store.transaction() as txn:
        assert len(txn.arrivals(talk.channel, Log.CONTENT, 0, 99)) == 40
    store.close()
    SqliteStore(path, KEY, migrations=(*KNOWN, BOATS, SAILS)).close()
    assert not copy.exists()


def test_a_migration_that_fails_leaves_what_the_one_before_it_made(path: Path) -> None:
    talk = filled(path)
    with pytest.raises(StoreError):
        SqliteStore(path, KEY, migrations=(*KNOWN, BOATS, BROKEN))
    store = SqliteStore(path, KEY, migrations=(*KNOWN, BOATS))
    assert store._database.rows("select count(*) from boat") == [(2,)]
    with store.transaction() as txn:
        assert len(txn.timeline((talk.channel,), before=None, after=None, limit=99)) == 40
    store.close()
    store = SqliteStore(path, KEY, migrations=(*KNOWN, BOATS, SAILS))
    assert store._database.rows("select sum(sails) from boat") == [(2,)]
    store.close()


def test_the_database_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    filled(path)
    SqliteStore(path, KEY, migrations=(*KNOWN, BOATS)).close()
    content = path.read_bytes()
    with pytest.raises(NewerVersion, match=f"schema {NEXT}, known: {len(KNOWN)}"):
        SqliteStore(path, KEY)
    assert path.read_bytes() == content


# Time


def test_the_write_ahead_log_stays_below_four_megabytes(path: Path) -> None:
    store = SqliteStore(path, KEY)
    log, greatest = path.with_name(path.name + "-wal"), 0
    for number in range(60):
        with store.transaction() as txn:
            for key in range(8):
                txn.put(Space.ADDRESS, b"%d %d" % (number, key), os.urandom(30_000))
        greatest = max(greatest, log.stat().st_size)
    store.close()
    assert 1024 * 1024 < greatest < WAL_BYTES


def test_forgetting_a_channel_empties_the_log_and_leaves_no_page_of_it_in_use(path: Path) -> None:
    talk = filled(path, 200)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
    assert path.with_name(path.name + "-wal").stat().st_size == 0
    left = {
        name: store._database.rows(f"select count(*) from {name}")[0][0]
        for name in ("record", "entry", "chain", "head", "identifier")
    }
    assert left == dict.fromkeys(left, 0)
    store.close()


class Plain(apsw.Connection):
    """A connection that is never given its key, so that the pages on the disk can be read."""

    def execute(self, sql: str, *arguments: object, **others: object) -> apsw.Cursor:
        return super().execute("select 1" if "pragma key" in sql else sql, *arguments, **others)


def test_what_was_forgotten_or_deleted_is_overwritten_and_not_only_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "Connection", Plain)
    talk = filled(path, 200)
    traces = (b"message 17 ", b"message 199 ", talk.records[17].id, talk.channel, ANA.device)
    content = path.read_bytes()
    assert content.startswith(b"SQLite format 3")
    assert all(trace in content for trace in traces)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.put(Space.SELF, b"draft", b"never sent")
    with store.transaction() as txn:
        txn.forget_channel(talk.channel)
        txn.delete(Space.SELF, b"draft")
    for file in path.parent.iterdir():
        assert not any(trace in file.read_bytes() for trace in (*traces, b"never sent"))
    store.close()


def test_many_devices_do_not_make_the_memory_grow_without_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multichat_tui.store.chains.CACHED", 10)
    monkeypatch.setattr("multichat_tui.store.headers.KEPT_HEADERS", 5)
    talk = Talk.begin(ANA, BEN)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.append(talk.root, 1)
    for number in range(30):
        with store.transaction() as txn:
            txn.append(talk.say(person("crowd", number), "hi"), 1)
            txn.acknowledge(DeviceId(bytes([number]) * 32), talk.channel, Log.CONTENT, ANA.device, number)
        assert len(store._chains._numbers) <= 10
        assert len(store._headers._kept) <= 5
    with store.transaction() as txn:
        assert len(txn.chain_ends(talk.channel)) == 31
        assert txn.heads(talk.channel, Log.CONTENT) == (talk.records[-1].id,)
        assert [record for _, record in txn.arrivals(talk.channel, Log.CONTENT, 0, 99)] == talk.records[1:]
    store.close()


# Translation


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (apsw.FullError, StorageFailed),
        (apsw.IOError, StorageFailed),
        (apsw.ReadOnlyError, StorageFailed),
        (apsw.CantOpenError, StorageFailed),
        (apsw.NoMemError, StorageFailed),
        (MemoryError, StorageFailed),
        (apsw.InterruptError, StorageFailed),
        (apsw.NotADBError, Damaged),
        (apsw.CorruptError, Damaged),
        (apsw.SQLError, Damaged),
        (apsw.BusyError, ProfileBusy),
        (apsw.LockedError, ProfileBusy),
    ],
)
def test_what_the_database_raises_becomes_an_error_that_names_the_file_or_the_cause(
    raised: Callable[[], BaseException], expected: type[StoreError], path: Path
) -> None:
    error = database_fault(raised(), path)
    assert type(error) is expected
    assert error.message.endswith(".")
    assert error.advice


def test_every_exception_of_the_database_library_is_translated(path: Path) -> None:
    kinds = [kind for name in dir(apsw) if isinstance(kind := getattr(apsw, name), type) and issubclass(kind, apsw.Error)]
    assert len(kinds) > 30
    for kind in kinds:
        assert isinstance(database_fault(kind(), path), StoreError)
