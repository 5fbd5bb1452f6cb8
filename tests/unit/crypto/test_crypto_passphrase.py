"""Wrapping secrets under a passphrase."""

import nacl.bindings as sodium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multichat_tui.crypto.cost import MAX_MEMORY_BYTES, MIN_MEMORY_BYTES, NONCE_BYTES, SALT_BYTES, WRAPPED_BYTES, Cost
from multichat_tui.crypto.passphrase import (
    passphrase_fits,
    unwrap,
    wrap,
    wrapping_key,
)
from multichat_tui.model.limits import ARGON2_MEMORY_BYTES, ARGON2_PASSES, MAX_PASSPHRASE_BYTES

CHEAP = Cost(salt=bytes(16), memory_bytes=MIN_MEMORY_BYTES, passes=1)
KEY, SECRET, NONCE = b"k" * 32, b"s" * 32, b"n" * NONCE_BYTES


def test_sizes_are_those_of_the_library() -> None:
    assert sodium.crypto_pwhash_SALTBYTES == SALT_BYTES
    assert sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == NONCE_BYTES
    assert NONCE_BYTES + 32 + sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES == WRAPPED_BYTES


def test_the_key_depends_on_passphrase_salt_memory_and_passes() -> None:
    keys = {
        wrapping_key("harbour", CHEAP),
        wrapping_key("Harbour", CHEAP),
        wrapping_key("harbour", Cost(salt=b"1" * 16, memory_bytes=MIN_MEMORY_BYTES, passes=1)),
        wrapping_key("harbour", Cost(salt=bytes(16), memory_bytes=2 * MIN_MEMORY_BYTES, passes=1)),
        wrapping_key("harbour", Cost(salt=bytes(16), memory_bytes=MIN_MEMORY_BYTES, passes=2)),
    }
    assert len(keys) == 5
    assert {len(key) for key in keys} == {32}


def test_the_derivation_is_argon2id_version_13() -> None:
    """OpenSSL computes the same: passes 1, lanes 1, 64 KiB, 32 bytes."""
    cost = Cost(salt=b"0123456789abcdef", memory_bytes=64 * 1024, passes=1)
    assert wrapping_key("harbour", cost).hex() == "2adc6623eaf1544eac9a90a289694a96d6d4edd030d7ffafb1005ff5797d9cae"


def test_the_usual_cost_is_256_mib_and_three_passes() -> None:
    cost = Cost(salt=bytes(16))
    assert (cost.memory_bytes, cost.passes) == (ARGON2_MEMORY_BYTES, ARGON2_PASSES) == (256 * 2**20, 3)
    assert len(wrapping_key("harbour", cost)) == 32


def test_one_text_is_one_passphrase_however_it_is_composed() -> None:
    assert wrapping_key("caf\u00e9", CHEAP) == wrapping_key("cafe\u0301", CHEAP)


@pytest.mark.parametrize("passphrase", ["", "x" * (MAX_PASSPHRASE_BYTES + 1), "é" * (MAX_PASSPHRASE_BYTES // 2 + 1)])
def test_an_empty_or_endless_passphrase_does_not_fit(passphrase: str) -> None:
    assert not passphrase_fits(passphrase)
    with pytest.raises(ValueError):
        wrapping_key(passphrase, CHEAP)


def test_the_longest_passphrase_and_a_lone_surrogate_fit() -> None:
    assert passphrase_fits("x" * MAX_PASSPHRASE_BYTES)
    assert len(wrapping_key("\udc80", CHEAP)) == 32


@pytest.mark.parametrize(
    ("salt", "memory_bytes", "passes"),
    [
        (bytes(15), MIN_MEMORY_BYTES, 1),
        (bytes(16), MIN_MEMORY_BYTES - 1, 1),
        (bytes(16), MAX_MEMORY_BYTES + 1, 1),
        (bytes(16), MIN_MEMORY_BYTES, 0),
        (bytes(16), MIN_MEMORY_BYTES, 65),
    ],
)
def test_a_cost_outside_its_bounds_cannot_be_built(salt: bytes, memory_bytes: int, passes: int) -> None:
    with pytest.raises(ValueError):
        Cost(salt=salt, memory_bytes=memory_bytes, passes=passes)


def test_a_wrapped_secret_opens_with_its_key_and_purpose_only() -> None:
    wrapped = wrap(KEY, "database", SECRET, NONCE)
    assert len(wrapped) == WRAPPED_BYTES
    assert SECRET not in wrapped
    assert unwrap(KEY, "database", wrapped) == SECRET
    assert unwrap(KEY, "account", wrapped) is None
    assert unwrap(b"K" * 32, "database", wrapped) is None


@given(place=st.integers(0, WRAPPED_BYTES * 8 - 1))
def test_a_wrapped_secret_with_any_bit_changed_does_not_open(place: int) -> None:
    wrapped = bytearray(wrap(KEY, "database", SECRET, NONCE))
    wrapped[place // 8] ^= 1 << place % 8
    assert unwrap(KEY, "database", bytes(wrapped)) is None


@given(junk=st.binary(max_size=2 * WRAPPED_BYTES))
def test_junk_does_not_open(junk: bytes) -> None:
    assert unwrap(KEY, "database", junk) is None


def test_only_secrets_of_32_bytes_are_wrapped() -> None:
    with pytest.raises(ValueError):
        wrap(KEY, "database", b"short", NONCE)
    with pytest.raises(ValueError):
        wrap(KEY, "database", SECRET, b"short")
