"""The encrypted database file: opening, settings, statements, commit. Knows no tables.

The rule: whatever the database raises leaves here as an `errors.StoreError`, and a transaction that has seen one can only be
rolled back.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import apsw

from multichat_tui.model.errors import Damaged, NewerVersion, StorageFailed, StoreError
from multichat_tui.model.ids import digest
from multichat_tui.store.faults import database_fault
from multichat_tui.store.files import RESTORE, file_fault, sync_directory
from multichat_tui.store.schema import Migration

Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = tuple[int | str | bytes | None, ...]

KEY_BYTES = 32
SALT_BYTES = 16
PAGE_BYTES = 4096
CACHE_KIB = 8000
WAL_BYTES = 4 * 1024 * 1024
"""What the write-ahead log is cut back to when a checkpoint has emptied it."""
CHECKPOINT_PAGES = 800
"""A commit that leaves more pages than this in the log copies them to the database: about 3.3 MB."""
COPY_SUFFIX = ".before-migration"
"""A copy of the file, encrypted as it is, from before the newest migration; dropped by the next opening after that one."""


def file_salt(key: bytes) -> bytes:
    """The first 16 bytes of a database file: from its key, so that a file can be told to be of this key without opening it."""
    return digest("mc.dbsalt", key)[:SALT_BYTES]


class Database:
    """An open connection and its one cursor. Used from one thread at a time, whichever."""

    __slots__ = ("_connection", "_cursor", "_failure", "path")

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.path = path
        self._connection = connection
        self._cursor = connection.cursor()
        self._failure: StoreError | None = None

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a statement, or of several without parameters."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._cursor.execute(sql, parameters).fetchall()
        except (apsw.Error, MemoryError) as error:
            self._failure = database_fault(error, self.path)
            raise self._failure from error

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def run(self, sql: str, parameters: Parameters = ()) -> None:
        """A statement, or several without parameters, that give no rows."""
        if self._failure is not None:
            raise self._failure
        try:
            self._cursor.execute(sql, parameters)
        except (apsw.Error, MemoryError) as error:
            self._failure = database_fault(error, self.path)
            raise self._failure from error

    def run_many(self, sql: str, parameters: Iterable[Parameters]) -> None:
        for each in parameters:
            self.run(sql, each)

    def begin(self) -> None:
        self._failure = None
        self.run("begin")

    def commit(self) -> None:
        """Durable when it returns. When it raises, the transaction is still to be rolled back."""
        self.run("commit")

    def roll_back(self) -> None:
        """Back to what the last commit left. The database itself may have done so already, after a fault."""
        self._failure = None
        if self._connection.in_transaction:
            self.run("rollback")

    def truncate_log(self) -> None:
        """Copy the write-ahead log into the file and empty it: what has been deleted is in neither then."""
        self.rows("pragma wal_checkpoint(truncate)")

    def drop_copy(self) -> None:
        """The copy from before the newest migration, if there is one: it has what has been deleted since."""
        _drop(self.path.with_name(self.path.name + COPY_SUFFIX))

    def close(self) -> None:
        try:
            self._connection.close(True)
        except apsw.Error as error:
            raise database_fault(error, self.path) from error


def open_database(path: Path, key: bytes, migrations: tuple[Migration, ...], *, create: bool) -> Database:
    """The database, at the newest version of `migrations`. Without `create`, an absent or empty file is damage.

    `StorageFailed`, `ProfileBusy`, `Damaged` (also a file of another key: the message says which), `NewerVersion`.
    """
    if len(key) != KEY_BYTES:
        raise ValueError("the database key has 32 bytes")
    _check_file(path, create)
    database = _connect(path, key)
    version = _version(database)
    try:
        if version > len(migrations):
            raise NewerVersion(
                f"{path} was written by a newer version of this program (schema {version}, known: {len(migrations)}).",
                "Update the program; the file has not been changed.",
            )
        copy = path.with_name(path.name + COPY_SUFFIX)
        if version == len(migrations):
            _drop(copy)
            return database
        if version > 0:
            database.truncate_log()
            database.close()
            _copy(path, copy)
            database = _connect(path, key)
        for migration in migrations[version:]:
            _migrate(database, migration)
    except BaseException:
        database.close()
        raise
    return database


def _check_file(path: Path, create: bool) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        if not create:
            raise Damaged(f"{path} is missing.", RESTORE) from None
        _make_private(path)
        return
    except OSError as error:
        raise file_fault(error, path, "read") from error
    if size == 0 and not create:
        raise Damaged(f"{path} is empty.", RESTORE)
    # A cut in the last page reads as zeroes; with a log beside it, the rest of that page may still be in there.
    if size % PAGE_BYTES and not path.with_name(path.name + "-wal").exists():
        raise Damaged(f"{path} is cut off in the middle of a page.", RESTORE)


def _make_private(path: Path) -> None:
    """An empty file of mode 0600: the database gives its mode to the log beside it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise file_fault(error, path, "created") from error


def _connect(path: Path, key: bytes) -> Database:
    connection = None
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=128)
        if connection.readonly("main"):
            raise apsw.ReadOnlyError
        connection.execute("pragma cipher = 'chacha20'")
        connection.execute(f"pragma key = 'raw:{(key + file_salt(key)).hex()}'", can_cache=False)
        # No other process shares this file, so the log's index need not be a file; and no temporary file is encrypted.
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma temp_store = memory")
        connection.execute("select count(*) from sqlite_master").fetchall()
        connection.execute(f"pragma page_size = {PAGE_BYTES}")
        mode = connection.execute("pragma journal_mode = wal").fetchall()
        if mode != [("wal",)]:
            raise StorageFailed(f"{path} cannot keep a write-ahead log there.", "Use a local disk for the profile.")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma secure_delete = on")
        connection.execute(f"pragma cache_size = -{CACHE_KIB}")
        connection.execute(f"pragma journal_size_limit = {WAL_BYTES}")
        connection.execute(f"pragma wal_autocheckpoint = {CHECKPOINT_PAGES}")
        return Database(path, connection)
    except (apsw.Error, MemoryError, StoreError) as error:
        if connection is not None:
            connection.close(True)
        if isinstance(error, StoreError):
            raise
        if isinstance(error, apsw.NotADBError):
            raise _undecipherable(path, key) from error
        raise database_fault(error, path) from error


def _undecipherable(path: Path, key: bytes) -> StoreError:
    """Why the first page does not open: the file begins with what its key gives, or it is not of this key."""
    try:
        with path.open("rb") as file:
            begins = file.read(SALT_BYTES)
    except OSError as error:
        return file_fault(error, path, "read")
    if begins == file_salt(key):
        return Damaged(f"{path} is damaged in its first page.", RESTORE)
    return Damaged(
        f"{path} does not belong to the keys beside it, or its beginning is overwritten.",
        "If it was copied from another profile, put that profile's keys file beside it; otherwise restore a backup.",
    )


def _version(database: Database) -> int:
    try:
        found = database.row("select (select user_version from pragma_user_version), (select count(*) from sqlite_master)")
        assert found is not None
        version, tables = found
        if version < 0 or (version == 0) != (tables == 0):
            raise Damaged(f"{database.path} has tables that are not ours.", RESTORE)
    except StoreError:
        database.close()
        raise
    return int(version)


def _migrate(database: Database, migration: Migration) -> None:
    database.begin()
    try:
        database.rows(migration.sql)
        database.run(f"pragma user_version = {migration.number}")
        database.commit()
    except BaseException:
        database.roll_back()
        raise


def _copy(path: Path, copy: Path) -> None:
    """Whole or not at all, and on the disk when it returns."""
    partial = copy.with_name(copy.name + ".part")
    try:
        with path.open("rb") as source, open(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as target:
            shutil.copyfileobj(source, target, 1024 * 1024)
            target.flush()
            os.fsync(target.fileno())
        partial.replace(copy)
        sync_directory(copy.parent)
    except OSError as error:
        raise file_fault(error, copy, "written") from error


def _drop(copy: Path) -> None:
    try:
        copy.unlink(missing_ok=True)
    except OSError as error:
        raise file_fault(error, copy, "removed") from error
