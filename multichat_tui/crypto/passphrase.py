"""From a passphrase to a key that wraps other keys: Argon2id (RFC 9106) and XChaCha20-Poly1305.

The rule: a wrapped secret says in its associated data what it is for, so that one cannot be put in another's place.
"""

import unicodedata
from dataclasses import dataclass

import nacl.bindings as sodium
from nacl.exceptions import CryptoError
from nacl.exceptions import RuntimeError as SodiumError

from multichat_tui.model.limits import ARGON2_MEMORY_BYTES, ARGON2_PASSES, MAX_PASSPHRASE_BYTES

SALT_BYTES: int = sodium.crypto_pwhash_SALTBYTES
KEY_BYTES = 32
NONCE_BYTES: int = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
WRAPPED_BYTES: int = NONCE_BYTES + 32 + sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES
"""Nonce, then the sealed 32 bytes."""
MIN_MEMORY_BYTES = 64 * 1024
MAX_MEMORY_BYTES = 4 * 1024 * 1024 * 1024 - 1024
MAX_PASSES = 64
"""More than these in a key file would be somebody's attempt to keep us busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a guess costs: stored beside the wrapped keys. `salt` has 16 bytes."""

    salt: bytes
    memory_bytes: int = ARGON2_MEMORY_BYTES
    passes: int = ARGON2_PASSES

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_BYTES:
            raise ValueError("the salt has 16 bytes")
        if not MIN_MEMORY_BYTES <= self.memory_bytes <= MAX_MEMORY_BYTES or not 1 <= self.passes <= MAX_PASSES:
            raise ValueError("the cost is outside its bounds")


def passphrase_fits(passphrase: str) -> bool:
    """Whether a passphrase is neither empty nor too long."""
    return 0 < len(_prepared(passphrase)) <= MAX_PASSPHRASE_BYTES


def wrapping_key(passphrase: str, cost: Cost) -> bytes:
    """The 32-byte key of a passphrase. Takes `cost.memory_bytes` for about half a second; lets other threads run.

    The passphrase counts in Unicode form NFC (RFC 8265, section 4.2), whatever the keyboard made of it. ValueError if it does
    not fit, MemoryError if there is not enough memory.
    """
    if not passphrase_fits(passphrase):
        raise ValueError("the passphrase is empty or too long")
    try:
        return sodium.crypto_pwhash_alg(
            KEY_BYTES, _prepared(passphrase), cost.salt, cost.passes, cost.memory_bytes, sodium.crypto_pwhash_ALG_ARGON2ID13
        )
    except SodiumError:
        raise MemoryError("not enough memory for Argon2id") from None


def _prepared(passphrase: str) -> bytes:
    return unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")


def wrap(key: bytes, purpose: str, secret: bytes, nonce: bytes) -> bytes:
    """A 32-byte secret sealed for a purpose. `nonce`: 24 random bytes, never used again."""
    if len(secret) != 32 or len(nonce) != NONCE_BYTES:
        raise ValueError("a secret has 32 bytes, a nonce 24")
    return nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(secret, _domain(purpose), nonce, key)


def unwrap(key: bytes, purpose: str, wrapped: bytes) -> bytes | None:
    """The secret; None if the key or the purpose is another, or a bit has changed."""
    if len(wrapped) != WRAPPED_BYTES:
        return None
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            wrapped[NONCE_BYTES:], _domain(purpose), wrapped[:NONCE_BYTES], key
        )
    except CryptoError:
        return None


def _domain(purpose: str) -> bytes:
    return b"multichat wrapped key 1\0" + purpose.encode("ascii")
