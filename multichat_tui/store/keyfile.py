"""The small file that holds a profile's keys, wrapped.

Its frame is the same in every version: {0: version, 1: body, 2: checksum over both}, so that damage, a newer version and a wrong
passphrase are told apart. Body of version 1: {0: Argon2id salt, 1: memory_bytes, 2: passes} with a passphrase, {3: wrapping key}
without; then {4: wrapped database key, 5: wrapped account entropy}.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from multichat_tui.crypto.passphrase import KEY_BYTES, NONCE_BYTES, SALT_BYTES, WRAPPED_BYTES, Cost, unwrap, wrap
from multichat_tui.crypto.passphrase import wrapping_key as derive
from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.errors import Damaged, NewerVersion, StorageFailed, StoreError, WrongPassphrase
from multichat_tui.model.ids import digest
from multichat_tui.model.limits import ARGON2_MEMORY_BYTES
from multichat_tui.model.ports import Entropy
from multichat_tui.model.schema import Malformed, as_bytes, as_id, as_int, as_map, read
from multichat_tui.store.database import sync_directory
from multichat_tui.store.faults import RESTORE, file_fault

VERSION = 1
MAX_FILE_BYTES = 4096
DATABASE_KEY = "database"
ACCOUNT_ENTROPY = "account"
TRY_AGAIN = "Try again; without it, only the recovery phrase helps."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """What the file holds. Exactly one of `cost` and `plain_key` is there."""

    cost: Cost | None
    plain_key: bytes | None
    database_key: bytes
    """Wrapped."""
    account_entropy: bytes
    """Wrapped."""

    def __repr__(self) -> str:
        return "KeyFile(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the file protects: twice 32 bytes."""

    database_key: bytes
    account_entropy: bytes

    def __repr__(self) -> str:
        return "Secrets(…)"


def seal_keys(secrets: Secrets, passphrase: str | None, entropy: Entropy, memory_bytes: int | None = None) -> KeyFile:
    """A key file for the secrets. `StorageFailed` without the memory for Argon2id."""
    cost = plain_key = None
    if passphrase is None:
        key = plain_key = entropy(KEY_BYTES)
    else:
        cost = Cost(salt=entropy(SALT_BYTES), memory_bytes=memory_bytes or ARGON2_MEMORY_BYTES)
        key = _derived(passphrase, cost)
    return KeyFile(
        cost=cost,
        plain_key=plain_key,
        database_key=wrap(key, DATABASE_KEY, secrets.database_key, entropy(NONCE_BYTES)),
        account_entropy=wrap(key, ACCOUNT_ENTROPY, secrets.account_entropy, entropy(NONCE_BYTES)),
    )


def wrapping_key(keys: KeyFile, passphrase: str | None) -> bytes:
    """The key that opens both. `WrongPassphrase` if one is needed and there is none that could be it."""
    if keys.plain_key is not None:
        return keys.plain_key
    assert keys.cost is not None
    if passphrase is None:
        raise WrongPassphrase("This profile is locked.", "Enter its passphrase.")
    return _derived(passphrase, keys.cost)


def _derived(passphrase: str, cost: Cost) -> bytes:
    try:
        return derive(passphrase, cost)
    except ValueError:
        raise WrongPassphrase("This passphrase is empty or too long.", "A passphrase has 1 to 1,024 bytes.") from None
    except MemoryError:
        raise StorageFailed(
            f"Unlocking needs {cost.memory_bytes // 2**20} MB of memory, and there is not enough.",
            "Close other programs and try again.",
        ) from None


def open_secret(key: bytes, purpose: str, keys: KeyFile, path: Path) -> bytes:
    """One of the file's secrets. As its checksum is right, what does not open is closed to this passphrase."""
    secret = unwrap(key, purpose, keys.database_key if purpose == DATABASE_KEY else keys.account_entropy)
    if secret is None and keys.plain_key is not None:
        raise Damaged(f"{path} is damaged: its own key does not open it.", RESTORE)
    if secret is None:
        raise WrongPassphrase("This is not the passphrase of the profile.", TRY_AGAIN)
    return secret


def encode_keys(keys: KeyFile) -> bytes:
    fields: dict[int, Value] = {}
    if keys.cost is not None:
        fields |= {0: keys.cost.salt, 1: keys.cost.memory_bytes, 2: keys.cost.passes}
    else:
        fields[3] = keys.plain_key
    body = encode({**fields, 4: keys.database_key, 5: keys.account_entropy})
    return encode({0: VERSION, 1: body, 2: _checksum(VERSION, body)})


def _checksum(version: int, body: bytes) -> bytes:
    return digest("mc.keysfile", version.to_bytes(4, "big"), body)


def decode_keys(encoded: bytes, path: Path) -> KeyFile:
    """`Damaged` or `NewerVersion`, both naming the file at `path`."""
    frame = read(encoded, MAX_FILE_BYTES, _frame)
    if isinstance(frame, Rejected):
        raise Damaged(f"{path} is damaged ({frame.detail or frame.reason.value}).", RESTORE)
    version, body = frame
    if version > VERSION:
        raise NewerVersion(
            f"{path} was written by a newer version of this program (format {version}, known: {VERSION}).",
            "Update the program; the file has not been changed.",
        )
    keys = read(body, MAX_FILE_BYTES, _body)
    if isinstance(keys, Rejected):
        raise Damaged(f"{path} is damaged ({keys.detail or keys.reason.value}).", RESTORE)
    return keys


def _frame(value: Value) -> tuple[int, bytes]:
    fields = as_map(value, "keys")
    if any(key not in fields for key in (0, 1, 2)):
        raise Malformed("keys: a field is missing")
    version, body = as_int(fields[0], "version", 2**31, 1), as_bytes(fields[1], "body", MAX_FILE_BYTES)
    if as_id(fields[2], "checksum") != _checksum(version, body):
        raise Malformed("keys: the checksum is wrong")
    return version, body


def _body(value: Value) -> KeyFile:
    fields = as_map(value, "body")
    needed = {3, 4, 5} if 3 in fields else {0, 1, 2, 4, 5}
    if set(fields) != needed:
        raise Malformed("body: fields are missing, or there are others")
    cost = plain_key = None
    if 3 in fields:
        plain_key = as_bytes(fields[3], "key", KEY_BYTES, KEY_BYTES)
    else:
        try:
            cost = Cost(
                salt=as_bytes(fields[0], "salt", SALT_BYTES, SALT_BYTES),
                memory_bytes=as_int(fields[1], "memory", 2**40),
                passes=as_int(fields[2], "passes", 2**31),
            )
        except ValueError as error:
            raise Malformed(str(error)) from None
    return KeyFile(
        cost=cost,
        plain_key=plain_key,
        database_key=as_bytes(fields[4], "database key", WRAPPED_BYTES, WRAPPED_BYTES),
        account_entropy=as_bytes(fields[5], "account entropy", WRAPPED_BYTES, WRAPPED_BYTES),
    )


def read_keys(path: Path) -> KeyFile | None:
    """The key file at `path`, None if there is none."""
    try:
        with path.open("rb") as file:
            encoded = file.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise file_fault(error, path, "read") from error
    return decode_keys(encoded, path)


def write_keys(path: Path, keys: KeyFile) -> None:
    """Replace the file, mode 0600: at any instant, also after a crash, it is the old one or the new one, whole."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.unlink(missing_ok=True)
        with open(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(encode_keys(keys))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise _after(error, path, partial) from error


def _after(error: OSError, path: Path, partial: Path) -> StoreError:
    """The fault to raise, with nothing left lying about."""
    try:
        partial.unlink(missing_ok=True)
    except OSError:
        return file_fault(error, path, "written")
    return file_fault(error, path, "written")
