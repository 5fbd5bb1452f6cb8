"""What sessions between two devices must do: Olm by vodozemac and its deterministic twin run the same tests."""

import itertools
import random
from dataclasses import dataclass

import pytest

from multichat_tui.crypto.olm import OlmAccount, new_olm_account, seeded_olm_account
from multichat_tui.crypto.ratchets import OlmRatchets
from multichat_tui.crypto.seeded_ratchets import SeededRatchets
from multichat_tui.model.codec import Reason, Rejected
from multichat_tui.model.errors import Damaged
from multichat_tui.model.limits import MAX_SEALED_BYTES
from multichat_tui.model.ports import Ratchets

FIRST, LATER = 0, 1


@dataclass(frozen=True)
class Message:
    kind: int
    ciphertext: bytes


@dataclass
class End:
    """One end of a session; between two messages it is as it was stored."""

    ratchets: Ratchets
    session: bytes

    def write(self, text: bytes) -> Message:
        live = self.ratchets.load(self.session)
        kind, ciphertext = live.encrypt(text)
        self.session = live.stored()
        return Message(kind, ciphertext)

    def read(self, made: Message) -> bytes | Rejected:
        live = self.ratchets.load(self.session)
        found = live.decrypt(made.kind, made.ciphertext)
        if isinstance(found, Rejected):
            assert live.stored() == self.session, "what is refused leaves it as it was"
        self.session = live.stored()
        return found


@dataclass
class Pair:
    ratchets: Ratchets
    ann: OlmAccount
    bob: OlmAccount
    prekey: bytes
    secret: bytes

    def begin(self) -> tuple[bytes, End]:
        begun = self.ratchets.begin(self.ann.pickle, self.bob.identity_key, self.prekey)
        assert begun is not None
        return begun[0], End(self.ratchets, begun[1].stored())

    def accept(self, made: Message) -> tuple[End, bytes] | None:
        found = self.ratchets.accept(self.secret, self.ann.identity_key, made.ciphertext)
        return None if isinstance(found, Rejected) else (End(self.ratchets, found[0].stored()), found[1])

    def both(self) -> tuple[End, End]:
        """A session that both know to be there."""
        _, ann = self.begin()
        found = self.accept(ann.write(b"hello"))
        assert found is not None
        bob = found[0]
        assert ann.read(bob.write(b"hello yourself")) == b"hello yourself"
        return ann, bob


@pytest.fixture(params=["olm", "twin"])
def pair(request: pytest.FixtureRequest) -> Pair:
    entropy = random.Random(7).randbytes
    ratchets: Ratchets = OlmRatchets() if request.param == "olm" else SeededRatchets(entropy)
    make = new_olm_account if request.param == "olm" else seeded_olm_account
    ann, bob = make(entropy), make(entropy)
    prekey, secret = ratchets.new_prekey(bob.pickle)
    return Pair(ratchets, ann, bob, prekey, secret)


def test_a_session_is_begun_without_the_other_end_and_says_by_what(pair: Pair) -> None:
    session, ann = pair.begin()
    one, two = ann.write(b"one"), ann.write(b"two")
    assert (one.kind, two.kind) == (FIRST, FIRST)
    for made in (one, two):
        first = pair.ratchets.first(made.ciphertext)
        assert not isinstance(first, Rejected)
        assert (first.session, first.prekey) == (session, pair.prekey)
        assert len(first.session) == 16
        assert len(first.prekey) == 32
    found = pair.accept(two)
    assert found is not None
    assert found[1] == b"two"
    assert found[0].read(one) == b"one"


def test_messages_can_begin_the_session_until_an_answer_is_read(pair: Pair) -> None:
    _, ann = pair.begin()
    found = pair.accept(ann.write(b"one"))
    assert found is not None
    bob = found[0]
    answer = bob.write(b"answer")
    assert answer.kind == LATER
    assert ann.write(b"two").kind == FIRST
    assert ann.read(answer) == b"answer"
    three = ann.write(b"three")
    assert three.kind == LATER
    assert bob.read(three) == b"three"


def test_a_prekey_is_good_for_any_number_of_sessions_and_each_has_its_own_id(pair: Pair) -> None:
    begun = [pair.begin() for _ in range(3)]
    assert len({session for session, _ in begun}) == 3
    for _, ann in begun:
        assert pair.accept(ann.write(b"x")) is not None


def test_what_is_read_once_is_not_read_again(pair: Pair) -> None:
    _, ann = pair.begin()
    made = ann.write(b"one")
    found = pair.accept(made)
    assert found is not None
    bob = found[0]
    assert bob.read(made) == Rejected(Reason.UNDECRYPTABLE)
    two = ann.write(b"two")
    assert bob.read(two) == b"two"
    assert bob.read(two) == Rejected(Reason.UNDECRYPTABLE)


def test_of_what_was_passed_over_the_last_forty_are_read(pair: Pair) -> None:
    ann, bob = pair.both()
    made = [ann.write(b"%d" % number) for number in range(60)]
    assert bob.read(made[50]) == b"50"
    read = [number for number in range(50) if not isinstance(bob.read(made[number]), Rejected)]
    assert read == list(range(10, 50))
    assert bob.read(made[51]) == b"51"


def test_a_gap_of_two_thousand_is_followed_and_one_more_is_not(pair: Pair) -> None:
    ann, bob = pair.both()
    made = [ann.write(b"%d" % number) for number in range(2002)]
    before = bob.session
    assert bob.read(made[2001]) == Rejected(Reason.UNDECRYPTABLE)
    assert bob.session == before
    assert bob.read(made[2000]) == b"2000"
    assert bob.read(made[2001]) == b"2001"


def test_an_answer_turns_the_ratchet_and_the_chain_before_is_read_to_its_end(pair: Pair) -> None:
    ann, bob = pair.both()
    old = [ann.write(b"old %d" % number) for number in range(3)]
    for turn in range(4):
        assert ann.read(bob.write(b"%d" % turn)) == b"%d" % turn
        assert bob.read(ann.write(b"and %d" % turn)) == b"and %d" % turn
    assert [bob.read(made) for made in reversed(old)] == [b"old 2", b"old 1", b"old 0"]


def test_of_chains_the_last_five_are_read(pair: Pair) -> None:
    ann, bob = pair.both()
    old = ann.write(b"old")
    older = ann.write(b"older")
    for turn in range(5):
        assert ann.read(bob.write(b"%d" % turn)) == b"%d" % turn
        assert bob.read(ann.write(b"and %d" % turn)) == b"and %d" % turn
    assert bob.read(old) == b"old"
    assert ann.read(bob.write(b"again")) == b"again"
    assert bob.read(ann.write(b"and again")) == b"and again"
    assert bob.read(older) == Rejected(Reason.UNDECRYPTABLE)


def test_nothing_that_was_changed_is_read_as_something_else(pair: Pair) -> None:
    """vodozemac's code covers what a message means: a few bits of how a number's field is named mean nothing."""
    chance = random.Random(1)
    _, ann = pair.begin()
    first = ann.write(b"first")
    refused = 0
    for _ in range(300):
        spoiled = bytearray(first.ciphertext)
        spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
        found = pair.accept(Message(FIRST, bytes(spoiled)))
        refused += found is None
        assert found is None or found[1] == b"first"
    assert refused >= 280
    ann, bob = pair.both()
    made = ann.write(b"later")
    for _ in range(300):
        spoiled = bytearray(made.ciphertext)
        spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
        found_or = bob.read(Message(LATER, bytes(spoiled)))
        assert isinstance(found_or, Rejected) or found_or == b"later"


def test_hostile_bytes_are_refused_by_a_value(pair: Pair) -> None:
    chance = random.Random(2)
    ann, bob = pair.both()
    made = ann.write(b"x" * 100)
    _, fresh = pair.begin()
    first = fresh.write(b"y" * 100)
    shapes = [b"", b"\x03", b"\xff" * 300, bytes(4), first.ciphertext[:40], made.ciphertext[:-1], bytes(MAX_SEALED_BYTES + 1)]
    for source in (first.ciphertext, made.ciphertext):
        for _ in range(400):
            mixed = bytearray(source)
            for _ in range(chance.randrange(1, 6)):
                place = chance.randrange(len(mixed))
                mixed[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
                mixed = mixed or bytearray(b"\x03")
            shapes.append(bytes(mixed))
    for shape, kind in itertools.product(shapes, (FIRST, LATER)):
        if shape in (first.ciphertext, made.ciphertext):
            continue
        before = bob.session
        read = bob.read(Message(kind, shape))
        assert isinstance(read, Rejected) or read == b"x" * 100
        bob.session = before
        found = pair.accept(Message(kind, shape))
        assert found is None or found[1] == b"y" * 100
        pair.ratchets.first(shape)
    for kind in (2, 7, 2**40):
        assert isinstance(bob.read(Message(kind, made.ciphertext)), Rejected)
    assert bob.read(made) == b"x" * 100, "nothing of it has changed the session"
    assert pair.accept(first) is not None


def test_another_device_cannot_begin_a_session_in_this_ones_name(pair: Pair) -> None:
    begun = pair.ratchets.begin(pair.bob.pickle, pair.bob.identity_key, pair.prekey)
    assert begun is not None
    made = End(pair.ratchets, begun[1].stored()).write(b"I am ann")
    assert pair.accept(made) is None


def test_another_prekey_opens_nothing(pair: Pair) -> None:
    _, ann = pair.begin()
    _, other = pair.ratchets.new_prekey(pair.bob.pickle)
    assert isinstance(pair.ratchets.accept(other, pair.ann.identity_key, ann.write(b"x").ciphertext), Rejected)


@pytest.mark.parametrize("bad", [b"", bytes(32), bytes(31), b"\xff" * 33, bytes([1]) + bytes(31)])
def test_no_session_is_begun_with_keys_that_are_none(pair: Pair, bad: bytes) -> None:
    assert pair.ratchets.begin(pair.ann.pickle, pair.bob.identity_key, bad) is None
    assert pair.ratchets.begin(pair.ann.pickle, bad, pair.prekey) is None


def test_a_state_that_was_stored_goes_on_as_it_was(pair: Pair) -> None:
    """Nothing is kept elsewhere: the same state encrypts, and reads, any number of times."""
    ann, bob = pair.both()
    kept = ann.session
    made = ann.write(b"one")
    assert End(pair.ratchets, kept).write(b"one").kind == made.kind
    before = bob.session
    assert bob.read(made) == b"one"
    assert End(pair.ratchets, before).read(made) == b"one"


@pytest.mark.parametrize("stored", [b"", b"\xff" * 64, b"A" * 200, "é".encode()])
def test_a_state_that_is_none_is_damage(pair: Pair, stored: bytes) -> None:
    with pytest.raises(Damaged):
        pair.ratchets.load(stored)
    with pytest.raises(Damaged):
        pair.ratchets.begin(stored, pair.bob.identity_key, pair.prekey)
    with pytest.raises(Damaged):
        pair.ratchets.new_prekey(stored)


def test_contents_of_any_length_come_back(pair: Pair) -> None:
    ann, bob = pair.both()
    for length in (0, 1, 15, 16, 17, 192 * 1024):
        text = bytes(length)
        made = ann.write(text)
        assert bob.read(made) == text
        assert len(made.ciphertext) <= length + 320


def test_the_twin_does_the_same_with_the_same_entropy() -> None:
    def run() -> bytes:
        entropy = random.Random(3).randbytes
        ratchets = SeededRatchets(entropy)
        ann, bob = seeded_olm_account(entropy), seeded_olm_account(entropy)
        prekey, secret = ratchets.new_prekey(bob.pickle)
        one, two = Pair(ratchets, ann, bob, prekey, secret).both()
        return one.write(b"x").ciphertext + two.write(b"y").ciphertext

    assert run() == run()
