"""What a key file protects, sealed and opened again."""

from pathlib import Path

from multichat_tui.crypto.cost import KEY_BYTES, NONCE_BYTES, SALT_BYTES, Cost
from multichat_tui.crypto.passphrase import unwrap, wrap
from multichat_tui.crypto.passphrase import wrapping_key as derive
from multichat_tui.model.errors import Damaged, StorageFailed, WrongPassphrase
from multichat_tui.model.limits import ARGON2_MEMORY_BYTES
from multichat_tui.model.ports import Entropy
from multichat_tui.model.values import dataclass
from multichat_tui.store.files import RESTORE
from multichat_tui.store.keyfile import KeyFile

DATABASE_KEY = "database"
ACCOUNT_ENTROPY = "account"
TRY_AGAIN = "Try again; without it, only the recovery phrase helps."


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
