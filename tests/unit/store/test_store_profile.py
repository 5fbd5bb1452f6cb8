"""Profiles on real files: made whole or not at all, every bad condition told apart, nothing lost."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from builders import seeded_entropy
from hypothesis import given, settings
from hypothesis import strategies as st

from multichat_tui.crypto.cost import MAX_MEMORY_BYTES, Cost
from multichat_tui.model.codec import encode
from multichat_tui.model.errors import (
    Damaged,
    MultichatError,
    NewerVersion,
    ProfileAbsent,
    ProfileBusy,
    ProfileExists,
    StorageFailed,
    StoreError,
    UsageError,
    WrongPassphrase,
)
from multichat_tui.model.ports import Space
from multichat_tui.store import keyfile, profile, wrapping
from multichat_tui.store.keyfile import decode_keys, encode_keys, read_keys
from multichat_tui.store.presence import ProfileState, profile_state
from multichat_tui.store.profile import (
    OpenProfile,
    change_passphrase,
    check_passphrase,
    create_profile,
    open_profile,
    wipe_profile,
)
from multichat_tui.store.schema import Migration, released_migrations
from multichat_tui.store.wrapping import Secrets, seal_keys

SMALL = 64 * 1024
ACCOUNT = bytes(range(100, 132))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ana"


def create(root: Path, passphrase: str | None = "harbour") -> OpenProfile:
    return create_profile(
        root, passphrase=passphrase, account_entropy=ACCOUNT, entropy=seeded_entropy("profile"), argon_memory=SMALL
    )


def made(root: Path, passphrase: str | None = "harbour") -> Path:
    """A closed profile with a name in it."""
    opened = create(root, passphrase)
    put_name(opened, b"ana")
    opened.close()
    return root


def put_name(opened: OpenProfile, name: bytes) -> None:
    with opened.store.transaction() as txn:
        txn.put(Space.SELF, b"name", name)


def name_in(opened: OpenProfile) -> bytes | None:
    with opened.store.transaction() as txn:
        return txn.get(Space.SELF, b"name")


def name_at(root: Path, passphrase: str | None = "harbour") -> bytes | None:
    opened = open_profile(root, passphrase)
    try:
        return name_in(opened)
    finally:
        opened.close()


def content_of(root: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in root.iterdir() if file.name != "lock"}


@contextmanager
def refused(kind: type[MultichatError], *words: str) -> Iterator[None]:
    """The block raises exactly this, saying what happened with these words, and what to do."""
    with pytest.raises(kind) as raised:
        yield
    assert type(raised.value) is kind
    assert all(word in raised.value.message for word in words), raised.value.message
    assert raised.value.advice.endswith(".")


# Making and opening


@pytest.mark.parametrize("passphrase", ["harbour", "käsekuchen 🧀", None])
def test_a_profile_is_opened_with_what_it_was_made_with(root: Path, passphrase: str | None) -> None:
    assert profile_state(root) is ProfileState.ABSENT
    opened = create(root, passphrase)
    put_name(opened, b"ana")
    assert opened.account_entropy(passphrase) == ACCOUNT
    opened.close()
    opened.close()
    assert profile_state(root) is (ProfileState.KEYFILE if passphrase is None else ProfileState.LOCKED)
    opened = open_profile(root, passphrase)
    assert name_in(opened) == b"ana"
    assert opened.account_entropy(passphrase) == ACCOUNT
    opened.close()


def test_everything_of_a_profile_is_for_its_owner_only(root: Path) -> None:
    opened = create(root, None)
    put_name(opened, b"ana")
    assert root.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in root.iterdir()} == dict.fromkeys(
        ("keys", "lock", "messages.db", "messages.db-wal"), 0o600
    )
    opened.close()


def test_the_usual_cost_of_a_guess_is_that_of_the_limits(root: Path) -> None:
    create_profile(root, passphrase="harbour", account_entropy=ACCOUNT).close()
    keys = read_keys(root / "keys")
    assert keys is not None
    assert keys.cost is not None
    assert (keys.cost.memory_bytes, keys.cost.passes) == (256 * 2**20, 3)
    assert open_profile(root, "harbour").close() is None


def test_two_profiles_of_one_passphrase_share_no_key(tmp_path: Path) -> None:
    for name in ("one", "two"):
        create_profile(tmp_path / name, passphrase="x", account_entropy=ACCOUNT, argon_memory=SMALL).close()
    one, two = (read_keys(tmp_path / name / "keys") for name in ("one", "two"))
    assert one is not None
    assert two is not None
    assert one.cost != two.cost
    assert one.database_key != two.database_key
    (tmp_path / "one" / "messages.db").replace(tmp_path / "two" / "messages.db")
    with refused(Damaged, "messages.db", "does not belong to the keys"):
        open_profile(tmp_path / "two", "x")


def test_an_existing_profile_is_never_overwritten(root: Path) -> None:
    made(root)
    before = content_of(root)
    for passphrase in ("other", None):
        with refused(ProfileExists, str(root)):
            create(root, passphrase)
    assert content_of(root) == before
    assert name_at(root) == b"ana"


def test_a_directory_with_other_files_in_it_may_become_a_profile_and_keeps_them(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "settings.toml").write_text("theme = 'dark'")
    made(root)
    wipe_profile(root)
    assert [file.name for file in root.iterdir()] == ["settings.toml"]


@pytest.mark.parametrize("passphrase", ["", "x" * 1025])
def test_a_new_passphrase_is_neither_empty_nor_endless(root: Path, passphrase: str) -> None:
    with refused(UsageError, "empty or too long"):
        create(root, passphrase)
    assert not root.exists()
    made(root)
    with refused(UsageError, "empty or too long"):
        change_passphrase(root, "harbour", passphrase)
    assert name_at(root) == b"ana"


# Refusals


@pytest.mark.parametrize("act", [open_profile, lambda root: change_passphrase(root, "a", "b"), wipe_profile])
def test_where_there_is_no_profile_nothing_is_made(root: Path, act: Callable[[Path], object]) -> None:
    with refused(ProfileAbsent, str(root)):
        act(root)
    assert not root.parent.exists()


@pytest.mark.parametrize("passphrase", ["Harbour", "harbour ", "", "x" * 5000])
def test_a_wrong_passphrase_is_told_from_damage(root: Path, passphrase: str) -> None:
    made(root)
    before = content_of(root)
    with refused(WrongPassphrase, "passphrase"):
        open_profile(root, passphrase)
    with refused(WrongPassphrase, "passphrase"):
        change_passphrase(root, passphrase, "new")
    assert content_of(root) == before
    assert name_at(root) == b"ana"


def test_a_locked_profile_without_a_passphrase_says_so(root: Path) -> None:
    made(root)
    with refused(WrongPassphrase, "locked"):
        open_profile(root)
    opened = open_profile(root, "harbour")
    for passphrase in (None, "other"):
        with refused(WrongPassphrase):
            opened.account_entropy(passphrase)
    opened.close()


@pytest.mark.parametrize("passphrase", ["harbour", None])
def test_a_key_file_with_any_byte_changed_is_damaged(root: Path, passphrase: str | None) -> None:
    made(root, passphrase)
    whole = (root / "keys").read_bytes()
    for place in range(len(whole)):
        (root / "keys").write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        with refused(Damaged, str(root / "keys")):
            open_profile(root, passphrase)
        with refused(Damaged, str(root / "keys")):
            profile_state(root)
    (root / "keys").write_bytes(whole)
    assert name_at(root, passphrase) == b"ana"


def test_a_key_file_that_is_cut_off_or_too_long_is_damaged(root: Path) -> None:
    made(root)
    whole = (root / "keys").read_bytes()
    for content in (*(whole[:length] for length in range(len(whole))), whole + b"\0", whole + bytes(9000)):
        (root / "keys").write_bytes(content)
        with refused(Damaged, str(root / "keys")):
            open_profile(root, "harbour")


@settings(max_examples=200, deadline=None)
@given(junk=st.binary(max_size=300))
def test_junk_is_no_key_file(junk: bytes) -> None:
    with refused(Damaged, "keys"):
        decode_keys(junk, Path("keys"))


def framed(body: bytes, version: int = 1) -> bytes:
    return encode({0: version, 1: body, 2: keyfile._checksum(version, body)})


def test_a_key_file_of_a_newer_version_is_refused_and_left_alone(root: Path) -> None:
    made(root)
    newer = framed(b"whatever it may be", 2)
    (root / "keys").write_bytes(newer)
    for act in (open_profile, profile_state, create):
        with refused(NewerVersion, str(root / "keys"), "format 2"):
            act(root)
    assert (root / "keys").read_bytes() == newer


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {3: bytes(31), 4: bytes(72), 5: bytes(72)},
        {3: bytes(32), 4: bytes(72), 5: bytes(71)},
        {3: bytes(32), 4: bytes(72)},
        {3: bytes(32), 4: bytes(72), 5: bytes(72), 6: 0},
        {0: bytes(16), 1: SMALL, 2: 1, 3: bytes(32), 4: bytes(72), 5: bytes(72)},
        {0: bytes(16), 1: MAX_MEMORY_BYTES + 1, 2: 1, 4: bytes(72), 5: bytes(72)},
        {0: bytes(16), 1: SMALL, 2: 2**30, 4: bytes(72), 5: bytes(72)},
        {0: bytes(16), 1: -1, 2: 1, 4: bytes(72), 5: bytes(72)},
    ],
)
def test_a_key_file_that_is_whole_but_makes_no_sense_is_damaged(fields: dict[int, bytes | int]) -> None:
    with refused(Damaged, "keys"):
        decode_keys(framed(encode(fields)), Path("keys"))


def test_a_key_that_does_not_open_its_own_file_is_damage(root: Path) -> None:
    made(root, None)
    keys = read_keys(root / "keys")
    assert keys is not None
    (root / "keys").write_bytes(encode_keys(replace(keys, plain_key=bytes(32))))
    with refused(Damaged, str(root / "keys")):
        open_profile(root)


def test_the_two_wrapped_secrets_cannot_stand_in_for_each_other(root: Path) -> None:
    made(root)
    keys = read_keys(root / "keys")
    assert keys is not None
    swapped = replace(keys, database_key=keys.account_entropy, account_entropy=keys.database_key)
    (root / "keys").write_bytes(encode_keys(swapped))
    with refused(WrongPassphrase):
        open_profile(root, "harbour")


def test_too_little_memory_to_unlock_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(root)

    def exhausted(passphrase: str, cost: Cost) -> bytes:
        raise MemoryError

    monkeypatch.setattr(wrapping, "derive", exhausted)
    with refused(StorageFailed, "memory"):
        open_profile(root, "harbour")


def test_a_lost_database_is_not_replaced_by_an_empty_one(root: Path) -> None:
    made(root)
    for spoil in (lambda file: file.write_bytes(b""), Path.unlink):
        spoil(root / "messages.db")
        with refused(Damaged, str(root / "messages.db")):
            open_profile(root, "harbour")
        with refused(ProfileExists):
            create(root)


def test_a_lost_key_file_is_said_and_nothing_is_made_in_its_place(root: Path) -> None:
    made(root)
    keys = (root / "keys").read_bytes()
    (root / "keys").unlink()
    before = content_of(root)
    for act in (open_profile, profile_state, create):
        with refused(Damaged, str(root / "keys"), "missing"):
            act(root)
    assert content_of(root) == before
    (root / "keys").write_bytes(keys)
    assert name_at(root) == b"ana"


def test_a_database_of_a_newer_version_is_refused_and_the_profile_can_be_opened_again(root: Path) -> None:
    made(root)
    known = released_migrations()
    newer = Migration(number=len(known) + 1, name="boats", sql="create table boat (name text) strict;")
    open_profile(root, "harbour", migrations=(*known, newer)).close()
    with refused(NewerVersion, "messages.db", "newer version"):
        open_profile(root, "harbour")
    opened = open_profile(root, "harbour", migrations=(*known, newer))
    assert name_in(opened) == b"ana"
    opened.close()


def test_a_profile_that_is_in_use_says_by_whom(root: Path) -> None:
    opened = create(root)
    for act in (open_profile, wipe_profile, lambda root: change_passphrase(root, "harbour", "new")):
        with refused(ProfileBusy, str(root), f"process {os.getpid()}"):
            act(root)
    put_name(opened, b"still there")
    opened.close()
    assert name_at(root) == b"still there"


def test_a_profile_in_use_by_another_process_is_busy_until_that_one_ends(root: Path) -> None:
    made(root)
    program = (
        "import sys; from pathlib import Path; from multichat_tui.store.profile import open_profile\n"
        "opened = open_profile(Path(sys.argv[1]), 'harbour'); print('open', flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with refused(ProfileBusy, f"process {other.pid}"):
            open_profile(root, "wrong, but that is not even asked")
        other.kill()
        other.wait(10)
    assert name_at(root) == b"ana"


def test_a_refused_opening_lets_the_next_one_in(root: Path) -> None:
    made(root)
    for _ in range(3):
        with refused(WrongPassphrase):
            open_profile(root, "wrong")
    assert name_at(root) == b"ana"


# A crash while it is made


class Crash(BaseException):
    """The process is gone: what follows in it, and its clearing up, does not happen."""


CREATION_STEPS = ("_mark_creating", "_remove", "SqliteStore", "sync_directory", "write_keys")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", CREATION_STEPS)
def test_a_crash_while_a_profile_is_made_leaves_none_or_a_whole_one(
    root: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    with monkeypatch.context() as patch:
        whole = getattr(profile, step)
        fallen = False

        def crash(*arguments: object) -> None:
            nonlocal fallen
            if after and not fallen:
                whole(*arguments)
            fallen = True
            raise Crash

        # Once the process has fallen, its own clearing up fails as well.
        for name in CREATION_STEPS:
            original = getattr(profile, name)
            patch.setattr(profile, name, crash if name == step else lambda *a, f=original: crash() if fallen else f(*a))
        with pytest.raises(Crash):
            create(root)
    if step == "write_keys" and after:
        assert profile_state(root) is ProfileState.LOCKED
        open_profile(root, "harbour").close()
        assert not (root / "creating").exists()
    else:
        assert profile_state(root) is ProfileState.ABSENT
        with refused(ProfileAbsent):
            open_profile(root, "harbour")
        made(root, "another")
        assert name_at(root, "another") == b"ana"
        assert not (root / "creating").exists()


def test_a_failure_while_a_profile_is_made_leaves_no_file_of_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StorageFailed("The disk is full.", "Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(profile, "write_keys", full)
        with refused(StorageFailed, "full"):
            create(root)
    assert [file.name for file in root.iterdir()] == ["lock"]
    made(root)


def test_the_remains_of_a_creation_can_be_wiped(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "creating").touch()
    (root / "messages.db").write_bytes(b"half")
    wipe_profile(root)
    assert not root.exists()


# Changing the passphrase, wiping


@pytest.mark.parametrize(("old", "new"), [("harbour", "lighthouse"), ("harbour", None), (None, "lighthouse"), (None, None)])
def test_a_changed_passphrase_opens_the_same_content_and_the_old_one_no_more(
    root: Path, old: str | None, new: str | None
) -> None:
    made(root, old)
    change_passphrase(root, old, new, argon_memory=SMALL)
    assert profile_state(root) is (ProfileState.LOCKED if new else ProfileState.KEYFILE)
    opened = open_profile(root, new)
    assert name_in(opened) == b"ana"
    assert opened.account_entropy(new) == ACCOUNT
    opened.close()
    if old is not None and new is not None:
        with refused(WrongPassphrase):
            open_profile(root, old)
    assert (root / "keys").stat().st_mode & 0o777 == 0o600


def test_the_passphrase_of_a_profile_in_use_can_be_changed(root: Path) -> None:
    opened = create(root)
    with refused(WrongPassphrase):
        opened.change_passphrase("wrong", "lighthouse")
    opened.change_passphrase("harbour", "lighthouse")
    assert opened.account_entropy("lighthouse") == ACCOUNT
    put_name(opened, b"ana")
    opened.close()
    assert name_at(root, "lighthouse") == b"ana"


def test_a_crash_while_the_passphrase_is_changed_leaves_one_that_opens(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(root)

    def crash(*_: object) -> None:
        raise Crash

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), crash)
            with pytest.raises(Crash):
                change_passphrase(root, "harbour", "lighthouse")
        assert name_at(root) == b"ana"
    change_passphrase(root, "harbour", "lighthouse")
    assert name_at(root, "lighthouse") == b"ana"


def test_a_wiped_profile_is_gone(root: Path) -> None:
    made(root)
    wipe_profile(root)
    assert not root.exists()
    assert profile_state(root) is ProfileState.ABSENT


def test_a_damaged_profile_can_be_wiped(root: Path) -> None:
    made(root)
    (root / "keys").write_bytes(b"noise")
    (root / "messages.db").write_bytes(b"noise")
    wipe_profile(root)
    assert not root.exists()


# Words


def test_no_repr_tells_a_secret(root: Path) -> None:
    opened = create(root, None)
    secrets = Secrets(database_key=b"d" * 32, account_entropy=b"a" * 32)
    keys = seal_keys(secrets, None, seeded_entropy("repr"))
    for each in (opened, opened.store, secrets, keys):
        assert "\\x" not in repr(each)
        assert "ddd" not in repr(each)
        assert len(repr(each)) < 200
    opened.close()


def test_a_file_in_the_way_of_the_directory_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with refused(StorageFailed, str(tmp_path / "home")):
        create(tmp_path / "home" / "ana")
    with refused(ProfileAbsent):
        open_profile(tmp_path / "home" / "ana")


def test_every_refusal_is_of_the_one_tree() -> None:
    kinds = (ProfileAbsent, ProfileExists, ProfileBusy, WrongPassphrase, Damaged, NewerVersion, StorageFailed)
    assert all(issubclass(kind, StoreError) for kind in kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_what_there_is_at_a_place_is_told_without_database_or_cryptography(tmp_path: Path) -> None:
    create_profile(tmp_path / "p", passphrase=None, account_entropy=ACCOUNT, argon_memory=SMALL).close()
    code = (
        "import sys; from pathlib import Path; from multichat_tui.store.presence import profile_state\n"
        "assert profile_state(Path(sys.argv[1])).value == 'keyfile'\n"
        "assert not {'apsw', 'nacl'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "p")], check=True, timeout=60)


def test_a_passphrase_is_checked_beside_a_profile_in_use_and_changes_nothing(root: Path) -> None:
    opened = create(root)
    before = (root / "keys").read_bytes()
    check_passphrase(root, "harbour")
    with pytest.raises(WrongPassphrase):
        check_passphrase(root, "harbor")
    assert (root / "keys").read_bytes() == before
    put_name(opened, b"still open")
    opened.close()
