"""Stories of members in bad faith: what they write by their own nodes, past every refusal, changes nothing that it should not."""

import asyncio
import random
from dataclasses import replace

import pytest
from builders import signed_record
from hostile_members import Hostile
from simulated_world import Person, SimulatedWorld, engine_of, until
from test_body_stories import withhold
from test_resource_stories import act, agree, held, make, push, row, send, three, user_of
from test_workspace_stories import acme, comes_in, shows
from test_workspace_stories import make as make_listed

from multichat_tui.channel.resources import write
from multichat_tui.channel.resources.marks import REACT
from multichat_tui.channel.resources.message import EDIT
from multichat_tui.channel.resources.poll import VOTE
from multichat_tui.model.acts import Act, Ban, Listing, Redact, Settlement
from multichat_tui.model.acts import SettleReport as SettleAct
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ChannelId, Log, RecordId
from multichat_tui.model.intents import (
    BanMember,
    ConfigureChannel,
    GiveRank,
    RedactMessages,
    SendMessage,
    SendReport,
    SettleReport,
)
from multichat_tui.model.limits import MAX_CONTENDERS, MAX_REACTION_KINDS, MAX_SETTLEMENTS
from multichat_tui.model.moderation import ReportState
from multichat_tui.model.ranks import ADMIN, MODERATOR
from multichat_tui.model.records import Record, body_hash, seal_body, size_bucket
from multichat_tui.model.snapshots import RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.listing import cause_of
from multichat_tui.node.materialising import FIRST_TURN_MS, TURN_MS, TURNS
from multichat_tui.node.resources import Resources
from multichat_tui.node.service import Outcome


def push_to(person: Person, channel: ChannelId, *acts: Act, to: tuple[Person, ...]) -> RecordId:
    """A record whose body some alone are given, made by a node that asks nobody whether it may."""
    engine = person.api._engine
    assert engine is not None
    recipients = tuple(sorted(each.api._engine.world.identity.user for each in to if each.api._engine is not None))
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        record = engine._ledger.author(engine.world.channels[channel], Log.CONTENT, acts, recipients=recipients)
        effects = engine.finish()
    person.api._let_out(Outcome(effects=effects))
    return record.id


def test_what_is_for_all_is_changed_by_what_all_can_read_alone() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(901)
        said = await send(bob, channel, "we meet at nine")
        poll = await make(ann, channel, "poll", question="Where?", options="inside | outside")
        await agree(channel, ann, bob, kim)
        push_to(bob, channel, write(EDIT, {"text": "we meet at ten"}, (said, 0)), to=(ann,))
        push_to(bob, channel, write(VOTE, {"option": 0, "choices": (0,)}, (poll, 0)), to=(ann,))
        hidden = await send(bob, channel, "we do not")
        await agree(channel, ann, bob, kim)
        push_to(bob, channel, Redact(targets=(hidden,)), to=(ann,))
        await send(bob, channel, "last")
        await agree(channel, ann, bob, kim)
        assert [(await row(each, hidden)).kind for each in (ann, bob, kim)] == [RowKind.MESSAGE] * 3
        assert [(await row(each, said)).text for each in (ann, bob, kim)] == ["we meet at nine"] * 3

    run_virtual(story())


def test_void_redactions_in_any_number_keep_nobody_from_taking_a_text_away() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(902)
        await send(kim, channel, "hello")
        await agree(channel, ann, bob, kim)
        engine = kim.api._engine
        assert engine is not None
        early = _last_of(kim, channel)
        abuse = await send(bob, channel, "something that has to go")
        await agree(channel, ann, bob, kim)
        hostile = Hostile(kim, "flood", random.Random(1))
        records = [early]
        for _ in range(80):
            after = records[-1]
            ets = after.header.ets + 1
            act = Redact(targets=(abuse,))
            records.append(hostile._record(engine.world, channel, act, after=after, ets=ets, timestamp_ms=ets))
        for session in hostile._sessions(engine.world, channel):
            hostile._tell(session, channel, *records[1:])
        await asyncio.sleep(30)
        assert (await row(ann, abuse)).kind is RowKind.MESSAGE
        await ann.api.submit(RedactMessages(channel=channel, targets=(abuse,)))
        await asyncio.sleep(30)
        assert [(await row(each, abuse)).kind for each in (ann, bob)] == [RowKind.REDACTED] * 2

    run_virtual(story())


def _last_of(person: Person, channel: ChannelId) -> Record:
    engine = person.api._engine
    assert engine is not None
    device = engine.world.identity.device
    with person.store.inner.transaction() as txn:
        found = [record for _, record in txn.arrivals(channel, Log.CONTENT, 0, 100) if record.header.device == device]
    return found[-1]


def test_a_mark_in_what_has_no_effect_keeps_no_ban_of_a_workspace_out_of_its_channels() -> None:
    async def story() -> None:
        world = SimulatedWorld(903)
        (ann, bob, kim), workspace = await acme(world, "ann", "bob", "kim")
        dev = await make_listed(ann, workspace, "dev")
        await comes_in(bob, workspace, "dev")
        await shows(ann, dev, {"ann": "founder", "bob": "member"})
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(kim), rank=MODERATOR))
        await shows(kim, workspace, {"ann": "founder", "bob": "member", "kim": "moderator"})
        banned = await user_of(bob)
        ban = (await kim.api.submit(BanMember(channel=workspace, user=banned))).record
        assert ban is not None

        async def heard() -> bool:
            return banned in engine_of(bob).world.channels[workspace].view.bans

        await until(heard, "bob's node knows of the ban")
        push(bob, dev, Ban(user=banned, fence=(), cause=cause_of(workspace, ban, banned)), log=Log.CONTROL)
        # Her node's turn to carry it comes after some minutes, whichever it is.
        await asyncio.sleep(FIRST_TURN_MS / 1000 + TURNS * TURN_MS / 1000)
        await shows(ann, dev, {"ann": "founder"})

    run_virtual(story())


def test_two_who_contradict_each_other_about_a_list_do_not_go_on_for_ever() -> None:
    async def story() -> None:
        world = SimulatedWorld(904)
        (ann, bob), workspace = await acme(world, "ann", "bob")
        dev = await make_listed(ann, workspace, "dev")
        await comes_in(bob, workspace, "dev")
        await ann.api.submit(GiveRank(channel=workspace, user=await user_of(bob), rank=ADMIN))
        await shows(bob, workspace, {"ann": "founder", "bob": "admin"})
        engine_of(bob)._introductions._materialising.tend = lambda: None
        for _ in range(150):
            _, listing = engine_of(bob).world.channels[workspace].view.directory[dev]
            if listing.name != "old":
                push(bob, workspace, replace(listing, name="old"), log=Log.CONTROL)
            await asyncio.sleep(60)
        control = engine_of(ann).world.channels[workspace].control
        by_ann = [o for o in control.in_order() if o.user == await user_of(ann) and isinstance(o.acts[0], Listing)]
        assert 2 <= len(by_ann) <= 4

    run_virtual(story())


def test_in_slow_mode_what_some_alone_can_read_is_a_message_for_everybody() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(905)
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.SLOW_MODE, value=30_000))
        whisper = (await ann.api.submit(SendMessage(channel=channel, text="psst", recipients=(await user_of(bob),)))).record
        assert whisper is not None
        await agree_on_whisper(ann, bob, kim, channel)
        await act(bob, channel, whisper, "react", emoji="+1", on="yes")
        with pytest.raises(IntentRefused, match="Slow mode"):
            await send(bob, channel, "hello everybody")
        await asyncio.sleep(31)
        said = await send(bob, channel, "hello everybody")
        await asyncio.sleep(5)
        assert [(await row(each, said)).text for each in (ann, bob, kim)] == ["hello everybody"] * 3

    run_virtual(story())


def test_a_text_for_some_that_nobody_can_read_holds_up_nothing_for_them() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(906)
        await send(kim, channel, "hello")
        await agree(channel, ann, bob, kim)
        hostile, world = Hostile(kim, "flood", random.Random(2)), engine_of(kim).world
        body = seal_body(b"\xff\xff", bytes(32))
        mine = hostile._record(world, channel, Redact(targets=(RecordId(bytes(32)),)))
        fields = {"recipients": (await user_of(bob),), "body_hash": body_hash(body), "body_size_bucket": size_bucket(len(body))}
        record = signed_record(world.identity.signer, replace(mine.header, **fields), body)  # type: ignore[arg-type]  # by name
        for session in hostile._sessions(world, channel):
            hostile._tell(session, channel, record if session.user == await user_of(bob) else replace(record, body=None))
        await asyncio.sleep(5)
        assert record.id in await held(ann, channel)
        after = await send(ann, channel, "after it")
        await asyncio.sleep(60)
        assert after in await held(bob, channel)
        assert (await row(bob, after)).text == "after it"

    run_virtual(story())


def test_who_is_reported_crowds_out_nobody_who_settles_that() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(907)
        moderator = await user_of(bob)
        await ann.api.submit(GiveRank(channel=channel, user=moderator, rank=MODERATOR))
        await agree(channel, ann, bob, kim)
        report = (await kim.api.submit(SendReport(channel=channel, user=moderator, reason="shouts"))).record
        assert report is not None
        await agree_on_whisper(ann, bob, kim, channel)
        for _ in range(MAX_SETTLEMENTS + 1):
            push(bob, channel, SettleAct(report=report, outcome=Settlement.DISMISSED))
        await agree_on_whisper(ann, bob, kim, channel)
        await ann.api.submit(SettleReport(channel=channel, report=report, acted=True, reason=""))
        await asyncio.sleep(5)
        for person in (ann, kim):
            assert [each.state for each in (await person.api.reports(channel)).rows] == [ReportState.ACTED]

    run_virtual(story())


def test_of_one_persons_reactions_to_a_message_so_many_are_looked_at() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(908)
        said = await send(ann, channel, "well")
        await agree(channel, ann, bob, kim)
        emoji = [chr(0x1F600 + number) for number in range(64)]
        for start in range(0, 1024, 16):
            flood = [write(REACT, {"emoji": emoji[(start + n) % 64], "on": start < 512}, (said, 0)) for n in range(16)]
            push(bob, channel, *flood)
        await act(kim, channel, said, "react", emoji="+1", on="yes")
        await agree(channel, ann, bob, kim)
        found = [(each.emoji, each.count) for each in (await row(ann, said)).reactions]
        # What he took back lies beyond what is looked at.
        assert len(found) == MAX_REACTION_KINDS
        world, store = engine_of(ann).world, ann.store
        with store.transaction() as txn:
            engine_of(ann).begin(txn, ann.now_ms())
            here, record = world.channels[channel], txn.record(said)
            resources = Resources(world)
            ((_, kind, made),) = resources.made(here, record, acts_of(record))
            deeds = [each for shape in kind.acts for each in resources._deeds(here, made, shape)]
            engine_of(ann).finish()
        assert MAX_CONTENDERS < len(deeds) <= MAX_CONTENDERS + 16

    run_virtual(story())


def test_a_redaction_that_a_peer_withholds_is_asked_for_where_messages_disappear() -> None:
    async def story() -> None:
        _, ann, bob, kim, channel = await three(909)
        abuse = await send(bob, channel, "abuse")
        await agree(channel, ann, bob, kim)
        await kim.stop()
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.RETENTION, value=10_000))
        await ann.api.submit(RedactMessages(channel=channel, targets=(abuse,)))
        await asyncio.sleep(60)
        assert (await row(bob, abuse)).kind is RowKind.REDACTED
        await ann.stop()
        withhold(bob)
        await kim.start()
        await asyncio.sleep(60)
        assert (await row(kim, abuse)).kind is RowKind.MESSAGE
        await ann.start()
        await asyncio.sleep(60)
        assert (await row(kim, abuse)).kind is RowKind.REDACTED

    run_virtual(story())


async def agree_on_whisper(ann: Person, bob: Person, kim: Person, channel: ChannelId) -> None:
    async def same() -> bool:
        return await held(ann, channel) == await held(bob, channel) == await held(kim, channel)

    await until(same, "all hold the same")
