"""From a passphrase to a key that wraps other keys: Argon2id (RFC 9106) and XChaCha20-Poly1305.

The rule: a wrapped secret says in its associated data what it is for, so that one cannot be put in another's place.
"""

import unicodedata

import nacl.bindings as sodium
from nacl.exceptions import CryptoError
from nacl.exceptions import RuntimeError as SodiumError

from multichat_tui.crypto.cost import KEY_BYTES, NONCE_BYTES, WRAPPED_BYTES, Cost
from multichat_tui.model.limits import MAX_PASSPHRASE_BYTES


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
