"""Disks that are full or read-only, on real file systems made for the test."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import Talk, entry_of, person
from requirements import Require

from multichat_tui.model.errors import StorageFailed
from multichat_tui.model.ids import Log
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.store.presence import ProfileState, profile_state
from multichat_tui.store.profile import OpenProfile, change_passphrase, create_profile, open_profile
from multichat_tui.store.sqlite import SqliteStore

ANA = person("ana")
KEY = bytes(range(32))
SMALL = 64 * 1024


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path: Path, require: Require) -> Iterator[Path]:
    """A disk of 1.5 MB of its own."""
    require(sys.platform == "linux" and os.geteuid() == 0, "mounting a small disk needs root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    require(_mount("-t", "tmpfs", "-o", "size=1536k", "tmpfs", str(place)), "mounting is not permitted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def read_only(disk: Path, yes: bool) -> None:
    assert _mount("-o", f"remount,{'ro' if yes else 'rw'}", str(disk))


def make(root: Path) -> OpenProfile:
    return create_profile(root, passphrase="harbour", account_entropy=bytes(32), argon_memory=SMALL)


def fill(disk: Path, leave: int = 0) -> Path:
    """Take all space but `leave` bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(max(0, filler.stat().st_size - leave))
    return filler


def write_until_full(store: SqliteStore, talk: Talk) -> int:
    """How many messages were committed before the disk was full."""
    while True:
        record = talk.say(ANA, "x" * 6000)
        with store.transaction() as txn:
            txn.show(entry_of(record, txn.append(record, 1), ANA))


def test_a_full_disk_stops_a_commit_and_loses_nothing(disk: Path) -> None:
    talk = Talk.begin(ANA)
    store = SqliteStore(disk / "messages.db", KEY)
    with store.transaction() as txn:
        txn.append(talk.root, 1)
    for _ in range(2):
        with pytest.raises(StorageFailed) as raised:
            write_until_full(store, talk)
        assert "full" in raised.value.message
        assert str(disk / "messages.db") in raised.value.message
        assert "Free some space" in raised.value.advice
        refused = talk.records.pop()
        with store.transaction() as txn:
            assert not txn.holds(refused.id)
            assert [record for _, record in txn.arrivals(talk.channel, Log.CONTENT, 0, 999)] == talk.records[1:]
            assert txn.heads(talk.channel, Log.CONTENT) == (talk.records[-1].id,)
            assert len(txn.timeline((talk.channel,), before=None, after=None, limit=999)) == len(talk.records) - 1
    assert len(talk.records) > 20
    store.close()
    store = SqliteStore(disk / "messages.db", KEY, create=False)
    with store.transaction() as txn:
        assert [record for _, record in txn.arrivals(talk.channel, Log.CONTENT, 0, 999)] == talk.records[1:]
    store.close()


def test_once_there_is_space_again_the_store_goes_on(disk: Path) -> None:
    store = SqliteStore(disk / "messages.db", KEY)
    with store.transaction() as txn:
        txn.put(Space.SELF, b"name", b"ana")
    filler = fill(disk)

    def write() -> None:
        with store.transaction() as txn:
            txn.put(Space.SELF, b"name", b"anna")
            for number in range(200):
                txn.put(Space.ADDRESS, b"%d" % number, bytes(1000))

    with pytest.raises(StorageFailed, match="full"):
        write()
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"name") == b"ana"
        assert txn.scan(Space.ADDRESS) == []
    filler.unlink()
    write()
    store.close()
    store = SqliteStore(disk / "messages.db", KEY, create=False)
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"name") == b"anna"
        assert len(txn.scan(Space.ADDRESS)) == 200
    store.close()


@pytest.mark.parametrize("leave", [0, 4096, 16384, 65536, 1048576])
def test_a_profile_is_made_whole_or_not_at_all_on_a_full_disk(disk: Path, leave: int) -> None:
    root = disk / "ana"
    filler = fill(disk, leave)
    try:
        make(root).close()
    except StorageFailed as error:
        made = False
        told = error.message
    else:
        made, told = True, "full"
    assert "full" in told
    assert profile_state(root) is (ProfileState.LOCKED if made else ProfileState.ABSENT)
    assert made == (leave == 1048576)
    filler.unlink()
    if not made:
        make(root).close()
    open_profile(root, "harbour").close()


def test_a_passphrase_is_not_changed_on_a_full_disk_and_the_old_one_still_opens(disk: Path) -> None:
    make(disk / "ana").close()
    fill(disk)
    with pytest.raises(StorageFailed, match="full"):
        change_passphrase(disk / "ana", "harbour", "lighthouse")
    assert sorted(file.name for file in (disk / "ana").iterdir()) == ["keys", "lock", "messages.db"]
    (disk / "filler").unlink()
    open_profile(disk / "ana", "harbour").close()


def test_a_disk_that_fails_to_write_stops_a_commit_and_the_store_goes_on(tmp_path: Path) -> None:
    """The kernel refuses to let files grow beyond a limit, which the database can only take for a failing disk."""
    store = SqliteStore(tmp_path / "messages.db", KEY)
    with store.transaction() as txn:
        txn.put(Space.SELF, b"name", b"ana")

    def write() -> None:
        with store.transaction() as txn:
            txn.put(Space.SELF, b"name", b"anna")
            for number in range(200):
                txn.put(Space.ADDRESS, b"%d" % number, bytes(3000))

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        for _ in range(2):
            with pytest.raises(StorageFailed, match="IOERR_WRITE"):
                write()
            with store.transaction() as txn:
                assert txn.get(Space.SELF, b"name") == b"ana"
                assert txn.scan(Space.ADDRESS) == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    write()
    store.close()
    store = SqliteStore(tmp_path / "messages.db", KEY, create=False)
    with store.transaction() as txn:
        assert len(txn.scan(Space.ADDRESS)) == 200
    store.close()


def test_a_fault_that_a_block_swallows_still_rolls_it_back(tmp_path: Path) -> None:
    """Otherwise what came after the fault would be kept without what came before it."""
    store = SqliteStore(tmp_path / "messages.db", KEY)

    def overflow(txn: Transaction) -> None:
        """More than the cache holds, so that pages go to the disk before the commit."""
        for number in range(600):
            txn.put(Space.ADDRESS, b"%d" % number, bytes(30_000))

    def write() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        with store.transaction() as txn:
            txn.put(Space.SELF, b"first", b"1")
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
            try:
                with pytest.raises(StorageFailed):
                    overflow(txn)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            with contextlib.suppress(StorageFailed):
                txn.put(Space.SELF, b"last", b"1")

    with pytest.raises(StorageFailed):
        write()
    with store.transaction() as txn:
        assert [txn.scan(space) for space in (Space.SELF, Space.ADDRESS)] == [[], []]
        txn.put(Space.SELF, b"name", b"ana")
    with store.transaction() as txn:
        assert txn.scan(Space.SELF) == [(b"name", b"ana")]
    store.close()


def test_a_store_on_a_read_only_disk_says_so_and_opens_once_it_may_be_written(disk: Path) -> None:
    store = SqliteStore(disk / "messages.db", KEY)
    with store.transaction() as txn:
        txn.put(Space.SELF, b"name", b"ana")
    store.close()
    read_only(disk, True)
    with pytest.raises(StorageFailed) as raised:
        SqliteStore(disk / "messages.db", KEY, create=False)
    assert "read-only" in raised.value.message + raised.value.advice
    with pytest.raises(StorageFailed):
        SqliteStore(disk / "another.db", KEY)
    read_only(disk, False)
    store = SqliteStore(disk / "messages.db", KEY, create=False)
    with store.transaction() as txn:
        assert txn.get(Space.SELF, b"name") == b"ana"
    store.close()


def test_a_read_only_profile_says_so_and_is_not_called_absent(disk: Path) -> None:
    make(disk / "ana").close()
    read_only(disk, True)
    assert profile_state(disk / "ana") is ProfileState.LOCKED
    for act in (
        lambda: open_profile(disk / "ana", "harbour"),
        lambda: change_passphrase(disk / "ana", "harbour", "lighthouse"),
        lambda: make(disk / "ben"),
    ):
        with pytest.raises(StorageFailed) as raised:
            act()
        assert str(disk) in raised.value.message
        assert "read-only" in raised.value.advice
    read_only(disk, False)
    open_profile(disk / "ana", "harbour").close()


def test_a_directory_that_may_not_be_written_says_so(tmp_path: Path, require: Require) -> None:
    """As an ordinary user, in a process of its own where the test runs as root."""
    make(tmp_path / "ana").close()
    for file in (tmp_path / "ana").iterdir():
        file.chmod(0o644)
    (tmp_path / "ana").chmod(0o555)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from multichat_tui.model.errors import StorageFailed\n"
        "from multichat_tui.store.profile import open_profile\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try: open_profile(Path(sys.argv[1]), 'harbour')\n"
        "except StorageFailed as error: print(error.advice)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "ana")], capture_output=True, text=True, env=environment, check=False
    )
    (tmp_path / "ana").chmod(0o700)
    require(done.returncode == 0, "another user cannot be taken on here")
    assert "permissions" in done.stdout
