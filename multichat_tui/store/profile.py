"""A profile: a directory of one's own (mode 0700) with the key file `keys`, the database `messages.db` and the file `lock`.

The rule: a profile exists when `keys` does, and that is written last. A file `creating` marks a creation under way: what a crash
left of one, and only that, may be cleared away. Nothing else is ever overwritten.
"""

import os
from contextlib import suppress
from pathlib import Path

from multichat_tui.crypto.passphrase import passphrase_fits
from multichat_tui.model.errors import ProfileAbsent, ProfileExists, StoreError, UsageError
from multichat_tui.model.ports import Entropy
from multichat_tui.store.database import COPY_SUFFIX, KEY_BYTES
from multichat_tui.store.files import files_at, sync_directory
from multichat_tui.store.keyfile import write_keys
from multichat_tui.store.lock import ProfileLock
from multichat_tui.store.presence import CREATING, DATABASE, KEYS, find_keys
from multichat_tui.store.schema import Migration
from multichat_tui.store.sqlite import SqliteStore
from multichat_tui.store.wrapping import ACCOUNT_ENTROPY, DATABASE_KEY, Secrets, open_secret, seal_keys, wrapping_key

LOCK = "lock"
_DATABASE_FILES = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal")
_ALL_FILES = (
    KEYS,
    f"{KEYS}.part",
    *_DATABASE_FILES,
    f"{DATABASE}{COPY_SUFFIX}",
    f"{DATABASE}{COPY_SUFFIX}.part",
    CREATING,
    LOCK,
)


class OpenProfile:
    """A profile in use: `store` is open and the lock is held until `close`."""

    __slots__ = ("_lock", "root", "store")

    def __init__(self, root: Path, store: SqliteStore, lock: ProfileLock) -> None:
        self.root = root
        self.store = store
        self._lock = lock

    def __repr__(self) -> str:
        return f"OpenProfile({self.root})"

    def account_entropy(self, passphrase: str | None) -> bytes:
        """The account's 32 bytes: the recovery phrase. Asks for the passphrase again; `WrongPassphrase`."""
        return _open(self.root, passphrase, ACCOUNT_ENTROPY)

    def change_passphrase(
        self, old: str | None, new: str | None, *, entropy: Entropy = os.urandom, argon_memory: int | None = None
    ) -> None:
        """As the function of this name, on a profile in use."""
        _rewrap(self.root, old, new, entropy, argon_memory)

    def close(self) -> None:
        """Idempotent."""
        try:
            self.store.close()
        finally:
            self._lock.release()


def create_profile(
    root: Path,
    *,
    passphrase: str | None,
    account_entropy: bytes,
    entropy: Entropy = os.urandom,
    argon_memory: int | None = None,
) -> OpenProfile:
    """Make a profile and open it; a crash before the end leaves none. No passphrase: the key lies in a file of mode 0600.

    `argon_memory` in bytes, `limits.ARGON2_MEMORY_BYTES` if None. `ProfileExists`, `ProfileBusy`, `StorageFailed`; `UsageError`
    for a passphrase that is empty or too long.
    """
    if len(account_entropy) != KEY_BYTES:
        raise ValueError("the account's entropy has 32 bytes")
    _check_new_passphrase(passphrase)
    if find_keys(root) is not None:
        raise _exists(root)
    _make_directory(root)
    lock = ProfileLock(root / LOCK)
    try:
        if find_keys(root) is not None:
            raise _exists(root)
        return OpenProfile(root, _create(root, passphrase, account_entropy, entropy, argon_memory), lock)
    except BaseException:
        lock.release()
        raise


def _create(
    root: Path, passphrase: str | None, account_entropy: bytes, entropy: Entropy, argon_memory: int | None
) -> SqliteStore:
    secrets = Secrets(database_key=entropy(KEY_BYTES), account_entropy=account_entropy)
    keys = seal_keys(secrets, passphrase, entropy, argon_memory)
    store = None
    try:
        _mark_creating(root)
        _remove(root, _DATABASE_FILES)
        store = SqliteStore(root / DATABASE, secrets.database_key)
        with files_at(root, "written"):
            sync_directory(root)
        write_keys(root / KEYS, keys)
    except BaseException:
        if store is not None:
            store.close()
        if not (root / KEYS).exists():
            # A disk that fails here too leaves the mark, and the next creation clears up.
            with suppress(StoreError):
                _remove(root, (*_DATABASE_FILES, CREATING))
        raise
    # The profile is whole; the mark means nothing beside a key file.
    with suppress(StoreError):
        _remove(root, (CREATING,))
    return store


def open_profile(root: Path, passphrase: str | None = None, *, migrations: tuple[Migration, ...] | None = None) -> OpenProfile:
    """Refuses in this order: `ProfileAbsent`, `ProfileBusy`, a key file that is `Damaged` or of a `NewerVersion`,
    `WrongPassphrase`, then what `SqliteStore` refuses."""
    with files_at(root, "read"):
        found = (root / KEYS).exists()
    if not found:
        find_keys(root)
        raise _absent(root)
    lock = ProfileLock(root / LOCK)
    try:
        database_key = _open(root, passphrase, DATABASE_KEY)
        store = SqliteStore(root / DATABASE, database_key, create=False, migrations=migrations)
        if (root / CREATING).exists():
            with suppress(StoreError):
                _remove(root, (CREATING,))
        return OpenProfile(root, store, lock)
    except BaseException:
        lock.release()
        raise


def change_passphrase(
    root: Path, old: str | None, new: str | None, *, entropy: Entropy = os.urandom, argon_memory: int | None = None
) -> None:
    """Wrap the same keys anew; at any instant one of the two passphrases opens the profile.

    `argon_memory` in bytes; if None, as much as before. What an old copy of the key file gave away with the old passphrase, it
    gives away still.
    """
    if find_keys(root) is None:
        raise _absent(root)
    lock = ProfileLock(root / LOCK)
    try:
        _rewrap(root, old, new, entropy, argon_memory)
    finally:
        lock.release()


def _rewrap(root: Path, old: str | None, new: str | None, entropy: Entropy, argon_memory: int | None) -> None:
    _check_new_passphrase(new)
    keys = find_keys(root)
    if keys is None:
        raise _absent(root)
    key, path = wrapping_key(keys, old), root / KEYS
    secrets = Secrets(
        database_key=open_secret(key, DATABASE_KEY, keys, path),
        account_entropy=open_secret(key, ACCOUNT_ENTROPY, keys, path),
    )
    if argon_memory is None and keys.cost is not None:
        argon_memory = keys.cost.memory_bytes
    write_keys(path, seal_keys(secrets, new, entropy, argon_memory))


def check_passphrase(root: Path, passphrase: str) -> None:
    """Whether it opens the profile, which may be in use: derives the key, which takes its time. `WrongPassphrase`."""
    _open(root, passphrase, DATABASE_KEY)


def wipe_profile(root: Path) -> None:
    """Delete a profile, its keys first: without them the rest is noise. Also one that is damaged. `ProfileBusy` if in use."""
    if not any((root / name).exists() for name in (KEYS, DATABASE, CREATING)):
        raise _absent(root)
    lock = ProfileLock(root / LOCK)
    try:
        _overwrite(root / KEYS)
        for name in _ALL_FILES:
            _remove(root, (name,))
        with suppress(OSError):
            root.rmdir()
    finally:
        lock.release()


def _open(root: Path, passphrase: str | None, purpose: str) -> bytes:
    """One of the two secrets: the account's is opened only when it is asked for."""
    keys = find_keys(root)
    if keys is None:
        raise _absent(root)
    return open_secret(wrapping_key(keys, passphrase), purpose, keys, root / KEYS)


def _check_new_passphrase(passphrase: str | None) -> None:
    if passphrase is not None and not passphrase_fits(passphrase):
        raise UsageError("This passphrase is empty or too long.", "A passphrase has 1 to 1,024 bytes.")


def _exists(root: Path) -> ProfileExists:
    return ProfileExists(f"There is a profile at {root} already.", "Open it, or choose another directory.")


def _absent(root: Path) -> ProfileAbsent:
    return ProfileAbsent(f"There is no profile at {root}.", "Create one, or check the directory's name.")


def _make_directory(root: Path) -> None:
    with files_at(root, "created"):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)


def _mark_creating(root: Path) -> None:
    with files_at(root / CREATING, "written"):
        os.close(os.open(root / CREATING, os.O_CREAT | os.O_WRONLY, 0o600))
        sync_directory(root)


def _remove(root: Path, names: tuple[str, ...]) -> None:
    with files_at(root, "cleared"):
        for name in names:
            (root / name).unlink(missing_ok=True)
        sync_directory(root)


def _overwrite(path: Path) -> None:
    """Best effort: many disks keep the old bytes somewhere."""
    with files_at(path, "wiped"), suppress(FileNotFoundError), path.open("r+b") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        file.write(bytes(length))
        file.flush()
        os.fsync(file.fileno())
