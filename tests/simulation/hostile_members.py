"""Members who are not honest: whole nodes whose owners also send what they like over their links, signed with their own keys."""

import random

from builders import signed_record, whole
from simulated_world import Person

from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import Act, Message, SetTopic
from multichat_tui.model.codec import encode
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import (
    Ack,
    ChainTip,
    ChannelAck,
    ChannelOffer,
    Frame,
    FullItem,
    MessageFrame,
    Offer,
    Request,
)
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log, RecordId
from multichat_tui.model.receipts import HeldChain, receipt_body, receipt_signed_bytes
from multichat_tui.model.records import (
    Header,
    Kind,
    Record,
    body_hash,
    seal_body,
    size_bucket,
)
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

MAX_FLOOD = 300
"""Records and frames of one flood."""
MAX_HEARD = 64
"""Frames that are kept to be sent again."""
MAX_FORKS = 6
"""Branches of one forger stay far below what is taken as it comes: beyond that nobody promises that all hold the same."""


class Hostile:
    """One of them. `turn` does one hostile thing, if their node is running and linked; every kind is bounded."""

    def __init__(self, person: Person, kind: str, chance: random.Random) -> None:
        self.person = person
        self.kind = kind
        self._chance = chance
        self._forks = 0
        self._seen: list[bytes] = []

    def overhear(self, frame: bytes) -> None:
        """A frame that their node has sent or received, to be spoilt and sent again."""
        if len(self._seen) < MAX_HEARD:
            self._seen.append(frame)
        elif self._chance.random() < 0.05:
            self._seen[self._chance.randrange(MAX_HEARD)] = frame

    def turn(self, channel: ChannelId, mark: str) -> None:
        """`mark`: the beginning of every text in this channel."""
        world = self._world()
        if world is None or channel not in world.channels or not self._sessions(world, channel):
            return
        match self.kind:
            case "flood":
                self._flood(world, channel, mark)
            case "fork":
                self._fork(world, channel, mark)
            case "garbage":
                self._garbage(world, channel, mark)
            case "replay":
                self._replay(world, channel)
            case _:
                self._lie(world, channel)

    def _world(self) -> World | None:
        if not self.person.running:
            return None
        engine = self.person.api._engine
        return None if engine is None else engine.world

    def _sessions(self, world: World, channel: ChannelId) -> list[Session]:
        return [session for session in world.peers() if world.channels[channel].serves(session.device)]

    def _send(self, session: Session, frame: Frame | bytes) -> None:
        encoded = frame if isinstance(frame, bytes) else encode_frame(frame)
        self.person.network.send(session.link, encoded)

    def _tell(self, session: Session, channel: ChannelId, *records: Record) -> None:
        self._send(session, MessageFrame(channel=channel[:PREFIX_SIZE], items=whole(*records)))

    def _record(
        self, world: World, channel: ChannelId, act: Act, *, log: Log = Log.CONTENT, after: Record | None = None, **other: object
    ) -> Record:
        """On top of what their node holds, or of `after`; `other` replaces fields of the header."""
        mine = world.channels[channel]
        end = mine.chains.ends.get((log, world.identity.device[:PREFIX_SIZE]))
        heads = tuple(sorted(mine.chains.heads[log]))
        seq, prev = (0, None) if end is None else (end.seq + 1, end.id)
        if after is not None:
            seq, prev, heads = after.header.seq + 1, after.id, (after.id,)
        body = seal_body(encode_acts((act,)), self._chance.randbytes(32))
        fields: dict[str, object] = {
            "kind": Kind.CONTENT if log == Log.CONTENT else Kind.CONTROL,
            "channel": channel,
            "log": log,
            "device": world.identity.device,
            "seq": seq,
            "prev": prev,
            "parents": heads[:16],
            "control_heads": tuple(sorted(mine.chains.heads[Log.CONTROL]))[:16] if log == Log.CONTENT else (),
            "timestamp_ms": self.person.now_ms(),
            "ets": self.person.now_ms(),
            "body_hash": body_hash(body),
            "body_size_bucket": size_bucket(len(body)),
        }
        return signed_record(world.identity.signer, Header(**(fields | other)), body)

    def _flood(self, world: World, channel: ChannelId, mark: str) -> None:
        """Records that wait for what does not exist, offers, and requests for everything."""
        session = self._chance.choice(self._sessions(world, channel))
        orphans = [
            self._record(
                world,
                channel,
                Message(text=f"{mark} flood"),
                seq=10**6 + number,
                prev=RecordId(self._chance.randbytes(32)),
                parents=(RecordId(self._chance.randbytes(32)),),
            )
            for number in range(self._chance.randrange(MAX_FLOOD))
        ]
        for start in range(0, len(orphans), 100):
            self._tell(session, channel, *orphans[start : start + 100])
        for _ in range(self._chance.randrange(MAX_FLOOD)):
            self._send(session, Request(channel=channel[:PREFIX_SIZE], ids=(RecordId(self._chance.randbytes(32)),)))

    def _fork(self, world: World, channel: ChannelId, mark: str) -> None:
        """Different branches to different members; now and then of the control log."""
        sessions = self._sessions(world, channel)
        if self._forks >= MAX_FORKS or len(sessions) < 2:
            return
        self._forks += 1
        for name, session in zip(("one", "other"), self._chance.sample(sessions, 2), strict=True):
            if self._chance.random() < 0.3:
                topic = SetTopic(topic=f"{mark} {name} {self._forks}")
                self._tell(session, channel, self._record(world, channel, topic, log=Log.CONTROL))
                continue
            branch: list[Record] = []
            for number in range(self._chance.randrange(1, 4)):
                text = Message(text=f"{mark} {name} {self._forks}.{number}")
                branch.append(self._record(world, channel, text, after=branch[-1] if branch else None))
            self._tell(session, channel, *branch)

    def _garbage(self, world: World, channel: ChannelId, mark: str) -> None:
        """Bytes, spoilt frames, forged records."""
        session = self._chance.choice(self._sessions(world, channel))
        for _ in range(self._chance.randrange(1, 12)):
            kind = self._chance.randrange(4)
            if kind == 0:
                self._send(session, self._chance.randbytes(self._chance.randrange(1, 400)))
            elif kind == 1 and self._seen:
                spoilt = bytearray(self._chance.choice(self._seen))
                for _ in range(self._chance.randrange(1, 4)):
                    spoilt[self._chance.randrange(len(spoilt))] = self._chance.randrange(256)
                self._send(session, bytes(spoilt))
            elif kind == 2:
                forged = self._record(world, channel, Message(text=f"{mark} forged"))
                item = FullItem(header_bytes=forged.header_bytes, signature=self._chance.randbytes(64), body=forged.body)
                self._send(session, MessageFrame(channel=channel[:PREFIX_SIZE], items=(item,)))
            else:
                others = [end.device for end in world.channels[channel].chains.ends.values()]
                theirs = self._record(world, channel, Message(text=f"{mark} forged"), device=self._chance.choice(others))
                self._tell(session, channel, theirs)

    def _replay(self, world: World, channel: ChannelId) -> None:
        """Frames that were sent or received before, as they were: again, to others, in another order."""
        if not self._seen:
            return
        for session in self._sessions(world, channel):
            for _ in range(self._chance.randrange(1, 24)):
                self._send(session, self._chance.choice(self._seen))

    def _lie(self, world: World, channel: ChannelId) -> None:
        """Says to hold what does not exist, to lack what it holds, to be told what it was not, in others' names."""
        mine = world.channels[channel]
        session = self._chance.choice(self._sessions(world, channel))
        tips = tuple(
            ChainTip(
                device=end.device[:PREFIX_SIZE],
                log=key[0],
                seq=max(0, end.seq + self._chance.randrange(-3, 4)),
                hash=self._chance.choice((end.id[:PREFIX_SIZE], self._chance.randbytes(PREFIX_SIZE))),
            )
            for key, end in sorted(mine.chains.ends.items())
        )
        number = 10**6 + self._chance.randrange(10**6)
        match self._chance.randrange(5):
            case 0:
                self._send(session, Offer(number=number, channels=(ChannelOffer(channel=channel, tips=tips),)))
            case 1:
                self._send(session, Ack(channels=(ChannelAck(channel=channel[:PREFIX_SIZE], tips=tips),)))
            case 2 if session.version > 1:
                self._send(session, Offer(number=number, fingerprint=self._chance.randbytes(20)))
            case 3 if session.version > 1:
                self._send(session, Ack(offer=max(0, session.next_offer - 1), same=self._chance.randrange(8)))
            case _ if session.version > 1:
                self._send(session, Offer(number=number, receipts=(self._receipt(world, channel),)))
            case _:
                pass

    def _receipt(self, world: World, channel: ChannelId) -> bytes:
        """Somebody else's, or one's own of what does not exist."""
        ends = world.channels[channel].chains.ends
        device = self._chance.choice([world.identity.device, *(end.device for end in ends.values())])
        chains = tuple(
            HeldChain(device=end.device[:PREFIX_SIZE], seq=end.seq + 5, hash=self._chance.randbytes(PREFIX_SIZE))
            for key, end in sorted(ends.items())
            if key[0] is Log.CONTENT
        )
        body = receipt_body(channel=channel, device=device, number=10**6, chains=chains)
        return encode([body, world.identity.signer.sign(receipt_signed_bytes(body))])
