"""What becomes true while a link is up, or is lost on it, is settled on that link: nobody waits for the next one."""

import asyncio
from collections.abc import Callable

import pytest
from simulated_world import Person, SimulatedWorld, engine_of, until
from test_comparison_stories import answer, code_of, reaches, user_of, visible

from multichat_tui.model.codec import Rejected
from multichat_tui.model.device_statements import Audience, DeviceStatementKind
from multichat_tui.model.frame_bytes import decode_frame
from multichat_tui.model.frames import Frame, MessageFrame, Request
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, LinkId, RecordId, UserId
from multichat_tui.model.intents import (
    AnswerRequest,
    GiveRank,
    InviteToChannel,
    JoinChannel,
    MeetNearby,
    OpenDirect,
    RemoveMember,
    SendMessage,
    SetName,
    SetTopic,
    SetVouch,
)
from multichat_tui.model.mailbox_frames import MailboxFrame
from multichat_tui.model.ranks import ADMIN, MEMBER
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.statements import StatementKind
from multichat_tui.model.trust import ComparisonState
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.offered_channels import COMING_BACK_MS


def _lose(person: Person, lost: Callable[[Frame], bool]) -> None:
    """Frames of somebody's that never arrive, as long as they are said to be lost."""
    send = person.network.send

    def sent(link: LinkId, encoded: bytes) -> None:
        frame = decode_frame(encoded)
        if isinstance(frame, Rejected | MailboxFrame) or not lost(frame):
            send(link, encoded)

    person.network.send = sent  # type: ignore[method-assign]


def _lose_first(person: Person, count: int, matches: Callable[[Frame], bool]) -> list[Frame]:
    """The first few frames of somebody's that match; returns those that were lost so far."""
    gone: list[Frame] = []

    def lost(frame: Frame) -> bool:
        if len(gone) < count and matches(frame):
            gone.append(frame)
            return True
        return False

    _lose(person, lost)
    return gone


async def _member(person: Person, channel: ChannelId) -> bool:
    return (await person.api.channel(channel)).rows.membership is Membership.JOINED


async def _has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


def _links(person: Person, other: UserId) -> list[int]:
    """When the links began that somebody has to a user."""
    return [session.began_at for session in engine_of(person).world.peers() if session.user == other]


def _brings(frame: Frame, channel: ChannelId) -> bool:
    return isinstance(frame, MessageFrame) and bool(frame.items) and frame.channel == channel[:PREFIX_SIZE]


async def _lost_machine(world: SimulatedWorld) -> tuple[Person, Person, ChannelId]:
    """(who has lost a machine, the one contact who can bring them back, a channel that somebody else has founded)."""
    ann, bob, carol = await world.add("ann", "bob", "carol")
    await world.pair(ann, bob)
    channel = await world.channel_of(carol, ann, bob)
    await carol.say(channel, "before")
    await world.converge(channel)
    await ann.stop()
    return ann, bob, channel


async def _asks_in_vain(world: SimulatedWorld, times: int) -> tuple[ChannelId, Person, list[Frame]]:
    """(the channel, who comes back to it on a new machine, whose requests for its root are lost so often, those lost so far)."""
    ann, _, channel = await _lost_machine(world)
    await world.people["carol"].stop()
    anew = Person(world, "ann's new machine", restores=ann)
    world.people[anew.name] = anew
    gone = _lose_first(anew, times, lambda frame: isinstance(frame, Request) and channel in frame.ids)
    await anew.start()
    return channel, anew, gone


# Coming back


def test_what_a_first_offer_named_is_not_forgotten_for_a_second_one_that_names_less() -> None:
    async def story() -> None:
        world = SimulatedWorld(61)
        ann, bob, channel = await _lost_machine(world)
        await world.people["carol"].stop()
        # The root does not come at first, so that bob offers again what he has sent, and nothing else.
        gone = _lose_first(bob, 1, lambda frame: _brings(frame, channel))
        anew = await world.restore(ann, "ann's new machine")
        await until(lambda: _member(anew, channel), "bob brings the channel back")
        assert gone

    run_virtual(story())


def test_a_root_that_was_asked_for_in_vain_is_asked_for_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(62)
        channel, anew, gone = await _asks_in_vain(world, 2)
        await until(lambda: _member(anew, channel), "bob brings the channel back")
        assert len(gone) == 2

    run_virtual(story())


def test_a_root_that_never_comes_is_not_asked_for_without_end() -> None:
    async def story() -> None:
        world = SimulatedWorld(63)
        _channel, _anew, gone = await _asks_in_vain(world, 1000)
        await asyncio.sleep(600)
        asked = len(gone)
        assert 2 < asked < 20
        await asyncio.sleep(3600)
        assert len(gone) == asked

    run_virtual(story())


def test_a_long_control_log_may_take_longer_to_come_than_a_channel_may_say_nothing() -> None:
    async def story() -> None:
        world = SimulatedWorld(64)
        ann, bob, channel = await _lost_machine(world)
        carol = world.people["carol"]
        for number in range(600):
            await carol.api.submit(SetTopic(channel=channel, topic=f"topic {number}"))
        await until(lambda: _shows(bob, channel, "topic 599"), "bob has it all")
        await carol.stop()
        anew = await world.restore(ann, "ann's new machine")
        began = asyncio.get_running_loop().time()
        # Bob is seldom there, and gives a page each time.
        pages = 0

        def beyond(frame: Frame) -> bool:
            nonlocal pages
            if isinstance(frame, MessageFrame) and len(frame.items) > 1:
                pages += 1
                return pages > 1
            return False

        _lose(bob, beyond)
        while not await _is_member(anew, channel):
            assert asyncio.get_running_loop().time() - began < 7200, "bob brings the channel back"
            await bob.stop()
            await asyncio.sleep(200)
            pages = 0
            await bob.start()
            await asyncio.sleep(20)
        assert asyncio.get_running_loop().time() - began > COMING_BACK_MS / 1000

    run_virtual(story())


async def _is_member(person: Person, channel: ChannelId) -> bool:
    known = engine_of(person).world.channels.get(channel)
    return known is not None and known.standing.membership is Membership.JOINED


async def _shows(person: Person, channel: ChannelId, topic: str) -> bool:
    return (await person.api.channel(channel)).rows.topic == topic


# Conversations


def test_somebody_who_was_declined_and_is_a_contact_later_is_read_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(65)
        ann, bob, carol = await world.add("ann", "bob", "carol")
        await world.channel_of(carol, ann, bob)
        direct = (await ann.api.submit(OpenDirect(user=await user_of(bob)))).channel
        assert direct is not None
        await ann.say(direct, "hello?")
        await until(lambda: _is_asked(bob), "bob is asked")
        await bob.api.submit(AnswerRequest(user=await user_of(ann), accept=False))
        await ann.say(direct, "are you there?")
        await asyncio.sleep(120)
        assert direct not in engine_of(bob).world.channels
        # Bob is known to have got the beginning: ann's node offers what has followed since, and by numbers.
        await world.pair(ann, bob)
        await ann.say(direct, "now we know each other")
        await until(lambda: _has(bob, direct, "now we know each other"), "bob reads it")
        assert await bob.texts(direct) == ["hello?", "are you there?", "now we know each other"]

    run_virtual(story())


async def _is_asked(person: Person) -> bool:
    return bool((await person.api.status()).rows.requests)


# Channels that are shared later


@pytest.mark.parametrize("version", [1, 5])
def test_a_contact_who_comes_into_a_channel_while_linked_learns_what_its_members_have_said_of_themselves(version: int) -> None:
    async def story() -> None:
        world = SimulatedWorld(66)
        ann, bob, carol, dave = await world.add("ann", "bob", "carol", "dave")
        await bob.stop()
        bob.network.version = version
        await bob.start()
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, carol, dave)
        await carol.api.submit(SetName(name="caroline"))
        await until(lambda: _names(ann, channel, "caroline"), "ann knows the new name")
        await dave.stop()
        await carol.say(channel, "for dave")
        await until(lambda: _has(ann, channel, "for dave"), "ann has it")
        await carol.stop()
        await dave.start()
        device = (await dave.api.me()).rows.device
        await until(lambda: _receipted(ann, channel, device), "dave says that he has it")
        await dave.stop()
        link = (await ann.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        before = _links(ann, await user_of(bob))
        await bob.api.submit(JoinChannel(link=link))
        await until(lambda: _names(bob, channel, "caroline"), "bob knows her by it")
        if version > 1:
            await until(lambda: _receipted(bob, channel, device), "and has dave's receipt")
        assert _links(ann, await user_of(bob)) == before, "it came over the link that they had"

    run_virtual(story())


async def _names(person: Person, channel: ChannelId, name: str) -> bool:
    return any(row.name == name for row in (await person.api.members(channel)).rows)


async def _receipted(person: Person, channel: ChannelId, device: bytes) -> bool:
    return device in engine_of(person).world.channels[channel].receipts


def test_who_was_removed_without_right_gets_what_was_said_meanwhile_by_somebody_who_spoke_for_the_first_time() -> None:
    async def story() -> None:
        world = SimulatedWorld(67)
        fay, ann, bob, carol, dave = await world.add("fay", "ann", "bob", "carol", "dave")
        channel = await world.channel_of(fay, ann, bob, carol, dave)
        await world.pair(bob, carol)
        rank = GiveRank(channel=channel, user=await user_of(ann), rank=ADMIN)
        await fay.api.submit(rank)
        user = await user_of(bob)
        await until(lambda: _ranks(ann, ann, channel, ADMIN), "ann knows that she is an admin")
        await until(lambda: _ranks(dave, ann, channel, ADMIN), "dave knows it")
        await until(lambda: _ranks(carol, ann, channel, ADMIN), "carol, too")
        world.hub.partition(["fay"], ["ann", "bob", "carol", "dave"])
        await fay.api.submit(GiveRank(channel=channel, user=await user_of(ann), rank=MEMBER))
        await ann.api.submit(RemoveMember(channel=channel, user=user))
        for person in (bob, carol, dave):
            await until(lambda person=person: _is_out(person, user, channel), f"{person.name} knows")  # type: ignore[misc]
        await dave.say(channel, "meanwhile")
        await until(lambda: _has(carol, channel, "meanwhile"), "carol has it")
        await asyncio.sleep(60)
        await dave.stop()
        await ann.stop()
        before = _links(carol, user)
        # Carol alone hears from the founder that ann had no right to it any more.
        world.hub.partition(["fay", "carol"], ["bob"])
        await until(lambda: _is_in(carol, user, channel), "carol knows that it was void", timeout_s=30)
        await fay.stop()
        world.hub.heal()
        await until(lambda: _has(bob, channel, "meanwhile"), "bob has it")
        assert _links(carol, user) == before, "it came over the link that they had"

    run_virtual(story())


def test_who_was_removed_hears_of_it_though_the_first_word_of_that_is_lost() -> None:
    async def story() -> None:
        world = SimulatedWorld(72)
        ann, bob = await world.add("ann", "bob")
        channel = await world.channel_of(ann, bob)
        user = await user_of(bob)
        gone = _lose_first(ann, 2, lambda frame: _brings(frame, channel))
        await ann.api.submit(RemoveMember(channel=channel, user=user))
        await until(lambda: _is_removed(bob, channel), "bob knows")
        assert len(gone) == 2

    run_virtual(story())


async def _is_removed(person: Person, channel: ChannelId) -> bool:
    return (await person.api.channel(channel)).rows.membership is Membership.REMOVED


async def _ranks(person: Person, of: Person, channel: ChannelId, rank: int) -> bool:
    return engine_of(person).world.channels[channel].view.rank(await user_of(of)) == rank


async def _is_in(person: Person, user: UserId, channel: ChannelId) -> bool:
    return user in engine_of(person).world.channels[channel].view.members


async def _is_out(person: Person, user: UserId, channel: ChannelId) -> bool:
    return not await _is_in(person, user, channel)


# Texts that come later


def test_a_text_that_was_asked_for_in_vain_is_given_when_it_has_come_after_all() -> None:
    async def story() -> None:
        world = SimulatedWorld(71)
        ann, bob, carol, dave = await world.add("ann", "bob", "carol", "dave")
        channel = await world.channel_of(carol, ann, bob, dave)
        readers = [await user_of(person) for person in (ann, bob)]
        await ann.stop()
        await bob.stop()
        record = await _whisper(dave, channel, "for you two", *readers)
        await until(lambda: _holds(carol, record), "carol has it")
        await dave.stop()
        await ann.start()
        await bob.start()
        # Carol brings them what is not for her: without its text.
        for person in (ann, bob):
            await until(lambda person=person: _holds(person, record), f"{person.name} has it")  # type: ignore[misc]
        await asyncio.sleep(3 * 3600)
        before = _links(ann, readers[1])
        assert before
        # Its author meets bob for a moment.
        world.hub.partition(["ann"], ["bob", "dave"])
        await dave.start()
        await until(lambda: _has(bob, channel, "for you two"), "bob has its text", timeout_s=30)
        await dave.stop()
        world.hub.heal()
        await until(lambda: _has(ann, channel, "for you two"), "ann has its text")
        assert _links(ann, readers[1]) == before, "it came over the link that they had"

    run_virtual(story())


async def _whisper(author: Person, channel: ChannelId, text: str, *readers: UserId) -> RecordId:
    accepted = await author.api.submit(SendMessage(channel=channel, text=text, recipients=readers))
    assert accepted.record is not None
    return accepted.record


async def _holds(person: Person, record: RecordId) -> bool:
    with person.store.inner.transaction() as txn:
        return txn.record(record) is not None


# Contacts who are made later


async def _fellows(world: SimulatedWorld) -> tuple[Person, Person]:
    """Two who know each other from a channel alone, linked; the first vouches for its founder."""
    ann, bob, carol = await world.add("ann", "bob", "carol")
    await world.pair(ann, carol)
    await world.channel_of(carol, ann, bob)
    await ann.api.submit(SetVouch(user=await user_of(carol), vouched=True))
    user = await user_of(bob)
    await until(lambda: _is_linked(ann, user), "they are linked")
    await visible(ann, bob)
    await ann.api.submit(MeetNearby(person=await code_of(bob)))
    return ann, bob


async def _is_linked(person: Person, user: UserId) -> bool:
    return bool(_links(person, user))


async def _meet(ann: Person, bob: Person) -> None:
    for person in (ann, bob):
        await answer(person, await reaches(person, ComparisonState.COMPARE))
    for person in (ann, bob):
        await reaches(person, ComparisonState.DONE)


def test_fellow_members_who_meet_give_each_other_over_the_link_they_have_what_contacts_get() -> None:
    async def story() -> None:
        world = SimulatedWorld(68)
        ann, bob = await _fellows(world)
        before = _links(ann, await user_of(bob))
        await _meet(ann, bob)
        for one, other in ((ann, bob), (bob, ann)):
            await until(lambda one=one, other=other: _knows_key(one, other), f"{one.name} has the return key")  # type: ignore[misc]
            await until(lambda one=one, other=other: _knows_route(one, other), f"{one.name} has a route")  # type: ignore[misc]
        name = (await user_of(ann), StatementKind.VOUCH)
        await until(lambda: _knows_statement(bob, name), "bob hears whom ann vouches for")
        assert _links(ann, await user_of(bob)) == before, "it came over the link that they had"

    run_virtual(story())


def test_what_somebody_says_to_a_contact_who_does_not_know_it_yet_is_asked_for_when_they_do() -> None:
    async def story() -> None:
        world = SimulatedWorld(69)
        ann, bob = await _fellows(world)
        # Ann hears late that bob has confirmed: by then he has told her, as a contact, by what ways he is written to.
        early = asyncio.get_running_loop().time() + 60
        for person in (ann, bob):
            row = await reaches(person, ComparisonState.COMPARE)
            await answer(person, row)
            if person is ann:
                await asyncio.sleep(1)
                _lose(bob, lambda f: type(f).__name__.startswith("Compare") and asyncio.get_running_loop().time() < early)
        await reaches(bob, ComparisonState.DONE)
        user = await user_of(bob)
        await until(lambda: _refused(ann), "ann has refused what bob says to contacts", timeout_s=40)
        assert user not in engine_of(ann).world.contacts
        await until(lambda: _knows_route(ann, bob), "ann has bob's route after all")

    run_virtual(story())


async def _refused(person: Person) -> bool:
    return engine_of(person).world.counters.get("device-statement-audience", 0) > 0


async def _knows_key(person: Person, of: Person) -> bool:
    return bool(engine_of(person).world.contacts[await user_of(of)].return_key)


async def _knows_route(person: Person, of: Person) -> bool:
    world = engine_of(person).world
    device = (await of.api.me()).rows.device
    return (device, DeviceStatementKind.ROUTE) in world.device_statements.get(Audience(world.identity.user), {})


async def _knows_statement(person: Person, name: tuple[UserId, int]) -> bool:
    return name in engine_of(person).world.statements


def test_a_return_key_that_was_lost_is_given_again() -> None:
    async def story() -> None:
        world = SimulatedWorld(70)
        ann, bob = await world.add("ann", "bob")
        gone = _lose_first(ann, 2, lambda frame: isinstance(frame, MessageFrame) and bool(frame.return_key))
        await world.pair(ann, bob)
        await until(lambda: _knows_key(bob, ann), "bob has it")
        assert len(gone) == 2
        contact = engine_of(ann).world.contacts[await user_of(bob)]
        assert contact.told

    run_virtual(story())
