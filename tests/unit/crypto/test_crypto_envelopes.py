"""The wrapper of an envelope: the same every time, of few sizes, and of one form."""

import random

import nacl.bindings as sodium
import pytest

from multichat_tui.crypto.envelopes import OVERHEAD, envelope_bytes, unwrap, verifier, wrap, wrapper_key, writer_seed
from multichat_tui.crypto.keys import mac, public_key
from multichat_tui.model.codec import Reason, Rejected
from multichat_tui.model.limits import MAX_CONTENTS_BYTES, MAX_ENVELOPE_BYTES, MAX_SEALED_BYTES, MIN_ENVELOPE_BYTES

PAIR, QUEUE, WRITER = b"p" * 32, b"q" * 16, b"w" * 8
KEY = wrapper_key(PAIR, QUEUE)
SIZES = sorted({size for k in range(9, 19) for size in (2**k, 3 * 2 ** (k - 1)) if size <= 2**18})


def test_sizes_are_powers_of_two_and_what_lies_between() -> None:
    assert SIZES[:5] == [512, 768, 1024, 1536, 2048]
    assert (SIZES[0], SIZES[-1]) == (MIN_ENVELOPE_BYTES, MAX_ENVELOPE_BYTES)
    for before, size in zip([0, *SIZES], SIZES, strict=False):
        most = size - OVERHEAD - 4
        assert envelope_bytes(most) == size
        assert envelope_bytes(max(0, before - OVERHEAD - 4 + 1)) == size
    with pytest.raises(ValueError, match="too long"):
        envelope_bytes(MAX_ENVELOPE_BYTES - OVERHEAD - 3)
    assert envelope_bytes(MAX_SEALED_BYTES) <= MAX_ENVELOPE_BYTES
    assert MAX_CONTENTS_BYTES < MAX_SEALED_BYTES


@pytest.mark.parametrize("length", [0, 1, 466, 467, 468, 723, 724, 3000, MAX_SEALED_BYTES])
def test_what_was_wrapped_comes_back_and_is_the_same_every_time(length: int) -> None:
    sealed = random.Random(length).randbytes(length)
    envelope = wrap(KEY, QUEUE, WRITER, sealed)
    assert len(envelope) in SIZES
    assert envelope[0] == 1
    assert wrap(KEY, QUEUE, WRITER, sealed) == envelope
    assert unwrap(KEY, QUEUE, WRITER, envelope) == sealed


def test_it_is_bound_to_pair_queue_and_writer() -> None:
    envelope = wrap(KEY, QUEUE, WRITER, b"sealed")
    other_pair, other_queue = wrapper_key(b"r" * 32, QUEUE), wrapper_key(PAIR, b"r" * 16)
    assert len({KEY, other_pair, other_queue}) == 3
    for key, queue, writer in (
        (other_pair, QUEUE, WRITER),
        (other_queue, QUEUE, WRITER),
        (KEY, b"r" * 16, WRITER),
        (KEY, QUEUE, b"x" * 8),
    ):
        assert unwrap(key, queue, writer, envelope) == Rejected(Reason.UNDECRYPTABLE, "envelope")
    assert wrap(KEY, QUEUE, b"x" * 8, b"sealed")[1:25] != envelope[1:25], "one key, another box: another nonce"
    for queue, writer in ((b"", WRITER), (QUEUE, b"")):
        with pytest.raises(ValueError, match="bytes"):
            wrap(KEY, queue, writer, b"")


def test_a_writers_key_is_of_the_pair_the_queue_and_the_device() -> None:
    keys = {
        writer_seed(pair, queue, device) for pair in (PAIR, b"r" * 32) for queue in (QUEUE, b"r" * 16) for device in (b"d", b"e")
    }
    assert len(keys) == 8
    assert verifier(PAIR, QUEUE, b"d" * 32) == public_key(writer_seed(PAIR, QUEUE, b"d" * 32))


def _boxed(padded: bytes, nonce: bytes) -> bytes:
    """Somebody who has the key, and does as they please."""
    box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, b"\x01" + QUEUE + WRITER, nonce, KEY)
    return b"\x01" + nonce + box


def test_whatever_else_somebody_sends_is_refused_by_a_value() -> None:
    sealed = b"sealed"
    envelope = wrap(KEY, QUEUE, WRITER, sealed)
    nonce = mac(KEY, "mc.env.nonce", WRITER, sealed)[:24]
    head = len(sealed).to_bytes(4, "big") + sealed
    assert _boxed(head.ljust(512 - OVERHEAD, b"\0"), nonce) == envelope
    cases = [
        (b"", Reason.LIMIT),
        (envelope[:-1], Reason.LIMIT),
        (envelope + b"\0", Reason.UNDECRYPTABLE),
        (bytes(MAX_ENVELOPE_BYTES + 1), Reason.TOO_LARGE),
        (b"\x02" + envelope[1:], Reason.UNKNOWN),
        (_boxed(head.ljust(512 - OVERHEAD, b"\0"), bytes(24)), Reason.NOT_CANONICAL),
        (_boxed(head.ljust(768 - OVERHEAD, b"\0"), nonce), Reason.NOT_CANONICAL),
        (_boxed(head.ljust(513 - OVERHEAD, b"\0"), nonce), Reason.NOT_CANONICAL),
        (_boxed(head.ljust(512 - OVERHEAD, b"\1"), nonce), Reason.NOT_CANONICAL),
        (_boxed((2**31).to_bytes(4, "big").ljust(512 - OVERHEAD, b"\0"), nonce), Reason.NOT_CANONICAL),
    ]
    for hostile, reason in cases:
        refused = unwrap(KEY, QUEUE, WRITER, hostile)
        assert isinstance(refused, Rejected)
        assert refused.reason is reason
    chance = random.Random(5)
    for _ in range(300):
        spoiled = bytearray(envelope)
        spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
        assert isinstance(unwrap(KEY, QUEUE, WRITER, bytes(spoiled)), Rejected)


def test_nothing_of_what_is_inside_shows() -> None:
    marks = [b"session-id-bytes", b"the text of it", bytes(20)]
    envelope = wrap(KEY, QUEUE, WRITER, marks[0] + marks[1])
    assert not any(mark in envelope for mark in marks)
