"""Comparing words, with everybody in between who may stand there. Parties are driven by hand: bytes from one to the other."""

import hashlib
from dataclasses import replace

import pytest

from multichat_tui.crypto.keys import sealing_public_key
from multichat_tui.crypto.sas import (
    EMOJI_COUNT,
    WORD_COUNT,
    Party,
    Side,
    Transcript,
    agree_on,
    commit,
    keeps_commitment,
    nearby_code,
    wordlist,
)
from multichat_tui.model.comparing import ComparisonId, Purpose
from multichat_tui.model.emoji import EMOJI
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.node.comparison import Comparison, commitment_of


def bytes_of(word: str) -> bytes:
    return hashlib.blake2b(word.encode(), digest_size=32).digest()


def party(word: str) -> Party:
    return Party(user=UserId(bytes_of(f"user {word}")), device=DeviceId(bytes_of(f"device {word}")))


ANN, BOB, EVE = party("ann"), party("bob"), party("eve")
LINK, OTHER_LINK = bytes_of("link"), bytes_of("other link")
ONE = ComparisonId(bytes_of("comparison"))


def end(
    who: str, side: Side, me: Party, them: Party, binding: bytes, commitment: bytes = b"", one: ComparisonId = ONE
) -> Comparison:
    """One side of a comparison, with keys of its own."""
    secret = bytes_of(f"secret of {who}")
    public = sealing_public_key(secret)
    return Comparison(
        id=one, purpose=Purpose.VERIFY, side=side, secret=secret, public=public, began_ms=0, me=me, them=them, binding=binding,
        commitment=commitment or commitment_of(one, public),
    )  # fmt: skip


def honest() -> tuple[Comparison, Comparison]:
    ann = end("ann", Side.BEGINNER, ANN, BOB, LINK)
    bob = end("bob", Side.ANSWERER, BOB, ANN, LINK, ann.commitment)
    assert ann.take_key(bob.public)
    assert bob.take_key(ann.public)
    return ann, bob


def shown(comparison: Comparison) -> tuple[tuple[int, ...], tuple[str, ...]]:
    assert comparison.agreed is not None
    return comparison.agreed.emoji, comparison.agreed.words


def test_two_alone_see_the_same_and_open_each_others_boxes_and_have_one_secret() -> None:
    ann, bob = honest()
    assert shown(ann) == shown(bob)
    emoji, words = shown(ann)
    assert len(emoji) == EMOJI_COUNT
    assert len(words) == WORD_COUNT
    assert set(words) <= set(wordlist())
    assert all(0 <= n < len(EMOJI) == 64 for n in emoji)
    assert ann.agreed is not None
    assert bob.agreed is not None
    assert bob.agreed.open(Side.BEGINNER, ann.agreed.seal(Side.BEGINNER, b"ann")) == b"ann"
    assert ann.agreed.pairing_secret == bob.agreed.pairing_secret
    assert ann.agreed.pairing_secret not in (ann.agreed.root, bytes(32))


def test_one_in_between_with_keys_of_her_own_makes_the_words_differ_and_opens_nothing_crosswise() -> None:
    ann = end("ann", Side.BEGINNER, ANN, BOB, LINK)
    to_ann = end("eve to ann", Side.ANSWERER, BOB, ANN, LINK, ann.commitment)
    to_bob = end("eve to bob", Side.BEGINNER, ANN, BOB, OTHER_LINK)
    bob = end("bob", Side.ANSWERER, BOB, ANN, OTHER_LINK, to_bob.commitment)
    assert ann.take_key(to_ann.public)
    assert to_ann.take_key(ann.public)
    assert bob.take_key(to_bob.public)
    assert to_bob.take_key(bob.public)
    assert shown(ann)[0] != shown(bob)[0]
    assert shown(ann)[1] != shown(bob)[1]
    assert ann.agreed is not None
    assert bob.agreed is not None
    assert bob.agreed.open(Side.BEGINNER, ann.agreed.seal(Side.BEGINNER, b"ann")) is None


def test_one_in_between_who_only_passes_everything_on_is_betrayed_by_the_links() -> None:
    ann = end("ann", Side.BEGINNER, ANN, BOB, LINK)
    bob = end("bob", Side.ANSWERER, BOB, ANN, OTHER_LINK, ann.commitment)
    assert ann.take_key(bob.public)
    assert bob.take_key(ann.public)
    assert shown(ann)[0] != shown(bob)[0]
    assert shown(ann)[1] != shown(bob)[1]


def test_a_key_that_was_not_committed_to_is_refused() -> None:
    ann = end("ann", Side.BEGINNER, ANN, BOB, LINK)
    bob = end("bob", Side.ANSWERER, BOB, ANN, LINK, ann.commitment)
    assert not bob.take_key(end("eve", Side.BEGINNER, ANN, BOB, LINK).public)
    assert bob.agreed is None
    assert not keeps_commitment(ann.commitment, bytes_of("another comparison"), ann.public), "a commitment is not carried over"


def test_what_is_reflected_is_refused_on_both_sides() -> None:
    ann = end("ann", Side.BEGINNER, ANN, BOB, LINK)
    assert not ann.take_key(ann.public)
    again = end("ann", Side.ANSWERER, ANN, BOB, LINK, ann.commitment)
    assert not again.take_key(ann.public)
    ann, bob = honest()
    assert ann.agreed is not None
    assert bob.agreed is not None
    assert ann.agreed.open(ann.other_side, ann.agreed.seal(ann.side, b"ann")) is None, "one's own box is not the other's"


def test_a_key_of_small_order_is_refused() -> None:
    for weak in (bytes(32), b"\x01" + bytes(31)):
        ann = end("ann", Side.BEGINNER, ANN, BOB, LINK)
        assert not ann.take_key(weak)


@pytest.mark.parametrize("who", ["beginner", "answerer"])
def test_whoever_takes_another_for_whom_he_is_sees_other_words(who: str) -> None:
    ann, bob = end("ann", Side.BEGINNER, ANN, BOB, LINK), None
    if who == "answerer":
        ann = replace(ann, them=EVE)
    bob = end("bob", Side.ANSWERER, BOB, EVE if who == "beginner" else ANN, LINK, ann.commitment)
    assert ann.take_key(bob.public)
    assert bob.take_key(ann.public)
    assert shown(ann) != shown(bob)


def test_every_part_of_the_transcript_counts() -> None:
    secret, theirs = bytes_of("a"), sealing_public_key(bytes_of("b"))
    transcript = Transcript(
        purpose=1, comparison=ONE, commitment=commit(ONE, sealing_public_key(secret)), beginner_key=sealing_public_key(secret),
        answerer_key=theirs, binding=LINK, beginner=ANN, answerer=BOB,
    )  # fmt: skip
    changes = [
        {"purpose": 2},
        *({name: bytes_of("x")} for name in ("comparison", "commitment", "beginner_key", "answerer_key", "binding")),
        {"beginner": EVE},
        {"answerer": EVE},
        {"beginner": replace(ANN, device=EVE.device)},
        {"answerer": replace(BOB, user=EVE.user)},
        {"beginner": BOB, "answerer": ANN},
    ]
    roots = {agree_on(secret, theirs, replace(transcript, **change)).root for change in ({}, *changes)}
    assert len(roots) == len(changes) + 1
    with pytest.raises(ValueError, match="32 bytes"):
        agree_on(secret, theirs, replace(transcript, binding=b""))


def test_nothing_secret_is_in_a_repr() -> None:
    ann, _ = honest()
    assert ann.agreed is not None
    text = repr(ann) + repr(ann.agreed)
    assert ann.secret.hex() not in text
    assert ann.agreed.root.hex() not in text
    assert not any(word in text for word in ann.agreed.words)


def test_the_code_of_somebody_nearby_is_two_words_and_differs() -> None:
    codes = {nearby_code(bytes([n]) * 16) for n in range(64)}
    assert len(codes) == 64
    assert all(len(code.split()) == 2 and set(code.split()) <= set(wordlist()) for code in codes)
