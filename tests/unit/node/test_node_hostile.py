"""A peer who is not honest: what it sends is refused and counted, it is told nothing, and nobody honest is hindered."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

import asyncio
from collections.abc import Awaitable, Callable

from builders import signed_record, whole
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.crypto.identity import sign_profile
from multichat_tui.crypto.keys import Signer
from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import Act, Message, SetTopic
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import (
    ChainRange,
    ChainTip,
    ChannelOffer,
    Frame,
    MessageFrame,
    Offer,
    Request,
)
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, LinkId, Log, RecordId
from multichat_tui.model.intents import AcceptContact, InviteContact
from multichat_tui.model.invitations import parse_link
from multichat_tui.model.limits import PARKED_RECORDS_PER_PEER
from multichat_tui.model.records import (
    Header,
    Kind,
    Record,
    body_hash,
    seal_body,
    size_bucket,
)
from multichat_tui.model.snapshots import RowKind
from multichat_tui.model.statements import Profile
from multichat_tui.model.trust import AlarmKind
from multichat_tui.net.virtual_time import run_virtual


class Mallory:
    """Writes records and frames by hand, with the keys and links of a person whose node runs beside."""

    def __init__(self, person: Person) -> None:
        self.person = person
        node = person.api
        assert node._engine is not None
        self.world = node._engine.world

    @property
    def link(self) -> LinkId:
        return next(iter(self.world.sessions))

    def send(self, frame: Frame | bytes) -> None:
        encoded = frame if isinstance(frame, bytes) else encode_frame(frame)
        self.person.network.send(self.link, encoded)

    def record(
        self,
        channel: ChannelId,
        acts: tuple[Act, ...],
        *,
        log: Log = Log.CONTENT,
        seq_ahead: int = 0,
        prev: RecordId | None = None,
        parents: tuple[RecordId, ...] | None = None,
        seed: bytes | None = None,
    ) -> Record:
        mine = self.world.channels[channel]
        end = mine.chains.ends.get((log, self.world.identity.device[:PREFIX_SIZE]))
        seq = (0 if end is None else end.seq + 1) + seq_ahead
        body = seal_body(encode_acts(acts), bytes(32))
        heads = tuple(sorted(mine.chains.heads[log]))
        header = Header(
            kind=Kind.CONTENT if log == Log.CONTENT else Kind.CONTROL,
            channel=channel,
            log=log,
            device=self.world.identity.device,
            seq=seq,
            prev=prev or (None if seq == 0 else end.id if end is not None else RecordId(bytes(32))),
            parents=heads if parents is None else parents,
            control_heads=tuple(sorted(mine.chains.heads[Log.CONTROL])) if log == Log.CONTENT else (),
            timestamp_ms=self.world.now,
            ets=self.world.now,
            body_hash=body_hash(body),
            body_size_bucket=size_bucket(len(body)),
        )
        return signed_record(self.world.identity.signer if seed is None else Signer(seed), header, body)

    def push(self, channel: ChannelId, *records: Record) -> None:
        self.send(MessageFrame(channel=channel[:PREFIX_SIZE], items=whole(*records)))


async def counters(person: Person) -> dict[str, int]:
    return dict((await person.api.status()).rows.counters)


async def setting(seed: int) -> tuple[SimulatedWorld, Person, Person, ChannelId]:
    world = SimulatedWorld(seed)
    ann, bob = await world.add("ann", "bob")
    await world.pair(ann, bob)
    return world, ann, bob, await world.channel_of(ann, bob)


def story(play: Callable[[], Awaitable[None]]) -> None:
    run_virtual(play())


def test_a_record_with_a_wrong_signature_is_refused_and_counted() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(1)
        mallory = Mallory(bob)
        mallory.push(channel, mallory.record(channel, (Message(text="forged"),), seed=b"x" * 32))
        await until(lambda: _counted(ann, "record-signature"), "counted")
        assert "forged" not in await ann.texts(channel)
        await bob.say(channel, "honest")
        await until(lambda: _has(ann, channel, "honest"), "the honest one arrives")

    story(play)


def test_a_record_waits_for_what_it_depends_on() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(2)
        mallory = Mallory(bob)
        first = mallory.record(channel, (Message(text="first"),))
        orphan = mallory.record(channel, (Message(text="orphan"),), parents=(RecordId(b"n" * 32),))
        mallory.push(channel, orphan)
        await asyncio.sleep(5)
        assert await ann.texts(channel) == []
        mallory.push(channel, first)
        await until(lambda: _has(ann, channel, "first"), "what depends on nothing arrives")
        assert "orphan" not in await ann.texts(channel)

    story(play)


def test_the_same_record_twice_is_shown_once() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(3)
        mallory = Mallory(bob)
        record = mallory.record(channel, (Message(text="once"),))
        mallory.push(channel, record, record)
        mallory.push(channel, record)
        await until(lambda: _has(ann, channel, "once"), "it arrives")
        await asyncio.sleep(5)
        assert await ann.texts(channel) == ["once"]
        assert len((await ann.api.peers()).rows) == 1
        await ann.say(channel, "still here")

    story(play)


def test_both_branches_of_a_chain_are_shown_and_warned_of() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(4)
        mallory = Mallory(bob)
        one, other = (mallory.record(channel, (Message(text=text),)) for text in ("one", "other"))
        mallory.push(channel, one)
        await until(lambda: _has(ann, channel, "one"), "the first branch")
        mallory.push(channel, other)
        await until(lambda: _has(ann, channel, "other"), "the second branch")
        assert "one" in await ann.texts(channel)
        assert [row.alarm for row in (await ann.api.contacts()).rows] == [AlarmKind.COPIED]

    story(play)


def test_a_control_act_in_the_content_log_is_refused() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(5)
        mallory = Mallory(bob)
        mallory.push(channel, mallory.record(channel, (SetTopic(topic="taken over"),)))
        await until(lambda: _counted(ann, "record-acts"), "counted")
        assert (await ann.api.channel(channel)).rows.topic == ""

    story(play)


def test_one_who_is_no_member_is_told_nothing_of_a_channel_and_takes_nothing() -> None:
    async def play() -> None:
        world, ann, _bob, channel = await setting(6)
        (eve,) = await world.add("eve")
        await world.pair(ann, eve)
        await ann.say(channel, "secret")
        seen: list[bytes] = []
        world.hub.on_frame = lambda sender, receiver, frame: seen.append(frame) if receiver.name == "eve" else None
        mallory = Mallory(eve)
        assert mallory.world.channels == {}
        engine = ann.api._engine
        assert engine is not None
        ends = engine.world.channels[channel].chains.ends
        ranges = tuple(ChainRange(device=key[1], log=key[0], first=0, last=end.seq) for key, end in ends.items())
        tips = tuple(ChainTip(device=key[1], log=key[0], seq=end.seq, hash=end.id[:PREFIX_SIZE]) for key, end in ends.items())
        mallory.send(Request(channel=channel[:PREFIX_SIZE], ranges=ranges))
        mallory.send(Request(channel=channel[:PREFIX_SIZE], ids=tuple(end.id for end in ends.values())))
        mallory.send(Offer(number=7, channels=(ChannelOffer(channel=channel, tips=tips),)))
        await asyncio.sleep(10)
        assert seen, "the offer itself is acknowledged"
        for frame in seen:
            assert channel not in frame
            assert channel[:PREFIX_SIZE] not in frame
            assert b"secret" not in frame

    story(play)


def test_a_guest_with_an_invitation_gets_nothing_but_its_answer() -> None:
    async def play() -> None:
        world, ann, _bob, channel = await setting(7)
        link = (await ann.api.submit(InviteContact())).link
        assert link is not None
        seen: list[bytes] = []
        (eve,) = await world.add("eve")
        world.hub.on_frame = lambda sender, receiver, frame: seen.append(frame) if receiver.name == "eve" else None
        mallory = Mallory(eve)
        invitation = parse_link(link)
        # Eve's node holds the link, but her engine is made to send offers and requests in place of her half of the pairing.
        engine = eve.api._engine
        assert engine is not None
        engine._introductions.opened = lambda session: None
        engine._introductions.tick = lambda: None
        assert invitation is not None
        await eve.api.submit(AcceptContact(link=link))

        async def linked() -> bool:
            return bool(mallory.world.sessions)

        await until(linked, "a link under the invitation")
        await asyncio.sleep(1)
        mallory.send(Offer(number=1, channels=(ChannelOffer(channel=channel, tips=()),)))
        mallory.send(Request(channel=channel[:PREFIX_SIZE], statements=(((await ann.api.me()).rows.user, 1),)))
        await until(lambda: _counted(ann, "frame-from-guest"), "counted")
        await asyncio.sleep(5)
        assert seen == []

    story(play)


def test_garbage_frames_are_counted_and_in_the_end_cut_the_link() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(8)
        mallory = Mallory(bob)
        before = mallory.link
        for number in range(40):
            mallory.send(b"\xff" * (number + 1))
        await until(lambda: _counted(ann, "frame-not-cbor"), "counted")

        async def cut() -> bool:
            return before not in mallory.world.sessions

        await until(cut, "the link is cut")
        await bob.say(channel, "after all")
        await until(lambda: _has(ann, channel, "after all"), "honest traffic goes on over a new link")

    story(play)


def test_records_that_nothing_leads_to_are_parked_within_bounds() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(9)
        mallory = Mallory(bob)
        for number in range(PARKED_RECORDS_PER_PEER + 300):
            mallory.push(channel, mallory.record(channel, (Message(text=str(number)),), seq_ahead=5 + number))
        await asyncio.sleep(5)
        engine = ann.api._engine
        assert engine is not None
        parked = [len(parking) for session in engine.world.sessions.values() for parking in session.parking.values()]
        assert 0 < sum(parked) <= PARKED_RECORDS_PER_PEER
        await ann.say(channel, "unimpressed")
        await until(lambda: _has(bob, channel, "unimpressed"), "the other direction works")

    story(play)


def test_a_name_from_a_device_that_is_not_the_users_is_not_believed() -> None:
    async def play() -> None:
        _world, ann, bob, _channel = await setting(10)
        mallory = Mallory(bob)
        user = (await ann.api.me()).rows.user
        forged = sign_profile(mallory.world.identity.secrets, user, 99, Profile(name="fool"))
        mallory.send(MessageFrame(channel=bytes(PREFIX_SIZE), statements=(forged.encoded,)))
        await until(lambda: _counted(ann, "statement-author"), "counted")
        assert (await ann.api.me()).rows.name == "ann"

    story(play)


def test_a_record_from_years_ahead_is_held_until_somebody_else_builds_on_it() -> None:
    async def play() -> None:
        world = SimulatedWorld(11)
        ann, bob, carl = await world.add("ann", "bob", "carl")
        await world.pair(ann, bob)
        await world.pair(ann, carl)
        channel = await world.channel_of(ann, bob, carl)
        bob.skew_ms = 3 * 365 * 24 * 3600 * 1000
        await bob.say(channel, "from the future")
        await bob.say(channel, "and more of it")

        async def kinds(person: Person, kind: RowKind) -> bool:
            found = [row.kind for row in await person.rows(channel) if row.text in ("from the future", "and more of it")]
            return found == [kind, kind]

        for person in (ann, carl):
            await until(lambda person=person: kinds(person, RowKind.HELD), "held, and to be read by who wants to")  # type: ignore[misc]
        await ann.stop()
        await ann.start()
        assert await kinds(ann, RowKind.HELD)
        await ann.say(channel, "here and now")
        for person in (ann, carl):
            await until(lambda person=person: kinds(person, RowKind.MESSAGE), "shown, as ann has built on it")  # type: ignore[misc]
            await until(lambda person=person: _has(person, channel, "here and now"), "and she shows")  # type: ignore[misc]
        await until(lambda: _has(bob, channel, "here and now"), "delivered all the same")
        await carl.stop()
        await carl.start()
        assert await kinds(carl, RowKind.MESSAGE)

    story(play)


async def _counted(person: Person, reason: str) -> bool:
    return (await counters(person)).get(reason, 0) > 0


async def _has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)
