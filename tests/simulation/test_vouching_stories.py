"""Vouching and introductions between whole nodes: who is told, what it opens, what it never does."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, engine_of, until
from test_greetings import frames, listen, offers, settled
from test_request_stories import asked, conversations, requests, user_of, write_to

from multichat_tui.model.errors import IntentRefused, NotFound
from multichat_tui.model.frames import MessageFrame
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import AnswerRequest, ChangeSetting, Introduce, SetRegard, SetVouch
from multichat_tui.model.regards import Regard, RequestKind
from multichat_tui.model.statements import StatementKind
from multichat_tui.model.trust import TrustRow
from multichat_tui.net.virtual_time import run_virtual


def knows_vouches(person: Person, of: UserId) -> bool:
    return bool(engine_of(person).world.vouches.get(of))


async def trust(person: Person, other: Person) -> TrustRow:
    return (await person.api.trust(await user_of(other))).rows


async def vouch(person: Person, other: Person, note: str = "", *, vouched: bool = True) -> None:
    await person.api.submit(SetVouch(user=await user_of(other), vouched=vouched, note=note))


async def verified(person: Person) -> set[str]:
    return {row.name for row in (await person.api.contacts()).rows if row.verified}


async def names(person: Person) -> list[str]:
    return sorted(row.name for row in (await person.api.contacts()).rows if not row.pending)


async def star(seed: int) -> tuple[SimulatedWorld, Person, Person, Person, Person]:
    """bob is a contact of ann and eve; dan knows ann by a channel of all four only."""
    world = SimulatedWorld(seed)
    ann, bob, eve, dan = await world.add("ann", "bob", "eve", "dan")
    await world.pair(ann, bob)
    await world.pair(bob, eve)
    await world.channel_of(ann, bob, eve, dan)
    return world, ann, bob, eve, dan


def test_contacts_learn_for_whom_one_vouches_and_others_never_do_whoever_would_pass_it_on() -> None:
    async def story() -> None:
        _, ann, bob, eve, dan = await star(921)
        me = await user_of(bob)
        await vouch(bob, eve, "from school")

        async def ann_knows() -> bool:
            return bool((await trust(ann, eve)).paths)

        await until(ann_knows, "ann learns it")
        row = await trust(ann, eve)
        ((step,),) = [path.steps for path in row.paths]
        assert (step.name, step.note, step.verified, row.verified, row.contact) == ("bob", "from school", False, False, False)
        await asyncio.sleep(300)
        assert not knows_vouches(dan, me), "a fellow member is no contact"
        # ann shows it to dan all the same, who takes it from nobody but bob.
        held = engine_of(ann).world.statements[me, StatementKind.VOUCH]
        session = next(s for s in engine_of(dan).world.peers() if s.user == engine_of(ann).world.identity.user)
        engine_of(dan)._exchange._statements.on_statement(session, held.encoded)
        assert not knows_vouches(dan, me)
        assert engine_of(dan).world.counters["statement-audience"] == 1
        # Nor does ann offer or give it, asked by the id that it would have.
        for person in (dan, eve):
            asker = next(s for s in engine_of(ann).world.peers() if s.user == engine_of(person).world.identity.user)
            assert all(offer.kind != StatementKind.VOUCH for offer in engine_of(ann)._exchange._statements.known_to(asker))
        await ann.stop()
        await ann.start()
        assert [path.steps[0].name for path in (await trust(ann, eve)).paths] == ["bob"]
        await vouch(bob, eve, vouched=False)

        async def taken_back() -> bool:
            return not (await trust(ann, eve)).paths

        await until(taken_back, "taking it back reaches her")
        with pytest.raises(IntentRefused, match="do not vouch"):
            await vouch(bob, eve, vouched=False)
        with pytest.raises(NotFound):
            await vouch(ann, dan)

    run_virtual(story())


def test_who_is_vouched_for_comes_straight_in_unless_that_is_not_wanted_or_the_voucher_is_ignored() -> None:
    async def story() -> None:
        _, ann, bob, eve, _ = await star(922)
        await ann.api.submit(ChangeSetting(key="requests", value="contacts"))
        await vouch(bob, eve)

        async def known() -> bool:
            return bool((await trust(ann, eve)).paths)

        await until(known, "ann learns it")
        channel = await write_to(eve, ann, "hello ann")
        await until(lambda: asked(ann), "those vouched for ask too, by the setting")
        assert (await requests(ann))[0].vouched_by == ("bob",)
        await ann.api.submit(SetRegard(user=await user_of(bob), regard=Regard.IGNORED))
        await ann.api.submit(ChangeSetting(key="requests", value="vouched"))
        await asyncio.sleep(60)
        assert (await requests(ann))[0].vouched_by == (), "who is ignored vouches for nobody"
        await ann.api.submit(SetRegard(user=await user_of(bob), regard=Regard.NONE))
        await until(lambda: asked(ann, 0), "she does not wait any longer")
        assert await conversations(ann) == ["eve"]
        assert await ann.texts(channel) == ["hello ann"]

    run_virtual(story())


def test_an_introduction_makes_contacts_when_both_accept_and_verifies_nobody() -> None:
    async def story() -> None:
        _, ann, bob, eve, dan = await star(923)
        await bob.api.submit(Introduce(one=await user_of(ann), other=await user_of(eve), note="you both sail"))
        await until(lambda: asked(ann), "ann is asked")
        await until(lambda: asked(eve), "eve is asked")
        (row,) = await requests(ann)
        assert (row.kind, row.name, row.through, row.texts) == (RequestKind.INTRODUCTION, "eve", "bob", ("you both sail",))
        await ann.api.submit(AnswerRequest(user=await user_of(eve), accept=True))
        assert await requests(ann) == ()
        await asyncio.sleep(300)
        assert "eve" not in await names(ann), "one of the two is not enough"
        await eve.stop()
        await eve.start()
        await eve.api.submit(AnswerRequest(user=await user_of(ann), accept=True))

        async def contacts() -> bool:
            return await names(ann) == ["bob", "eve"] and await names(eve) == ["ann", "bob"]

        await until(contacts, "they are contacts")
        assert await verified(ann) == await verified(eve) == set()
        assert await requests(dan) == ()
        with pytest.raises(IntentRefused, match="two different"):
            await bob.api.submit(Introduce(one=await user_of(ann), other=await user_of(ann)))

    run_virtual(story())


def test_an_introduction_that_is_declined_stays_declined_and_the_introducer_cannot_use_it() -> None:
    async def story() -> None:
        _, ann, bob, eve, _ = await star(924)
        await bob.api.submit(Introduce(one=await user_of(ann), other=await user_of(eve)))
        await until(lambda: asked(ann), "ann is asked")
        await until(lambda: asked(eve), "eve is asked")
        await eve.api.submit(AnswerRequest(user=await user_of(ann), accept=False))
        await ann.api.submit(AnswerRequest(user=await user_of(eve), accept=True))
        for _ in range(2):
            await eve.stop()
            await eve.start()
            await asyncio.sleep(300)
        assert await requests(eve) == ()
        assert await names(eve) == ["bob"]
        assert await names(ann) == ["bob"]

    run_virtual(story())


def test_who_has_heard_everything_is_told_nothing_again_at_the_next_link() -> None:
    async def story() -> None:
        world, ann, bob, eve, _ = await star(925)
        await vouch(bob, eve)
        await vouch(ann, bob)
        await bob.api.submit(Introduce(one=await user_of(ann), other=await user_of(eve)))
        await until(lambda: asked(ann), "ann is asked")
        await asyncio.sleep(60)
        wire = listen(world)
        await ann.stop()
        await ann.start()

        async def linked_again() -> bool:
            return (await ann.api.status()).rows.links == 3

        await until(linked_again, "linked again")
        await settled(world, wire)
        assert len(offers(wire)) == len([offer for offer in offers(wire) if offer.fingerprint])
        assert not any(isinstance(frame, MessageFrame) and frame.statements for frame in frames(wire))

    run_virtual(story())
