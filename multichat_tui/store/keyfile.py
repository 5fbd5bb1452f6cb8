"""The small file that holds a profile's keys, wrapped.

Its frame is the same in every version: {0: version, 1: body, 2: checksum over both}, so that damage, a newer version and a wrong
passphrase are told apart. Body of version 1: {0: Argon2id salt, 1: memory_bytes, 2: passes} with a passphrase, {3: wrapping key}
without; then {4: wrapped database key, 5: wrapped account entropy}.
"""

import os
from pathlib import Path

from multichat_tui.crypto.cost import KEY_BYTES, SALT_BYTES, WRAPPED_BYTES, Cost
from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.errors import Damaged, NewerVersion, StoreError
from multichat_tui.model.ids import digest
from multichat_tui.model.schema import Malformed, as_bytes, as_id, as_int, as_map, read
from multichat_tui.model.values import dataclass
from multichat_tui.store.files import RESTORE, file_fault, sync_directory

VERSION = 1
MAX_FILE_BYTES = 4096


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
