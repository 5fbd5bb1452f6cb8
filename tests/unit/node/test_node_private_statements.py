"""Statements for contacts alone: who is offered and given what, asked or not, and what of them is taken; and their contents."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import pytest
from simulated_world import SimulatedWorld, engine_of, until

from multichat_tui.model.codec import Rejected, encode
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import Introduce, SetRegard, SetVouch
from multichat_tui.model.limits import MAX_INTRODUCTIONS, MAX_VOUCHES
from multichat_tui.model.regards import Regard
from multichat_tui.model.statements import PRIVATE, StatementKind
from multichat_tui.model.vouching import (
    Introduction,
    Vouch,
    decode_introductions,
    decode_vouches,
    encode_introductions,
    encode_vouches,
)
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.private_statements import said_between, takes_from, told_to

ANA, BEN = UserId(b"a" * 32), UserId(b"b" * 32)


def test_only_a_contact_that_is_not_blocked_is_told_and_of_introductions_each_only_their_own() -> None:
    async def story() -> None:
        world = SimulatedWorld(931)
        ann, bob, eve, dan = await world.add("ann", "bob", "eve", "dan")
        await world.pair(ann, bob)
        await world.pair(ann, eve)
        await world.channel_of(ann, bob, eve, dan)
        users = {person.name: engine_of(person).world.identity.user for person in (ann, bob, eve, dan)}
        await ann.api.submit(SetVouch(user=users["bob"], vouched=True))
        await ann.api.submit(Introduce(one=users["bob"], other=users["eve"]))
        here = engine_of(ann).world
        told = {name: told_to(here, user) for name, user in users.items()}
        assert [s.kind for s in told["dan"]] == []
        assert [s.kind for s in told["ann"]] == [StatementKind.VOUCH], "another device of our own"
        assert [s.kind for s in told["bob"]] == [s.kind for s in told["eve"]] == [StatementKind.VOUCH, StatementKind.INTRODUCTION]
        assert told["bob"][1] != told["eve"][1]
        assert said_between(here, users["dan"]) == ()
        for kind in PRIVATE:
            assert takes_from(here, users["bob"], users["bob"], kind)
            assert not takes_from(here, users["eve"], users["bob"], kind), "by somebody else, of a contact"
            assert not takes_from(here, users["dan"], users["dan"], kind), "of no contact"

        async def heard() -> bool:
            return users["ann"] in engine_of(bob).world.introductions

        await until(heard, "bob is told")
        # What is for bob says nothing to eve, be it shown by ann herself.
        there = engine_of(eve)
        session = next(s for s in there.world.peers() if s.user == users["ann"])
        before = there.world.statements.get((users["ann"], StatementKind.INTRODUCTION))
        there._exchange._statements.on_statement(session, told["bob"][1].encoded)
        assert there.world.statements.get((users["ann"], StatementKind.INTRODUCTION)) in (before, told["eve"][1])
        asked = tuple((users["ann"], kind) for kind in sorted(PRIVATE))
        guest = next(s for s in here.peers() if s.user == users["dan"])
        here.out.frames.clear()
        engine_of(ann)._exchange._statements.send(guest, asked)
        assert here.out.frames == [], "who asks for it without being a contact gets nothing"
        await ann.api.submit(SetRegard(user=users["bob"], regard=Regard.BLOCKED))
        here = engine_of(ann).world
        assert told_to(here, users["bob"]) == ()
        assert here.vouches[users["ann"]] == (), "one vouches for nobody whom one blocks"

    run_virtual(story())


def test_contents_come_back_as_they_were_and_what_is_out_of_shape_is_refused() -> None:
    vouches = (Vouch(user=ANA, since_ms=1, note="x" * 64), Vouch(user=BEN, since_ms=2))
    assert decode_vouches(encode_vouches(tuple(reversed(vouches)))) == vouches
    made = Introduction(other=ANA, name="ana", seed=b"s" * 16, hosts=True, since_ms=1, expires_ms=2, note="n")
    assert decode_introductions(encode_introductions(BEN, (made,))) == (BEN, (made,))
    assert "s" * 16 not in repr(made)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {0: [[BEN, 1, ""], [ANA, 1, ""]]},
        {0: [[ANA, 1, ""], [ANA, 2, ""]]},
        {0: [[ANA, 1, "x" * 65]]},
        {0: [[ANA, -1, ""]]},
        {0: [[ANA, 2**48, ""]]},
        {0: [[b"short", 1, ""]]},
        {0: [[number.to_bytes(32, "big"), 1, ""] for number in range(MAX_VOUCHES + 1)]},
    ],
)
def test_a_list_of_vouches_beyond_its_bounds_is_a_value_not_an_error(content: dict[int, object]) -> None:
    assert isinstance(decode_vouches(encode(content)), Rejected)


@pytest.mark.parametrize(
    "entry",
    [
        [ANA, "ana", b"s" * 15, True, 1, 2, ""],
        [ANA, "ana", b"s" * 16, 1, 1, 2, ""],
        [ANA, "x" * 49, b"s" * 16, True, 1, 2, ""],
        [ANA, "ana", b"s" * 16, True, 1, 2, "x" * 65],
        [ANA, "ana", b"s" * 16, True, 1, 2],
    ],
)
def test_an_introduction_beyond_its_bounds_is_a_value_not_an_error(entry: list[object]) -> None:
    assert isinstance(decode_introductions(encode({0: BEN, 1: [entry]})), Rejected)
    good = [ANA, "ana", b"s" * 16, True, 1, 2, ""]
    assert isinstance(decode_introductions(encode({0: BEN, 1: [good] * (MAX_INTRODUCTIONS + 1)})), Rejected)
    assert isinstance(decode_introductions(encode({1: [good]})), Rejected)
