"""Well-formed frames that make no sense: whatever a peer, guest or host sends, no batch fails, and honest messages go on.

Frames are drawn from the ids, prefixes, places and records that exist in the world, so that they reach past the first lookups.
"""

import asyncio
import logging
import sys
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "simulation"))

from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.crypto.identity import sign_device_statement, sign_receipt
from multichat_tui.crypto.sas import commit
from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import (
    Act,
    Admit,
    CloseInvitation,
    Invite,
    Leave,
    Message,
    Remove,
    Rename,
    SetTopic,
    Tip,
    UnknownAct,
)
from multichat_tui.model.codec import encode
from multichat_tui.model.comparing import CompareConfirm, CompareEnd, CompareKey, CompareStart, ComparisonId, EndReason, Purpose
from multichat_tui.model.device_statements import Audience, DeviceStatementKind
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import (
    Ack,
    ChainRange,
    ChainTip,
    ChannelAck,
    ChannelOffer,
    DeviceStatementOffer,
    ElidedItem,
    Frame,
    FullItem,
    HeldIsland,
    Islands,
    Item,
    JoinAnswer,
    JoinFrame,
    JoinOutcome,
    MessageFrame,
    Offer,
    PairFrame,
    ReceiptOffer,
    Ref,
    Request,
    StatementOffer,
    Vector,
)
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, LinkId, Log, RecordId, UserId
from multichat_tui.model.intents import AcceptContact, InviteContact, InviteToChannel, JoinChannel, OpenDirect
from multichat_tui.model.limits import MAX_ETS, MAX_INTEGER, MAX_TIMESTAMP_MS
from multichat_tui.model.receipts import HeldChain
from multichat_tui.model.records import (
    Header,
    Kind,
    body_hash,
    encode_header,
    record_id,
    seal_body,
    signed_bytes,
    size_bucket,
)
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.world import World

ROUNDS = 12
FRAMES = 40


BASE_POINT = b"\x09" + bytes(31)
"""An X25519 key whose secret is known: 1."""


class Forger:
    """Draws frames from what exists in both worlds, signed with the sender's own keys."""

    def __init__(self, rng: Random, sender: World, receiver: World) -> None:
        self.rng = rng
        self.sender = sender
        self.joins: list[bytes] = []
        worlds = (sender, receiver)
        self.channels = [ChannelId(rng.randbytes(32)), *(c for world in worlds for c in world.channels)]
        ends = [end for world in worlds for channel in world.channels.values() for end in channel.chains.ends.values()]
        self.records = [RecordId(rng.randbytes(32)), *(end.id for end in ends)]
        for world in worlds:
            for channel in world.channels.values():
                for log in Log:
                    self.records += channel.chains.heads[log]
                if channel.rooted:
                    self.records += [channel.control.records_by_index(index) for index in range(len(channel.control))]
        self.devices = [DeviceId(rng.randbytes(32)), *(end.device for end in ends), sender.identity.device]
        self.users = [UserId(rng.randbytes(32)), *(world.identity.user for world in worlds)]
        self.keys = [rng.randbytes(32)]
        for world in worlds:
            for channel in world.channels.values():
                if channel.rooted:
                    self.keys += [state.invite.join_key for state in channel.view.invitations.values()]
                if channel.standing.joining is not None:
                    self.joins.append(channel.standing.joining.join)
            self.keys += [session.join_key for session in world.sessions.values() if session.join_key is not None]

    def some(self, most: int) -> range:
        return range(self.rng.choice((0, 1, 1, 2, most)))

    def number(self) -> int:
        return self.rng.choice((0, 0, 1, 1, 2, 3, 5, 8, 127, 2**31, MAX_INTEGER - 1, MAX_INTEGER))

    def log(self) -> Log:
        return self.rng.choice(tuple(Log))

    def channel(self) -> ChannelId:
        return self.rng.choice(self.channels)

    def prefix(self) -> bytes:
        return bytes(self.rng.choice(self.devices)[:PREFIX_SIZE])

    def ids(self, most: int) -> tuple[RecordId, ...]:
        return tuple(sorted({self.rng.choice(self.records) for _ in self.some(most)}))

    def tip(self) -> ChainTip:
        places = [
            (key, end)
            for channel in self.sender.channels.values()
            for key, end in channel.chains.ends.items()
            if self.rng.random() < 0.5
        ]
        if places and self.rng.random() < 0.5:
            key, end = self.rng.choice(places)
            return ChainTip(device=key[1], log=key[0], seq=end.seq, hash=end.id[:PREFIX_SIZE])
        return ChainTip(device=self.prefix(), log=self.log(), seq=self.number(), hash=self.rng.choice(self.records)[:PREFIX_SIZE])

    def tips(self) -> tuple[ChainTip, ...]:
        return tuple(self.tip() for _ in self.some(6))

    def statements(self) -> tuple[StatementOffer, ...]:
        return tuple(
            StatementOffer(user=self.rng.choice(self.users), kind=self.rng.choice((1, 1, 2, 255)), number=self.number())
            for _ in self.some(3)
        )

    def frame(self) -> Frame:
        make = self.rng.choice(
            (self.offer, self.request, self.request, self.message, self.message, self.message, self.ack, self.ack, self.other)
        )
        return make()

    def offer(self) -> Frame:
        channels = tuple(ChannelOffer(channel=self.channel(), tips=self.tips()) for _ in self.some(4))
        if self.rng.random() < 0.2:
            return Offer(number=self.number(), fingerprint=self.rng.randbytes(20))
        return Offer(
            number=self.number(),
            channels=channels,
            statements=self.statements(),
            vectors=tuple(self.vector() for _ in self.some(3)),
            receipts=tuple(self.receipt() for _ in self.some(3)),
            receipt_numbers=tuple(
                ReceiptOffer(channel=self.channel()[:PREFIX_SIZE], device=self.prefix(), number=self.number())
                for _ in self.some(3)
            ),
            device_statements=tuple(self.said() for _ in self.some(3)),
            device_numbers=tuple(
                DeviceStatementOffer(
                    audience=self.audience()[:PREFIX_SIZE],
                    device=self.prefix(),
                    kind=self.rng.choice((1, 2, 9)),
                    number=self.number(),
                )
                for _ in self.some(3)
            ),
        )

    def audience(self) -> Audience:
        return Audience(self.rng.choice((self.channel(), self.rng.choice(self.users))))

    def said(self) -> bytes:
        """By a device as it should be, or with something wrong."""
        identity = self.sender.identity
        device = self.rng.choice((identity.device, identity.device, self.rng.choice(self.devices)))
        kind = self.rng.choice(tuple(DeviceStatementKind))
        content = self.rng.choice((b"", encode({0: self.rng.randbytes(32), 1: [], 2: ["10.0.0.1:4000"]}), self.rng.randbytes(40)))
        said = sign_device_statement(identity.signer, device, self.audience(), kind, self.number(), content)
        return said.encoded[: self.rng.choice((10, 10**6, 10**6))]

    def vector(self) -> Vector:
        identifier = self.channel()
        known = self.sender.channels.get(identifier)
        tag = known.numbers.tag if known is not None and self.rng.random() < 0.8 else self.rng.randbytes(4)
        places = tuple((self.rng.randrange(12), tip.seq, tip.hash) for tip in self.tips())
        return Vector(channel=identifier[:PREFIX_SIZE], table=tag, places=places)

    def receipt(self) -> bytes:
        """Of a member as it should be, or with something wrong."""
        chains = tuple(HeldChain(device=tip.device, seq=tip.seq, hash=tip.hash) for tip in self.tips())
        identity = self.sender.identity
        device = self.rng.choice((identity.device, identity.device, self.rng.choice(self.devices)))
        receipt = sign_receipt(identity.signer, self.channel(), device, self.number(), chains)
        return receipt.encoded[: self.rng.choice((10, 10**6, 10**6))]

    def request(self) -> Frame:
        ranges = []
        for _ in self.some(6):
            first, last = sorted((self.number(), self.number()))
            ranges.append(ChainRange(device=self.prefix(), log=self.log(), first=first, last=last))
        return Request(
            channel=self.channel()[:PREFIX_SIZE],
            ranges=tuple(ranges),
            ids=self.ids(5),
            statements=tuple((self.rng.choice(self.users), 1) for _ in self.some(2)),
            full=self.rng.random() < 0.3,
            newest=self.rng.choice((0, 0, 1, 64, MAX_INTEGER)),
            device_statements=tuple((self.audience()[:PREFIX_SIZE], self.prefix(), 1) for _ in self.some(2)),
        )

    def ack(self) -> Frame:
        channels = tuple(ChannelAck(channel=self.channel()[:PREFIX_SIZE], tips=self.tips()) for _ in self.some(4))
        return Ack(channels=channels, offer=self.number() if self.rng.random() < 0.5 else None, statements=self.statements())

    def islands(self) -> Frame:
        """Of a chain that exists, or of none."""
        told = []
        for tip in self.tips():
            first = max(1, min(tip.seq, self.number()))
            told.append(HeldIsland(device=tip.device, first=first, last=max(first, tip.seq), hash=tip.hash))
        return Islands(channel=self.channel()[:PREFIX_SIZE], islands=tuple(told))

    def other(self) -> Frame:
        match self.rng.randrange(5):
            case 4:
                return self.islands()
            case 3:
                return self.compare()
            case 0:
                join = self.rng.choice(self.joins) if self.joins and self.rng.random() < 0.5 else self.rng.randbytes(200)
                return JoinFrame(join=join)
            case 1:
                return JoinAnswer(join_key=self.rng.choice(self.keys), outcome=self.rng.choice(tuple(JoinOutcome)))
            case _:
                identity = self.sender.identity
                return PairFrame(
                    invitation=self.rng.choice(self.keys),
                    devices=identity.devices.encoded if self.rng.random() < 0.7 else self.rng.randbytes(99),
                    profile=identity.profile.encoded if self.rng.random() < 0.7 else self.rng.randbytes(99),
                    share=self.rng.randbytes(32),
                    confirmed=self.rng.random() < 0.5,
                )

    def compare(self) -> Frame:
        """Of few comparisons, so that frames meet."""
        which = ComparisonId(bytes([self.rng.randrange(4)]) * 32)
        match self.rng.randrange(4):
            case 0:
                purpose = self.rng.choice(tuple(Purpose))
                meeting = {"name": "x", "nearby": bytes(16)} if purpose is Purpose.MEET else {}
                return CompareStart(comparison=which, purpose=purpose, commitment=commit(which, BASE_POINT), **meeting)
            case 1:
                public = self.rng.choice((BASE_POINT, bytes(32), self.rng.randbytes(32)))
                return CompareKey(comparison=which, public=public, name=self.rng.choice(("", "x", "\u202e")))
            case 2:
                return CompareConfirm(comparison=which, box=self.rng.randbytes(90), heard=self.rng.random() < 0.5)
            case _:
                return CompareEnd(comparison=which, reason=self.rng.choice(tuple(EndReason)))

    def message(self) -> Frame:
        channel = self.channel()
        devices = tuple(self.prefix() for _ in range(1 + self.rng.randrange(3)))
        items = tuple(self.item(channel, devices) for _ in range(1 + self.rng.randrange(4)))
        statements = (self.sender.identity.profile.encoded, self.rng.randbytes(60)) if self.rng.random() < 0.2 else ()
        said = tuple(self.said() for _ in self.some(2))
        return MessageFrame(
            channel=channel[:PREFIX_SIZE],
            devices=devices,
            items=items,
            statements=statements,
            following=self.rng.choice((None, None, None, 0, 2)),
            device_statements=said,
        )

    def item(self, channel: ChannelId, devices: tuple[bytes, ...]) -> Item:
        body = seal_body(self.content(), bytes(32))
        if self.rng.random() < 0.3:
            return self.elided(devices, body)
        header = self.header(channel, body)
        header_bytes = encode_header(header)
        signature = self.sender.identity.signer.sign(signed_bytes(record_id(header_bytes)))
        if self.rng.random() < 0.05:
            signature = bytes(64)
        return FullItem(header_bytes=header_bytes, signature=signature, body=None if self.rng.random() < 0.05 else body)

    def header(self, channel: ChannelId, body: bytes) -> Header:
        """Mostly one that would be delivered but for one or two fields."""
        held = self.sender.channels.get(channel)
        log = self.log()
        device = self.sender.identity.device
        end = None if held is None else held.chains.ends.get((log, device[:PREFIX_SIZE]))
        heads = () if held is None else tuple(sorted(held.chains.heads[log]))
        control = () if held is None or log == Log.CONTROL else tuple(sorted(held.chains.heads[Log.CONTROL]))
        odd = self.rng.randrange(12)
        kind: int = Kind.CONTROL if log == Log.CONTROL else Kind.CONTENT
        seq = 0 if end is None else end.seq + 1
        return Header(
            kind=self.rng.choice((Kind.MERGE, Kind.ROOT, Kind.CONTENT, Kind.CONTROL, 9)) if odd in (0, 1) else kind,
            channel=None if odd == 2 else channel,
            log=log,
            device=self.rng.choice(self.devices) if odd == 3 else device,
            seq=self.number() if odd == 4 else seq,
            prev=self.rng.choice(self.records) if odd == 5 else None if end is None else end.id,
            parents=self.ids(16) if odd in (6, 7) else heads,
            control_heads=self.ids(16) if odd in (8, 9) else control,
            timestamp_ms=self.rng.choice((0, 1, self.sender.now, MAX_TIMESTAMP_MS - 1)),
            ets=self.rng.choice((0, self.sender.now, 2**49, MAX_ETS - 1)),
            expires_ms=1 if odd == 10 else None,
            recipients=tuple(sorted(set(self.users))) if odd == 11 else None,
            body_hash=body_hash(body),
            body_size_bucket=size_bucket(len(body)),
        )

    def elided(self, devices: tuple[bytes, ...], body: bytes) -> Item:
        def refs() -> tuple[Ref, ...] | None:
            if self.rng.random() < 0.4:
                return None
            return tuple(Ref(device=self.rng.randrange(len(devices)), seq=self.number()) for _ in self.some(16))

        return ElidedItem(
            device=self.rng.randrange(len(devices)),
            log=self.log(),
            seq=self.number(),
            timestamp_ms=self.sender.now,
            check=self.rng.choice(self.records)[:PREFIX_SIZE],
            signature=bytes(64),
            body=body,
            parents=refs(),
            control_heads=refs(),
            ets=self.rng.choice((None, 0, MAX_ETS - 1)),
            kind=self.rng.choice((None, None, 1, 2, 3, 4, 255)),
            expires_ms=self.rng.choice((None, 5)),
            recipients=self.rng.choice((None, None, (), tuple(self.users))),
        )

    def content(self) -> bytes:
        if self.rng.random() < 0.1:
            return self.rng.choice((b"\xa0", b"\xa1\x00\x80", b"x"))
        tip = Tip(device=self.rng.choice(self.devices), log=self.log(), seq=self.number(), hash=bytes(32))
        acts: list[Act] = [
            Message(text="hm", reply_to=self.rng.choice((None, self.rng.choice(self.records)))),
            Message(text="\x1b[2J\u202e"),
            SetTopic(topic="t"),
            Rename(name="r"),
            Leave(),
            Admit(join=self.rng.choice((*self.joins, b"junk"))),
            Remove(user=self.rng.choice(self.users), fence=(tip,)),
            Invite(join_key=self.rng.choice(self.keys), token_key=bytes(32), rank=0, uses=2, expires_ms=MAX_TIMESTAMP_MS - 1),
            Invite(join_key=self.rng.randbytes(32), token_key=bytes(32), rank=50, uses=1024, expires_ms=0),
            CloseInvitation(invitation=self.rng.choice(self.records), index=self.rng.randrange(16)),
            UnknownAct(type=self.rng.choice((9, 63, 65, 2**16)), fields={1: [{}]}),
        ]
        first = self.rng.choice(acts)
        alone = isinstance(first, Leave | Admit)
        return encode_acts((first,) if alone or self.rng.random() < 0.7 else (first, Message(text="too"), SetTopic(topic="u")))


def world_of(person: Person) -> World:
    engine = person.api._engine
    assert engine is not None
    return engine.world


async def flood(rng: Random, sender: Person, receiver: Person, rounds: int) -> None:
    """Frames on whatever links the two have; a link that is cut for its faults comes back by itself."""
    for _ in range(rounds):
        forger = Forger(rng, world_of(sender), world_of(receiver))
        device = world_of(receiver).identity.device
        links: list[LinkId] = [link for link, session in world_of(sender).sessions.items() if session.device == device]
        for _ in range(FRAMES if links else 0):
            sender.network.send(rng.choice(links), encode_frame(forger.frame()))
        await asyncio.sleep(rng.choice((0.01, 0.5, 3)))


class Failures(logging.Handler):
    """Batches that failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


def watched(play: Any) -> None:
    log = logging.getLogger("multichat_tui.node.service")
    failures = Failures()
    log.addHandler(failures)
    try:
        run_virtual(play)
    finally:
        log.removeHandler(failures)
    assert not failures.seen, failures.seen[0]


async def honest_message(ann: Person, cid: Person, channel: ChannelId) -> None:
    await ann.say(channel, "all the same")

    async def arrived() -> bool:
        return "all the same" in await cid.texts(channel)

    await until(arrived, "an honest message between honest people")


seeds = st.integers(0, 2**32)


@given(seeds)
@settings(max_examples=12)
def test_no_frame_of_a_peer_fails_a_batch(seed: int) -> None:
    async def play() -> None:
        rng = Random(seed)
        world = SimulatedWorld(seed)
        ann, bob, cid = await world.add("ann", "bob", "cid")
        await world.pair(ann, bob)
        channel = await world.channel_of(ann, bob, cid)
        private = await world.channel_of(ann, cid, name="private")
        await ann.api.submit(OpenDirect(user=world_of(bob).identity.user))
        await ann.api.submit(InviteToChannel(channel=private, uses=3))
        for number in range(4):
            await (ann, bob)[number % 2].say(channel, str(number))
        await ann.say(private, "secret")
        await flood(rng, bob, ann, ROUNDS)
        await honest_message(ann, cid, private)

    watched(play())


@given(seeds, st.booleans())
@settings(max_examples=8)
def test_no_frame_of_a_guest_or_a_host_fails_a_batch(seed: int, pairing: bool) -> None:
    """One who came by a link of ours, or whose link we came by, and who says something else than is asked."""

    async def play() -> None:
        rng = Random(seed)
        world = SimulatedWorld(seed)
        ann, eve, cid = await world.add("ann", "eve", "cid")
        channel = await world.channel_of(ann, cid)
        private = await world.channel_of(ann, cid, name="private")
        engine = eve.api._engine
        assert engine is not None
        engine._introductions.opened = lambda session: None
        engine._introductions.pairing.on_pair = lambda session, frame: None
        engine._introductions.admissions.on_join = lambda session, frame: None
        # Eve's links first: her node writes nothing any more once it is shown what she has forged in its name.
        theirs = await world.channel_of(eve, name="lure")
        lure = (await eve.api.submit(InviteContact() if pairing else InviteToChannel(channel=theirs))).link
        for inviter, comer in ((ann, eve), (eve, ann)):
            if pairing:
                link = lure if inviter is eve else (await ann.api.submit(InviteContact())).link
                assert link is not None
                with suppress(IntentRefused):  # contacts already: what she said was taken
                    await comer.api.submit(AcceptContact(link=link))
            else:
                link = lure if inviter is eve else (await ann.api.submit(InviteToChannel(channel=channel))).link
                assert link is not None
                await comer.api.submit(JoinChannel(link=link))
            await asyncio.sleep(1)
            await flood(rng, eve, ann, ROUNDS // 2)
        # In a channel that Eve got into she may split the members (docs/threat-model.md, known limits): that is another story.
        await honest_message(ann, cid, private)

    watched(play())
