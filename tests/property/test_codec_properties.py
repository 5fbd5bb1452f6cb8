"""The strict encoding: one value, one encoding; the decoder agrees with a second one on every input, and raises nothing."""

from typing import Any

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from model_strategies import loose_cbor, tampered, values
from reference_cbor import Refused, reference_decode

from multichat_tui.model.codec import Rejected, decode, encode

MOST = 1 << 20


def assert_agreed(encoded: bytes) -> None:
    """Both decoders accept with equal values of equal types, or both refuse; what is accepted encodes to the same bytes."""
    found = decode(encoded, MOST)
    try:
        expected = reference_decode(encoded)
    except Refused:
        assert isinstance(found, Rejected), encoded.hex()
        return
    assert repr(found) == repr(expected)
    assert encode(found) == encoded


@given(values)
def test_what_was_encoded_is_decoded_to_the_same_value(value: Any) -> None:
    encoded = encode(value)
    assert repr(decode(encoded, MOST)) == repr(value)
    assert repr(reference_decode(encoded)) == repr(value)


@given(values)
def test_encodings_are_what_cbor2_makes_of_the_same_value(value: Any) -> None:
    assert encode(value) == cbor2.dumps(value)


@settings(max_examples=1000)
@given(st.binary(max_size=64))
@example(b"")
def test_any_bytes_are_a_value_or_a_rejection(encoded: bytes) -> None:
    assert_agreed(encoded)


@settings(max_examples=1000)
@given(loose_cbor())
def test_encodings_that_are_nearly_right_are_judged_as_by_the_second_decoder(encoded: bytes) -> None:
    assert_agreed(encoded)


@settings(max_examples=500)
@given(st.data())
def test_encodings_that_were_tampered_with_are_judged_as_by_the_second_decoder(data: st.DataObject) -> None:
    assert_agreed(data.draw(tampered(encode(data.draw(values)))))


@pytest.mark.parametrize("width", [0, 1, 2])
def test_every_short_input_is_judged_as_by_the_second_decoder(width: int) -> None:
    for number in range(256**width):
        assert_agreed(number.to_bytes(width, "big"))


@given(st.binary(max_size=40), st.integers(0, 45))
def test_nothing_longer_than_the_bound_is_accepted(content: bytes, most: int) -> None:
    encoded = encode(content)
    assert isinstance(decode(encoded, most), Rejected) == (len(encoded) > most)
