"""Ignoring and blocking between whole nodes: what shows, what counts, what still goes on for the others."""

import asyncio
from collections.abc import Awaitable

import pytest
from simulated_world import Person, SimulatedWorld, collect, until

from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.events import Event, MessageAdded, Resync
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import AcceptContact, ActOn, BeginVerification, InviteContact, OpenDirect, SendMessage, SetRegard
from multichat_tui.model.regards import Regard
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.net.virtual_time import run_virtual


async def user_of(person: Person) -> UserId:
    return (await person.api.me()).rows.user


async def regard(person: Person, other: Person, how: Regard) -> None:
    await person.api.submit(SetRegard(user=await user_of(other), regard=how))


async def direct(person: Person, other: Person) -> ChannelId:
    channel = (await person.api.submit(OpenDirect(user=await user_of(other)))).channel
    assert channel is not None
    return channel


async def has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


async def _is(found: Awaitable[list[int]], wanted: list[int]) -> bool:
    return await found == wanted


async def three(seed: int) -> tuple[Person, Person, Person, ChannelId]:
    """ann and bob are contacts, bob and eve are; all three are in a channel."""
    world = SimulatedWorld(seed)
    ann, bob, eve = await world.add("ann", "bob", "eve")
    await world.pair(ann, bob)
    await world.pair(ann, eve)
    return ann, bob, eve, await world.channel_of(ann, bob, eve)


def test_what_the_ignored_write_is_folded_and_counts_for_nothing_here_and_is_passed_on_to_others() -> None:
    async def story() -> None:
        ann, bob, eve, channel = await three(901)
        heard: list[Event] = []
        listening = asyncio.create_task(collect(ann, heard))
        await regard(ann, eve, Regard.IGNORED)
        await eve.say(channel, "look at me, ann")
        await bob.say(channel, "hello ann")
        await until(lambda: has(ann, channel, "look at me, ann"), "it is stored all the same")
        await until(lambda: has(ann, channel, "hello ann"), "bob's comes")
        row = (await ann.api.channel(channel)).rows
        assert (row.unread, row.mentions) == (1, 1)
        assert {r.text: r.ignored for r in await ann.rows(channel) if r.text in ("look at me, ann", "hello ann")} == {
            "look at me, ann": True,
            "hello ann": False,
        }
        assert any(isinstance(event, Resync) for event in heard), "what is on the screen is read again"
        assert {e.row.text: e.row.ignored for e in heard if isinstance(e, MessageAdded)}["look at me, ann"]
        found = (await ann.api.search(Search(phrases=(Phrase(text="ann"),)))).rows.rows
        assert [each.row.text for each in found] == ["hello ann"]
        asked = Search(phrases=(Phrase(text="ann"),), users=(await user_of(eve),))
        assert [each.row.text for each in (await ann.api.search(asked)).rows.rows] == ["look at me, ann"]
        said = next(row.id for row in await bob.rows(channel) if row.text == "hello ann")
        for person in (eve, bob):
            await person.api.submit(ActOn(channel=channel, record=said, act="react", fields=(("emoji", "👍"), ("on", "yes"))))

        async def reactions(person: Person) -> list[int]:
            row = (await person.api.message(said)).rows
            return [] if row is None else [each.count for each in row.reactions]

        await until(lambda: _is(reactions(bob), [2]), "both have reacted")
        await until(lambda: _is(reactions(ann), [1]), "bob's reaction comes")
        await asyncio.sleep(60)
        assert await reactions(ann) == [1], "what the ignored think of it does not count"
        # bob hears nothing of it: not that she is ignored, and all that she writes.
        await until(lambda: has(bob, channel, "look at me, ann"), "bob has it")
        assert not any(r.ignored for r in await bob.rows(channel))
        await ann.stop()
        await ann.start()
        assert [(r.name, r.regard) for r in (await ann.api.status()).rows.regards] == [("eve", Regard.IGNORED)]
        assert (await ann.api.channel(channel)).rows.unread == 1
        await regard(ann, eve, Regard.NONE)
        assert (await ann.api.channel(channel)).rows.unread == 2
        listening.cancel()

    run_virtual(story())


def test_between_a_blocked_contact_and_us_nothing_goes_and_what_they_wrote_comes_when_they_are_unblocked() -> None:
    async def story() -> None:
        world = SimulatedWorld(902)
        ann, eve = await world.add("ann", "eve")
        await world.pair(ann, eve)
        talk = await direct(eve, ann)
        await eve.say(talk, "first")
        await until(lambda: has(ann, talk, "first"), "it comes before")
        await regard(ann, eve, Regard.BLOCKED)
        await until(lambda: nobody_linked(ann), "no link is left")
        await eve.say(talk, "are you there?")
        await asyncio.sleep(600)
        assert await ann.texts(talk) == ["first"]
        assert (await ann.api.status()).rows.links == 0
        with pytest.raises(IntentRefused, match="blocked eve") as refused:
            await ann.api.submit(SendMessage(channel=talk, text="no"))
        assert refused.value.reason is Refusal.NOT_ALLOWED
        with pytest.raises(IntentRefused, match="blocked eve"):
            await ann.api.submit(BeginVerification(user=await user_of(eve)))
        await ann.stop()
        await ann.start()
        await asyncio.sleep(600)
        assert (await ann.api.status()).rows.links == 0
        await regard(ann, eve, Regard.NONE)
        await until(lambda: has(ann, talk, "are you there?"), "what waited comes")

    run_virtual(story())


async def nobody_linked(person: Person) -> bool:
    return (await person.api.status()).rows.links == 0


def test_in_a_shared_channel_a_blocked_member_is_served_and_passes_on_but_no_direct_message_comes() -> None:
    async def story() -> None:
        ann, bob, eve, channel = await three(903)
        talk = await direct(eve, ann)
        await eve.say(talk, "first")
        await until(lambda: has(ann, talk, "first"), "it comes before")
        await regard(ann, eve, Regard.BLOCKED)
        await bob.stop()
        await eve.say(channel, "for all of you")
        await eve.say(talk, "for you alone")
        await until(lambda: has(ann, channel, "for all of you"), "delivery in the channel goes on")
        await asyncio.sleep(300)
        assert await ann.texts(talk) == ["first"]
        assert (await ann.api.channel(talk)).rows.unread == 0
        await eve.stop()
        await bob.start()
        await until(lambda: has(bob, channel, "for all of you"), "ann has passed it on")
        # A second conversation that they begin is none, either.
        assert len([row for row in (await ann.api.channels()).rows if row.user is not None]) == 1

    run_virtual(story())


def test_no_pairing_with_somebody_blocked_in_either_direction() -> None:
    async def story() -> None:
        _, bob, eve, _ = await three(904)
        await regard(bob, eve, Regard.BLOCKED)
        link = (await bob.api.submit(InviteContact())).link
        assert link is not None
        await eve.api.submit(AcceptContact(link=link))
        await asyncio.sleep(120)
        assert [row.name for row in (await bob.api.contacts()).rows] == ["ann"]
        refused = dict((await bob.api.status()).rows.counters)["pair-blocked"]
        assert refused < 50, "who is turned away does not come again and again"
        theirs = (await eve.api.submit(InviteContact())).link
        assert theirs is not None
        with pytest.raises(IntentRefused, match="blocked"):
            await bob.api.submit(AcceptContact(link=theirs))
        with pytest.raises(IntentRefused, match="already"):
            await regard(bob, eve, Regard.BLOCKED)
        with pytest.raises(IntentRefused, match="That is you"):
            await regard(bob, bob, Regard.IGNORED)

    run_virtual(story())
