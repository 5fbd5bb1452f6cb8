"""Sealing for a device that is away: which session is written on, what is opened, and what is refused and how."""

from collections.abc import Callable

import pytest
from sealing_parties import Party, RolledBack, sealed, two
from simulated_world import Person as Simulated
from simulated_world import SimulatedWorld

from multichat_tui.model.codec import Reason, Rejected, decode, encode
from multichat_tui.model.limits import (
    MAX_CONTENTS_BYTES,
    MAX_SEALED_BYTES,
    MAX_SESSIONS_PER_DEVICE,
    MAX_UNANSWERED,
    NEW_SESSION_MS,
    OPENED_KEPT_MS,
    SESSION_KEPT_MS,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.sealed import Sealed, decode_sealed
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import kept_sessions, opened
from multichat_tui.node.engine import Engine
from multichat_tui.node.sealing import Sealing

CHANNEL = b"c" * 32


def session_of(message: bytes) -> bytes:
    found = decode_sealed(message)
    assert isinstance(found, Sealed)
    return found.session


@pytest.mark.parametrize("real", [False, True], ids=["twin", "olm"])
def test_who_is_away_is_written_to_by_the_key_of_their_route_and_answers(real: bool) -> None:
    ann, bob = two(real=real)
    prekey = bob.prekey_for(ann.user)
    first, second = sealed(ann.seal(bob, prekey, b"one")), sealed(ann.seal(bob, None, b"two"))
    assert bob.unseal(ann, first) == b"one"
    assert bob.unseal(ann, second) == b"two"
    answer = sealed(bob.seal(ann, None, b"three"))
    assert ann.unseal(bob, answer) == b"three"
    assert session_of(first) == session_of(second) == session_of(answer)


def test_with_neither_session_nor_key_nothing_is_sealed() -> None:
    ann, bob = two()
    assert ann.seal(bob, None, b"x") is None
    assert ann.seal(bob, bytes(32), b"x") is None, "a key that is none"
    assert ann.seal(ann, bob.prekey_for(ann.user), b"x") is None, "for this device itself"
    stranger = Party("eve")
    assert ann.seal(stranger, bob.prekey_for(ann.user), b"x") is None
    assert ann.rows(Space.RATCHET) == []


def test_order_is_by_session_and_by_the_senders_count() -> None:
    ann, bob = two()
    prekey = bob.prekey_for(ann.user)
    made = [sealed(ann.seal(bob, prekey, b"%d" % number)) for number in range(3)]
    with bob.turn() as sealing:
        orders = [sealing.order(message) for message in made]
        assert isinstance(sealing.order(b"\xff"), Rejected)
    assert orders == [(session_of(made[0]), number) for number in range(3)]


def test_a_message_is_opened_once_and_a_copy_is_a_replay() -> None:
    ann, bob = two()
    made = [sealed(ann.seal(bob, bob.prekey_for(ann.user), b"%d" % number)) for number in range(2)]
    assert bob.unseal(ann, made[0]) == b"0"
    assert bob.unseal(ann, made[0]) == Rejected(Reason.REPLAYED)
    assert bob.unseal(ann, made[1]) == b"1"
    assert bob.unseal(ann, made[1]) == Rejected(Reason.REPLAYED)
    assert bob.counters == {"envelope-replayed": 2}


def test_copies_are_known_by_their_hash_as_long_as_there_can_be_any(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = two()
    made = [sealed(ann.seal(bob, bob.prekey_for(ann.user), b"%d" % number)) for number in range(5)]
    with bob.turn() as sealing:
        for number, message in enumerate(made):
            bob.now += 1
            sealing._world.now = bob.now
            assert not sealing.was_opened(ann.device, message)
            assert sealing.unseal(ann.device, message) == b"%d" % number
        assert all(sealing.was_opened(ann.device, message) for message in made)
        assert not sealing.was_opened(bob.device, made[0])
        # More of one device than are kept: the oldest go.
        monkeypatch.setattr(opened, "MAX_OPENED_PER_DEVICE", 3)
        monkeypatch.setattr(opened, "SWEEP_OPENED", 5)
        sealing.tick()
        assert [sealing.was_opened(ann.device, message) for message in made] == [False, False, True, True, True]
        sealing._world.now += OPENED_KEPT_MS + 1
        sealing.tick()
        assert sealing._world.txn.scan(Space.OPENED) == []
    assert bob.unseal(ann, made[4]) == Rejected(Reason.UNDECRYPTABLE), "nothing opens it again"


def test_what_a_node_has_sealed_in_a_batch_is_stored_in_its_transaction() -> None:
    async def story() -> None:
        world = SimulatedWorld(735)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        engines = {person: person.api._engine for person in (ann, bob)}
        devices = {person: engine.world.identity.device for person, engine in engines.items() if engine is not None}

        def batch(person: Simulated, work: Callable[[Sealing], bytes | Rejected | None]) -> bytes | Rejected | None:
            """As the service has one."""
            engine = engines[person]
            assert engine is not None
            with person.store.transaction() as txn:
                engine.begin(txn, person.now_ms())
                done = work(engine.sealing)
                engine.finish()
            return done

        def again(person: Simulated) -> None:
            """Loaded from what is stored, as after a failed commit."""
            engine = engines[person]
            assert engine is not None
            identity, ratchets = engine.world.identity, engine.world.ratchets
            with person.store.transaction() as txn:
                engines[person] = Engine.load(txn, identity, person.random.randbytes, person.now_ms(), 0, ratchets)

        sessions = set()
        prekey = batch(bob, lambda sealing: sealing.fallback_key())
        assert isinstance(prekey, bytes)
        for number in range(4):
            text = b"%d" % number
            message = batch(ann, lambda sealing, text=text: sealing.seal(devices[bob], None, text, prekey))
            assert isinstance(message, bytes)
            sessions.add(session_of(message))
            assert batch(bob, lambda sealing, message=message: sealing.unseal(devices[ann], message)) == text
            if number % 2:
                again(ann)
                again(bob)
        assert len(sessions) == 1, "none was lost and begun anew"

    run_virtual(story())


def test_a_session_or_key_that_cannot_be_read_any_more_is_lost_and_nothing_else() -> None:
    ann, bob = two(real=True)
    fallback = bob.fallback_key()
    first = sealed(ann.seal(bob, None, b"one", fallback))
    assert bob.unseal(ann, first) == b"one"
    later = sealed(ann.seal(bob, None, b"two"))
    for party, other in ((ann, bob), (bob, ann)):
        with party.store.transaction() as txn:
            txn.put(Space.RATCHET, other.device + session_of(first), encode([b"damaged", 1, 0, 0]))
    assert isinstance(bob.unseal(ann, later), bytes), "it is begun again: only its ratchets were lost"
    assert ann.seal(bob, None, b"three") is None
    again = sealed(ann.seal(bob, None, b"three", fallback))
    assert session_of(again) != session_of(first)
    assert bob.unseal(ann, again) == b"three"
    assert (ann.counters["session-damaged"], bob.counters["session-damaged"]) == (1, 1)
    ann.forget_sessions()
    with bob.store.transaction() as txn:
        stored = txn.get(Space.OLM, b"key/" + fallback)
        assert stored is not None
        row = decode(stored, 8192)
        assert isinstance(row, list)
        txn.put(Space.OLM, b"key/" + fallback, encode([b"damaged", *row[1:]]))
    assert bob.unseal(ann, sealed(ann.seal(bob, None, b"four", fallback))) == Rejected(Reason.NO_PREKEY)
    assert bob.counters["prekey-damaged"] == 1


def test_only_so_many_sessions_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_sessions, "MAX_LIVE_SESSIONS", 2)
    ann, others = Party("ann"), [Party(f"other {number}") for number in range(4)]
    ann.knows(*others)
    ann.lives_on = lambda: True
    for other in others:
        other.knows(ann)
    keys = [other.fallback_key() for other in others]
    for text in (b"one", b"two"):
        for other, key in zip(others, keys, strict=True):
            assert other.unseal(ann, sealed(ann.seal(other, None, text, key))) == text
        with ann.turn() as sealing:
            assert len(sealing._sessions._live) == 2


def test_state_and_bytes_are_committed_together() -> None:
    ann, bob = two()
    prekey = bob.prekey_for(ann.user)
    with ann.turn() as sealing:
        assert sealing.seal(bob.device, prekey, b"never left") is not None
        raise RolledBack
    assert ann.rows(Space.RATCHET) == []
    kept = sealed(ann.seal(bob, prekey, b"left"))
    with bob.turn() as sealing:
        assert sealing.unseal(ann.device, kept) == b"left"
        raise RolledBack
    assert bob.unseal(ann, kept) == b"left", "the opening was not committed either"


def test_hostile_bytes_are_refused_and_counted_and_change_nothing() -> None:
    ann, bob = two()
    eve = Party("eve")
    prekey = bob.prekey_for(ann.user)
    first, second = (sealed(ann.seal(bob, prekey, text)) for text in (b"one", b"two"))
    assert bob.unseal(ann, first) == b"one"
    before = bob.rows(Space.RATCHET), bob.rows(Space.OLM)
    found = decode_sealed(second)
    assert isinstance(found, Sealed)
    spoiled = found.ciphertext[:-1] + bytes([found.ciphertext[-1] ^ 1])
    cases = [
        (b"", Reason.NOT_CBOR),
        (bytes(MAX_SEALED_BYTES + 1), Reason.TOO_LARGE),
        (encode([1]), Reason.SCHEMA),
        (encode({0: 1, 1: found.session, 2: 1, 3: 1}), Reason.SCHEMA),
        (encode({0: 0, 1: found.session, 2: 1, 3: 1, 4: b""}), Reason.LIMIT),
        (encode({0: 1, 1: found.session[:15], 2: 1, 3: 1, 4: b""}), Reason.LIMIT),
        (Sealed(session=found.session, counter=1, kind=1, ciphertext=spoiled).encoded, Reason.LIMIT),
        (Sealed(session=found.session, counter=1, kind=0, ciphertext=spoiled).encoded, Reason.UNDECRYPTABLE),
        (Sealed(session=found.session, counter=0, kind=0, ciphertext=spoiled).encoded, Reason.UNDECRYPTABLE),
        (Sealed(session=bytes(16), counter=1, kind=1, ciphertext=found.ciphertext).encoded, Reason.NO_SESSION),
        (Sealed(session=bytes(16), counter=1, kind=0, ciphertext=found.ciphertext).encoded, Reason.SCHEMA),
        (Sealed(session=found.session, counter=1, kind=0, ciphertext=b"").encoded, Reason.NOT_CBOR),
    ]
    for message, reason in cases:
        refused = bob.unseal(ann, message)
        assert isinstance(refused, Rejected)
        assert refused.reason is reason
        assert bob.counters.pop(f"envelope-{reason}") == 1
        assert not bob.counters
    assert bob.unseal(eve, second) == Rejected(Reason.UNKNOWN, "device")
    assert (bob.rows(Space.RATCHET), bob.rows(Space.OLM)) == before
    assert bob.unseal(ann, second) == b"two"


def test_contents_that_are_too_long_are_a_mistake_of_the_caller() -> None:
    ann, bob = two()
    prekey = bob.prekey_for(ann.user)
    most = bytes(MAX_CONTENTS_BYTES)
    message = sealed(ann.seal(bob, prekey, most))
    assert len(message) <= MAX_SEALED_BYTES
    assert bob.unseal(ann, message) == most
    with pytest.raises(ValueError, match="too long"):
        ann.seal(bob, prekey, most + b"x")


def test_when_both_begin_at_once_both_are_read_and_they_come_to_one_session() -> None:
    ann, bob = two()
    of_ann = sealed(ann.seal(bob, bob.prekey_for(ann.user), b"from ann"))
    of_bob = sealed(bob.seal(ann, ann.prekey_for(bob.user), b"from bob"))
    assert session_of(of_ann) != session_of(of_bob)
    assert ann.unseal(bob, of_bob) == b"from bob"
    assert bob.unseal(ann, of_ann) == b"from ann"
    used = set()
    for number in range(4):
        there = sealed(ann.seal(bob, None, b"%d" % number))
        assert bob.unseal(ann, there) == b"%d" % number
        back = sealed(bob.seal(ann, None, b"re %d" % number))
        assert ann.unseal(bob, back) == b"re %d" % number
        used |= {session_of(there), session_of(back)}
    assert len(used) == 1


def test_what_is_not_acknowledged_is_followed_by_another_session_at_most_one_an_hour() -> None:
    ann, bob = two()
    prekey, fallback = bob.prekey_for(ann.user), bob.fallback_key()
    first = sealed(ann.seal(bob, prekey, b"one", fallback))
    assert session_of(sealed(ann.seal(bob, prekey, b"two", fallback))) == session_of(first)
    assert ann.doubt(bob) == session_of(first)
    assert session_of(sealed(ann.seal(bob, prekey, b"three"))) == session_of(first), "there is no key to begin another with"
    assert session_of(sealed(ann.seal(bob, prekey, b"four", fallback))) == session_of(first), "the first is not an hour old"
    ann.now += NEW_SESSION_MS
    second = sealed(ann.seal(bob, prekey, b"five", fallback))
    assert session_of(second) != session_of(first)
    assert bob.unseal(ann, second) == b"five"
    assert session_of(sealed(ann.seal(bob, prekey, b"six", fallback))) == session_of(second)
    ann.now += NEW_SESSION_MS
    assert ann.doubt(bob) == session_of(second)
    assert session_of(sealed(ann.seal(bob, prekey, b"seven", fallback))) == session_of(second), "as good as another by this key"
    assert ann.unseal(bob, sealed(bob.seal(ann, None, b"re"))) == b"re"
    assert session_of(sealed(ann.seal(bob, prekey, b"eight", fallback))) == session_of(second)
    assert ann.doubt(bob) == session_of(second)
    third = sealed(ann.seal(bob, prekey, b"nine", fallback))
    assert session_of(third) not in (session_of(first), session_of(second)), "it was answered before: it may be broken"
    assert bob.unseal(ann, third) == b"nine"
    assert bob.unseal(ann, first) == b"one"


def test_an_answer_ends_the_doubt() -> None:
    ann, bob = two()
    first = sealed(ann.seal(bob, bob.prekey_for(CHANNEL), b"one"))
    assert bob.unseal(ann, first) == b"one"
    ann.doubt(bob)
    assert ann.unseal(bob, sealed(bob.seal(ann, None, b"here I am"))) == b"here I am"
    ann.now += NEW_SESSION_MS
    assert session_of(sealed(ann.seal(bob, None, b"two", bob.fallback_key()))) == session_of(first)


def test_what_was_answered_is_not_doubted() -> None:
    ann, bob = two()
    first = sealed(ann.seal(bob, bob.prekey_for(CHANNEL), b"one"))
    assert bob.unseal(ann, first) == b"one"
    assert ann.unseal(bob, sealed(bob.seal(ann, None, b"re"))) == b"re"
    ann.now += NEW_SESSION_MS
    assert ann.doubt(bob) is None
    assert session_of(sealed(ann.seal(bob, None, b"two", bob.fallback_key()))) == session_of(first)


def test_a_session_with_too_many_unanswered_messages_is_not_written_on_any_more() -> None:
    ann, bob = two()
    fallback = bob.fallback_key()
    first = session_of(sealed(ann.seal(bob, None, b"", fallback)))
    ann.now += NEW_SESSION_MS
    for _ in range(MAX_UNANSWERED - 1):
        assert session_of(sealed(ann.seal(bob, None, b"", fallback))) == first
    last = sealed(ann.seal(bob, None, b"the others are lost", fallback))
    assert session_of(last) != first
    assert bob.unseal(ann, last) == b"the others are lost"


def test_five_sessions_are_kept_and_one_that_had_to_go_is_not_begun_again() -> None:
    ann, bob = two()
    made, left = [], b""
    for number in range(MAX_SESSIONS_PER_DEVICE + 1):
        message = sealed(ann.seal(bob, bob.prekey_for(CHANNEL), b"%d" % number))
        made.append(message)
        left = sealed(ann.seal(bob, None, b"never opened")) if number == 0 else left
        assert bob.unseal(ann, message) == b"%d" % number
        # Her profile is lost, and with it her sessions; her keys are not.
        ann.forget_sessions()
    with bob.turn() as sealing:
        kept = {note.session for note in sealing._sessions.notes(ann.device)}
    assert kept == {session_of(message) for message in made[1:]}
    before = bob.rows(Space.RATCHET)
    assert [bob.unseal(ann, message) for message in made] == [Rejected(Reason.REPLAYED)] * len(made)
    assert bob.unseal(ann, left) == Rejected(Reason.NO_SESSION, "it was given up"), "it is lost, and not a copy"
    assert bob.rows(Space.RATCHET) == before
    assert bob.rows(Space.RATCHET, ann.device + session_of(made[0])) == []


def test_who_was_rolled_back_is_not_read_until_another_session_and_betrays_nothing() -> None:
    """The same key encrypts again: the random beginning makes both look unlike each other."""
    ann, bob = two(real=True)
    first = sealed(ann.seal(bob, bob.prekey_for(CHANNEL), b"one"))
    assert bob.unseal(ann, first) == b"one"
    assert ann.unseal(bob, sealed(bob.seal(ann, None, b"re"))) == b"re"
    assert bob.unseal(ann, sealed(ann.seal(bob, None, b"two"))) == b"two"
    kept = ann.rows(Space.RATCHET)
    new = [sealed(ann.seal(bob, None, b"the same text, and long enough")) for _ in range(3)]
    assert [bob.unseal(ann, message) for message in new] == [b"the same text, and long enough"] * 3
    with ann.store.transaction() as txn:
        for key, value in kept:
            txn.put(Space.RATCHET, key, value)
    again = sealed(ann.seal(bob, None, b"the same text, and long enough"))
    (old, now) = (decode_sealed(message) for message in (new[0], again))
    assert isinstance(old, Sealed)
    assert isinstance(now, Sealed)
    assert (old.session, old.counter) == (now.session, now.counter)
    blocks = [{message.ciphertext[at : at + 16] for at in range(40, len(message.ciphertext))} for message in (old, now)]
    assert not blocks[0] & blocks[1]
    assert bob.unseal(ann, again) == Rejected(Reason.UNDECRYPTABLE)
    ann.doubt(bob)
    ann.now += NEW_SESSION_MS
    assert bob.unseal(ann, sealed(ann.seal(bob, None, b"x"))) == Rejected(Reason.UNDECRYPTABLE)
    healed = sealed(ann.seal(bob, None, b"back", bob.fallback_key()))
    assert bob.unseal(ann, healed) == b"back"


def test_sessions_with_nobody_of_ours_go_after_a_while() -> None:
    ann, bob = two()
    message = sealed(ann.seal(bob, bob.prekey_for(ann.user), b"one"))
    assert bob.unseal(ann, message) == b"one"
    bob.contacts.clear()
    bob.tick()
    assert len(bob.rows(Space.RATCHET)) == 2
    bob.now += SESSION_KEPT_MS + 1
    bob.tick()
    assert bob.rows(Space.RATCHET) == []
    assert isinstance(bob.unseal(ann, message), Rejected)
