"""Envelopes: a sealed message as it lies in a mailbox. docs/protocol/envelopes.md gives the bytes.

The wrapper hides from whoever keeps or carries it that there is an Olm message inside, whose, of which session and how long: it
shows a queue, a writer of that queue, and a size out of a few. Its key is the pair's and the queue's, so that it proves the pair
too; it has no forward secrecy of its own, which is what the session inside is for.
"""

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from multichat_tui.crypto.keys import equal, mac, public_key
from multichat_tui.model.codec import Reason, Rejected
from multichat_tui.model.limits import MAX_ENVELOPE_BYTES, MIN_ENVELOPE_BYTES

VERSION = b"\x01"
QUEUE_ID_BYTES = 16
WRITER_PREFIX_BYTES = 8
NONCE_BYTES = 24
TAG_BYTES = 16
LENGTH_BYTES = 4
OVERHEAD = len(VERSION) + NONCE_BYTES + TAG_BYTES


def envelope_bytes(sealed_bytes: int) -> int:
    """The size of the envelope of so many sealed bytes: the next of 512, 768, 1024, 1536, 2048, … 2^k, 3·2^(k-1).

    ValueError: it would be larger than MAX_ENVELOPE_BYTES.
    """
    needed = OVERHEAD + LENGTH_BYTES + sealed_bytes
    if needed > MAX_ENVELOPE_BYTES:
        raise ValueError("too long for an envelope")
    size = MIN_ENVELOPE_BYTES
    while size < needed:
        if size * 3 // 2 >= needed:
            return size * 3 // 2
        size *= 2
    return size


def wrapper_key(pair: bytes, queue_id: bytes) -> bytes:
    """Of all envelopes of one pair in one queue: `key` below."""
    return mac(pair, "mc.env.wrap", queue_id)


def writer_seed(pair: bytes, queue_id: bytes, writer: bytes) -> bytes:
    """The seed of the Ed25519 key by which a device proves to a mailbox that it may write to a queue."""
    return mac(pair, "mc.writer", queue_id, writer)


def verifier(pair: bytes, queue_id: bytes, writer: bytes) -> bytes:
    """That key's public one, which the queue's owner registers; its first 8 bytes are the writer prefix."""
    return public_key(writer_seed(pair, queue_id, writer))


def wrap(key: bytes, queue_id: bytes, writer_prefix: bytes, sealed: bytes) -> bytes:
    """The envelope; the same every time. ValueError: too long."""
    padded = len(sealed).to_bytes(LENGTH_BYTES, "big") + sealed
    padded = padded.ljust(envelope_bytes(len(sealed)) - OVERHEAD, b"\0")
    nonce = _nonce(key, writer_prefix, sealed)
    return (
        VERSION + nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, _bound(queue_id, writer_prefix), nonce, key)
    )


def unwrap(key: bytes, queue_id: bytes, writer_prefix: bytes, envelope: bytes) -> bytes | Rejected:
    """The sealed message of an envelope. Only what `wrap` makes is taken."""
    if len(envelope) > MAX_ENVELOPE_BYTES:
        return Rejected(Reason.TOO_LARGE, "envelope")
    if len(envelope) < MIN_ENVELOPE_BYTES:
        return Rejected(Reason.LIMIT, "envelope")
    if envelope[:1] != VERSION:
        return Rejected(Reason.UNKNOWN, "envelope: another version")
    nonce, box = envelope[1 : 1 + NONCE_BYTES], envelope[1 + NONCE_BYTES :]
    try:
        padded = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(box, _bound(queue_id, writer_prefix), nonce, key)
    except CryptoError:
        return Rejected(Reason.UNDECRYPTABLE, "envelope")
    length = int.from_bytes(padded[:LENGTH_BYTES], "big")
    sealed, rest = padded[LENGTH_BYTES : LENGTH_BYTES + length], padded[LENGTH_BYTES + length :]
    if len(sealed) != length or rest.strip(b"\0") or envelope_bytes(length) != len(envelope):
        return Rejected(Reason.NOT_CANONICAL, "envelope: padding")
    if not equal(nonce, _nonce(key, writer_prefix, sealed)):
        return Rejected(Reason.NOT_CANONICAL, "envelope: nonce")
    return sealed


def _nonce(key: bytes, writer_prefix: bytes, sealed: bytes) -> bytes:
    """Of all that goes in: no two different boxes of one key have the same nonce, and all copies of one are alike."""
    return mac(key, "mc.env.nonce", writer_prefix, sealed)[:NONCE_BYTES]


def _bound(queue_id: bytes, writer_prefix: bytes) -> bytes:
    if len(queue_id) != QUEUE_ID_BYTES or len(writer_prefix) != WRITER_PREFIX_BYTES:
        raise ValueError("a queue id has 16 bytes, a writer prefix 8")
    return VERSION + queue_id + writer_prefix
