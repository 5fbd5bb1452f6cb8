"""Stories of edits, reactions, pins, polls and tasks between whole nodes: everybody comes to see the same, and those who receive
hold everybody to their rights."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.channel.resources import write
from multichat_tui.channel.resources.marks import PIN, REACT
from multichat_tui.channel.resources.message import EDIT
from multichat_tui.channel.resources.poll import VOTE
from multichat_tui.model.acts import Act, Message, UnknownAct
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import IntentRefused, NotFound
from multichat_tui.model.events import MessageAdded, MessageChanged
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId
from multichat_tui.model.intents import (
    ActOn,
    BanMember,
    ConfigureChannel,
    GiveRank,
    MakeResource,
    MarkRead,
    SendMessage,
    SetPermission,
    Together,
)
from multichat_tui.model.limits import MAX_DEVICE_REFERENCES
from multichat_tui.model.ranks import ADMIN, MODERATOR, MUTED, Permission
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.service import Outcome


async def user_of(person: Person) -> UserId:
    user: UserId = (await person.api.me()).rows.user
    return user


async def send(person: Person, channel: ChannelId, text: str) -> RecordId:
    record = (await person.api.submit(SendMessage(channel=channel, text=text))).record
    assert record is not None
    return record


async def act(person: Person, channel: ChannelId, record: RecordId, name: str, **fields: str) -> None:
    await person.api.submit(ActOn(channel=channel, record=record, act=name, fields=tuple(fields.items())))


async def make(person: Person, channel: ChannelId, kind: str, **fields: str) -> RecordId:
    record = (await person.api.submit(MakeResource(channel=channel, kind=kind, fields=tuple(fields.items())))).record
    assert record is not None
    return record


async def row(person: Person, record: RecordId) -> MessageRow:
    found: MessageRow | None = (await person.api.message(record)).rows
    assert found is not None
    return found


async def found(person: Person, *words: str) -> list[RecordId]:
    page = (await person.api.search(Search(phrases=tuple(Phrase(text=word) for word in words)))).rows
    return [each.row.id for each in page.rows]


def as_seen(rows: list[MessageRow]) -> list[tuple[object, ...]]:
    """Without what differs from one to the other."""
    return [
        (r.id, r.text, r.edited, r.pinned, [(e.emoji, e.count) for e in r.reactions], r.resource, [_unowned(s) for s in r.lines])
        for r in rows
        if r.kind is RowKind.MESSAGE
    ]


def _unowned(line: str) -> str:
    return line.replace(", yours", "").partition(" by ")[0]


async def agree(channel: ChannelId, *people: Person) -> list[MessageRow]:
    """Wait until nothing is on its way any more and all show the same; returns the first one's messages."""

    async def same() -> bool:
        seen = [await held(person, channel) for person in people]
        rows = [as_seen(await person.rows(channel)) for person in people]
        return all(each == seen[0] for each in seen) and all(each == rows[0] for each in rows)

    await until(same, "all agree")
    return [each for each in await people[0].rows(channel) if each.kind is RowKind.MESSAGE]


async def held(person: Person, channel: ChannelId) -> set[RecordId]:
    with person.store.inner.transaction() as txn:
        return {record.id for log in Log for _, record in txn.arrivals(channel, log, 0, 10_000)}


def push(person: Person, channel: ChannelId, *acts: Act, log: Log = Log.CONTENT) -> RecordId:
    """A record made by a node that asks nobody whether it may."""
    engine = person.api._engine
    assert engine is not None
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        record = engine._ledger.author(engine.world.channels[channel], log, acts)
        effects = engine.finish()
    person.api._let_out(Outcome(effects=effects))
    return record.id


async def three(seed: int) -> tuple[SimulatedWorld, Person, Person, Person, ChannelId]:
    world = SimulatedWorld(seed)
    ann, bob, kim = await world.add("ann", "bob", "kim")
    return world, ann, bob, kim, await world.channel_of(ann, bob, kim)


def test_an_edit_changes_the_row_in_its_place_and_what_it_is_found_by() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(401)
        first = await send(bob, channel, "the ship sails at nine")
        await send(bob, channel, "see you")
        await agree(channel, ann, bob, kim)
        await ann.api.submit(MarkRead(channel=channel, arrival=None))
        async with ann.api.events() as events:
            await act(bob, channel, first, "edit", text="the ferry sails at ten")
            changed = await asyncio.wait_for(_told(events), 60)
        assert (changed.id, changed.row.text, changed.row.edited) == (first, "the ferry sails at ten", True)
        rows = await agree(channel, ann, bob, kim)
        assert [(each.text, each.edited) for each in rows] == [("the ferry sails at ten", True), ("see you", False)]
        for person in (ann, bob, kim):
            assert await found(person, "ship") == []
            assert await found(person, "ferry") == [first]
            versions = (await person.api.delivery(first)).rows.versions
            assert [each.text for each in versions] == ["the ship sails at nine", "the ferry sails at ten"]
        assert (await ann.api.channel(channel)).rows.unread == 0

    run_virtual(story())


async def _told(events: object) -> MessageChanged:
    async for event in events:  # type: ignore[attr-defined]  # a stream
        assert not isinstance(event, MessageAdded)
        if isinstance(event, MessageChanged) and event.row is not None and event.row.edited:
            return event
    raise AssertionError


def test_of_edits_beside_each_other_the_last_in_display_order_stands_and_of_others_none() -> None:
    async def story() -> None:
        world, ann, bob, kim, channel = await three(402)
        await world.pair(ann, bob)
        second = await world.restore(bob, "bob2", revoke=False)
        await until(lambda: _is_in(second, channel), "bob's other device is in")
        mine = await send(bob, channel, "one")
        await until(lambda: _holds(second, channel, mine), "it is there")
        world.hub.partition({"ann", "bob"}, {"bob2", "kim"})
        await act(bob, channel, mine, "edit", text="two")
        await asyncio.sleep(5)
        await act(second, channel, mine, "edit", text="three")
        with pytest.raises(IntentRefused, match="Only who wrote"):
            await act(kim, channel, mine, "edit", text="kim was here")
        push(kim, channel, write(EDIT, {"text": "kim was here"}, (mine, 0)))
        world.hub.heal()
        rows = await agree(channel, ann, bob, kim, second)
        assert [each.text for each in rows if not each.resource] == ["three"]
        # Whoever has seen both replaces both, whatever their clock says.
        await act(bob, channel, mine, "edit", text="four")
        rows = await agree(channel, ann, bob, kim, second)
        assert [each.text for each in rows if not each.resource] == ["four"]

    run_virtual(story())


async def _is_in(person: Person, channel: ChannelId) -> bool:
    """And may write there."""
    try:
        await person.api.submit(MakeResource(channel=channel, kind="task", fields=(("title", "settle in"),)))
    except (IntentRefused, NotFound):
        return False
    return True


async def _holds(person: Person, channel: ChannelId, record: RecordId) -> bool:
    return record in await held(person, channel)


def test_reactions_are_counted_once_for_each_person_and_taken_back() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(403)
        said = await send(ann, channel, "shall we?")
        await agree(channel, ann, bob, kim)
        for person, emoji in ((ann, "👍"), (bob, "+1"), (kim, ":tada:"), (kim, "👍")):
            await act(person, channel, said, "react", emoji=emoji, on="yes")
        [seen] = await agree(channel, ann, bob, kim)
        assert [(each.emoji, each.count, each.mine) for each in seen.reactions] == [("👍", 3, True), ("🎉", 1, False)]
        with pytest.raises(IntentRefused, match="already"):
            await act(kim, channel, said, "react", emoji="👍", on="yes")
        with pytest.raises(IntentRefused, match="one emoji"):
            await act(kim, channel, said, "react", emoji="great", on="yes")
        await act(kim, channel, said, "react", emoji="👍", on="no")
        [seen] = await agree(channel, bob, ann, kim)
        assert [(each.emoji, each.count) for each in seen.reactions] == [("👍", 2), ("🎉", 1)]
        names = (await kim.api.delivery(said)).rows.reactions
        assert [(each.emoji, set(each.names)) for each in names] == [("👍", {"ann", "bob"}), ("🎉", {"kim"})]

    run_virtual(story())


async def pinned(channel: ChannelId, *people: Person) -> list[tuple[MessageRow, ...]]:
    return [(await person.api.pins(channel)).rows for person in people]


def test_pins_need_the_right_where_they_are_received() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(404)
        said = await send(bob, channel, "the rules")
        await agree(channel, ann, bob, kim)
        with pytest.raises(IntentRefused, match="pin messages"):
            await act(kim, channel, said, "pin", on="yes")
        push(kim, channel, write(PIN, {"on": True}, (said, 0)))
        await agree(channel, ann, bob, kim)
        assert await pinned(channel, ann, bob, kim) == [(), (), ()]
        await act(ann, channel, said, "pin", on="yes")
        await agree(channel, ann, bob, kim)
        for person in (ann, bob, kim):
            assert [(each.id, each.pinned) for each in (await person.api.pins(channel)).rows] == [(said, True)]
        push(kim, channel, write(PIN, {"on": False}, (said, 0)))
        await agree(channel, ann, bob, kim)
        assert len((await bob.api.pins(channel)).rows) == 1
        await act(ann, channel, said, "pin", on="no")
        await agree(channel, ann, bob, kim)
        assert await pinned(channel, ann, bob, kim) == [(), (), ()]

    run_virtual(story())


def test_what_a_muted_or_banned_member_did_beyond_the_fence_is_taken_off_again() -> None:
    async def story() -> None:
        world, ann, bob, kim, channel = await three(405)
        said = await send(ann, channel, "hello")
        await agree(channel, ann, bob, kim)
        mine = await send(kim, channel, "buy this")
        await agree(channel, ann, bob, kim)
        await act(kim, channel, said, "react", emoji="👍", on="yes")
        await agree(channel, ann, bob, kim)
        world.hub.partition({"ann"}, {"bob", "kim"})
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(kim), rank=MUTED))
        await act(kim, channel, said, "react", emoji="🎉", on="yes")
        await act(kim, channel, mine, "edit", text="buy it now")
        [one, two] = await agree(channel, bob, kim)
        assert ([each.emoji for each in one.reactions], two.text) == (["👍", "🎉"], "buy it now")
        world.hub.heal()

        async def gone() -> bool:
            first, second = await row(bob, said), await row(bob, mine)
            return [each.emoji for each in first.reactions] == ["👍"] and second.text == "buy this"

        await until(gone, "what was done after the muting is gone")
        await agree(channel, ann, bob, kim)
        assert await found(bob, "now") == []
        push(kim, channel, write(REACT, {"emoji": "🎉", "on": True}, (said, 0)))
        [one, _] = await agree(channel, ann, bob, kim)
        assert [each.emoji for each in one.reactions] == ["👍"]

    run_virtual(story())


def test_who_may_not_write_may_react_where_the_channel_allows_it() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(406)
        await ann.api.submit(SetPermission(channel=channel, permission=Permission.SEND, rank=MODERATOR))
        said = await send(ann, channel, "news")
        asked = await make(ann, channel, "poll", question="Good news?", options="yes | no")
        await agree(channel, ann, bob, kim)
        await act(kim, channel, said, "react", emoji="👍", on="yes")
        await act(kim, channel, asked, "vote", option="1")
        [one, two] = await agree(channel, ann, bob, kim)
        assert [each.count for each in one.reactions] == [1]
        assert two.lines == ("1. yes: 1 vote", "2. no: no votes")
        with pytest.raises(IntentRefused):
            await make(kim, channel, "poll", question="Mine?", options="yes | no")
        push(kim, channel, Message(text="but I want to"))
        assert len(await agree(channel, ann, bob, kim)) == 2

    run_virtual(story())


def test_a_poll_counts_one_vote_of_each_and_takes_no_nonsense() -> None:
    async def story() -> None:
        world, ann, bob, kim, channel = await three(407)
        poll = await make(ann, channel, "poll", question="When?", options="Friday | Saturday|Sunday")
        await agree(channel, ann, bob, kim)
        world.hub.partition({"ann"}, {"bob"}, {"kim"})
        await act(ann, channel, poll, "vote", option="2")
        await act(bob, channel, poll, "vote", option="2")
        await act(kim, channel, poll, "vote", option="3")
        await act(kim, channel, poll, "vote", option="1")
        world.hub.heal()
        [seen] = await agree(channel, ann, bob, kim)
        assert (seen.text, seen.resource) == ("When?", "poll")
        assert seen.lines == ("1. Friday: 1 vote", "2. Saturday: 2 votes, yours", "3. Sunday: no votes")
        with pytest.raises(IntentRefused, match="3 options"):
            await act(bob, channel, poll, "vote", option="4")
        with pytest.raises(IntentRefused, match="number from 1"):
            await act(bob, channel, poll, "vote", option="Friday")
        push(bob, channel, write(VOTE, {"option": 9}, (poll, 0)))
        push(bob, channel, UnknownAct(type=VOTE.number, fields={1: poll, 4: "first"}))
        push(bob, channel, UnknownAct(type=VOTE.number, fields={4: 0}))
        assert as_seen(await agree(channel, ann, bob, kim)) == as_seen([seen])
        await act(ann, channel, poll, "vote")
        [seen] = await agree(channel, ann, bob, kim)
        assert seen.lines[1] == "2. Saturday: 1 vote"
        with pytest.raises(IntentRefused, match="nothing to edit"):
            await act(ann, channel, poll, "edit", text="Where?")
        assert await found(kim, "saturday") == [poll]

    run_virtual(story())


def test_of_two_who_take_a_task_at_once_one_has_it_everywhere_and_ends_it() -> None:
    async def story() -> None:
        world, ann, bob, kim, channel = await three(408)
        task = await make(ann, channel, "task", title="wash the sails")
        await agree(channel, ann, bob, kim)
        world.hub.partition({"ann", "bob"}, {"kim"})
        await act(bob, channel, task, "change", to="taken")
        await asyncio.sleep(5)
        await act(kim, channel, task, "change", to="taken")
        await act(kim, channel, task, "change", to="done")
        assert (await row(kim, task)).lines == ("[x] done by you",)
        world.hub.heal()
        [seen] = await agree(channel, ann, bob, kim)
        assert seen.lines == ("[ ] taken by bob",)
        with pytest.raises(IntentRefused, match="Somebody else has taken it"):
            await act(kim, channel, task, "change", to="done")
        await act(bob, channel, task, "change", to="done")
        [seen] = await agree(channel, ann, bob, kim)
        assert seen.lines == ("[x] done by bob",)
        with pytest.raises(IntentRefused, match="done already"):
            await act(kim, channel, task, "change", to="taken")
        await act(ann, channel, task, "change", to="open")
        await agree(channel, ann, bob, kim)
        await act(kim, channel, task, "change", to="taken")
        [seen] = await agree(channel, ann, bob, kim)
        assert seen.lines == ("[ ] taken by kim",)

    run_virtual(story())


def test_what_is_done_together_with_a_void_act_has_no_effect_either() -> None:
    async def story() -> None:
        world, ann, bob, kim, channel = await three(409)
        said = await send(kim, channel, "hello")
        await agree(channel, ann, bob, kim)
        # In the content log: who may not pin does not write with it either.
        push(bob, channel, Message(text="pinned!"), write(PIN, {"on": True}, (said, 0)))
        await agree(channel, ann, bob, kim)
        assert [(each.text, each.pinned) for each in await agree(channel, ann, bob, kim)] == [("hello", False)]
        # In the control log: a ban that is countermanded takes the poll and the reaction with it.
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await until(lambda: _is(bob, channel, "moderator"), "bob is a moderator")
        world.hub.partition({"ann", "kim"}, {"bob"})
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(kim), rank=ADMIN))
        both = Together(
            channel=channel,
            intents=(
                BanMember(channel=channel, user=await user_of(kim)),
                MakeResource(channel=channel, kind="poll", fields=(("question", "Was that right?"), ("options", "yes|no"))),
                ActOn(channel=channel, record=said, act="react", fields=(("emoji", "👎"), ("on", "yes"))),
            ),
        )
        await bob.api.submit(both)
        [one, two] = [each for each in await bob.rows(channel) if each.kind is RowKind.MESSAGE]
        assert [each.emoji for each in one.reactions] == ["👎"]
        assert (two.text, two.deeds) == ("Was that right?", ("bob banned kim",))
        world.hub.heal()
        await until(lambda: _is(bob, channel, "moderator", "kim", "admin"), "the promotion stands")
        [seen] = await agree(channel, ann, bob, kim)
        assert (seen.text, seen.reactions) == ("hello", ())

    run_virtual(story())


async def _is(person: Person, channel: ChannelId, role: str, name: str = "bob", also: str = "") -> bool:
    rows = {each.name: each.role for each in (await person.api.members(channel)).rows}
    return rows.get(name) == (also or role)


def test_a_message_is_changed_from_one_device_as_often_as_others_look_at_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(410)
        (ann,) = await world.add("ann")
        channel = await world.channel_of(ann)
        said = await send(ann, channel, "0")
        for number in range(1, MAX_DEVICE_REFERENCES + 1):
            await act(ann, channel, said, "edit", text=str(number))
        with pytest.raises(IntentRefused, match="no more than"):
            await act(ann, channel, said, "edit", text="and on")
        push(ann, channel, write(EDIT, {"text": "and on"}, (said, 0)))
        assert (await row(ann, said)).text == str(MAX_DEVICE_REFERENCES)

    run_virtual(story())


def test_an_edit_of_a_message_to_some_is_for_them_alone() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(412)
        said = SendMessage(channel=channel, text="for bob", recipients=(await user_of(bob),))
        record = (await ann.api.submit(said)).record
        assert record is not None
        await until(lambda: _reads(bob, record, "for bob"), "bob reads it")
        await act(ann, channel, record, "edit", text="for bob, and nobody else")
        await act(bob, channel, record, "react", emoji="👍", on="yes")
        await until(lambda: _reads(bob, record, "for bob, and nobody else"), "bob reads what it says now")
        await until(lambda: _reacted(ann, record), "ann sees the reaction")

        async def told() -> bool:
            return len(await held(kim, channel)) == len(await held(ann, channel))

        await until(told, "kim holds the headers")
        assert all(each.kind is not RowKind.MESSAGE for each in await kim.rows(channel))
        with kim.store.inner.transaction() as txn:
            bodies = [body.body for _, body in txn.arrivals(channel, Log.CONTENT, 0, 99)]
        assert bodies == [None] * 3

    run_virtual(story())


async def _reads(person: Person, record: RecordId, text: str) -> bool:
    found = (await person.api.message(record)).rows
    return found is not None and found.text == text


async def _reacted(person: Person, record: RecordId) -> bool:
    return bool((await row(person, record)).reactions)


def test_an_edit_that_expires_before_its_message_leaves_what_was_said_first() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(413)
        said = await send(bob, channel, "nine o'clock")
        await agree(channel, ann, bob, kim)
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.RETENTION, value=3_600_000))
        await act(ann, channel, said, "pin", on="yes")

        async def ruled() -> bool:
            return any(each.key is SettingKey.RETENTION and each.value for each in (await bob.api.rules(channel)).rows.settings)

        await until(ruled, "bob knows how long this channel keeps anything")
        await act(bob, channel, said, "edit", text="ten o'clock")
        [seen] = await agree(channel, ann, bob, kim)
        assert (seen.text, seen.pinned) == ("ten o'clock", True)

        async def over() -> bool:
            seen = [await row(person, said) for person in (ann, bob, kim)]
            return [(each.text, each.edited, each.pinned) for each in seen] == [("nine o'clock", False, False)] * 3

        await asyncio.sleep(3_700)
        await until(over, "the edit is gone", timeout_s=10)
        for person in (ann, bob, kim):
            assert await found(person, "ten") == []
            assert await found(person, "nine") == [said]
            assert (await person.api.pins(channel)).rows == ()

    run_virtual(story())


def test_acts_on_another_channels_messages_change_nothing() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(411)
        world = ann.world
        other = await world.channel_of(kim, ann, name="other")
        said = await send(bob, channel, "hello")
        await agree(channel, ann, bob, kim)
        with pytest.raises(NotFound):
            await act(kim, other, said, "react", emoji="👍", on="yes")
        push(kim, other, write(REACT, {"emoji": "👍", "on": True}, (said, 0)))
        await agree(other, ann, kim)
        [seen] = await agree(channel, ann, bob, kim)
        assert seen.reactions == ()

    run_virtual(story())
