"""Signatures (Ed25519), key agreement (X25519) and keyed hashes (BLAKE2b), all over byte strings of 32 bytes (signatures 64)."""

import hashlib
import hmac

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

KEY_BYTES = 32


def _check_size(secret: bytes) -> None:
    """The bindings read 32 bytes from wherever a secret begins, however short it is."""
    if len(secret) != KEY_BYTES:
        raise ValueError("a secret has 32 bytes")


def public_key(seed: bytes) -> bytes:
    """The Ed25519 public key of a 32-byte seed."""
    _check_size(seed)
    return sodium.crypto_sign_seed_keypair(seed)[0]


def sign(seed: bytes, message: bytes) -> bytes:
    """An Ed25519 signature (RFC 8032), 64 bytes; deterministic."""
    secret = sodium.crypto_sign_seed_keypair(seed)[1]
    return sodium.crypto_sign(message, secret)[:64]


class Signer:
    """Signs many messages with one seed, without expanding it each time."""

    __slots__ = ("_secret", "public")

    def __init__(self, seed: bytes) -> None:
        self.public, self._secret = sodium.crypto_sign_seed_keypair(seed)

    def sign(self, message: bytes) -> bytes:
        return sodium.crypto_sign(message, self._secret)[:64]

    def __repr__(self) -> str:
        return "Signer(…)"


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is good. libsodium refuses keys of small order and signatures that are not canonical."""
    if len(public) != 32 or len(signature) != 64:
        return False
    try:
        sodium.crypto_sign_open(signature + message, public)
    except (CryptoError, ValueError):
        return False
    return True


def sealing_public_key(secret: bytes) -> bytes:
    """The X25519 public key of a 32-byte secret."""
    _check_size(secret)
    return sodium.crypto_scalarmult_base(secret)


def agree(secret: bytes, public: bytes) -> bytes | None:
    """The X25519 shared point, or None for a public key of small order or of the wrong length."""
    _check_size(secret)
    if len(public) != KEY_BYTES:
        return None
    try:
        return sodium.crypto_scalarmult(secret, public)
    except CryptoError:
        return None


def mac(key: bytes, domain: str, *parts: bytes) -> bytes:
    """Keyed BLAKE2b-256 of the parts, each framed by its length (4 bytes, big-endian), separated by `domain`."""
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.blake2b(framed, digest_size=32, key=key, person=domain.encode("ascii")).digest()


def equal(a: bytes, b: bytes) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(a, b)


def pair_key(secret: bytes, mine: bytes, theirs: bytes, pairing_secret: bytes = b"") -> bytes | None:
    """The key that two devices have without talking: their sealing keys' agreement, the pairing secret mixed in.

    `mine` and `theirs` are the two public sealing keys; both sides compute the same. None for a bad key.
    """
    shared = agree(secret, theirs)
    if shared is None:
        return None
    low, high = sorted((mine, theirs))
    return mac(shared, "mc.pair", low, high, pairing_secret)


def link_key(pair: bytes) -> bytes:
    """The key of a link's tokens (credential key), from the pair key."""
    return mac(pair, "mc.linkkey")
