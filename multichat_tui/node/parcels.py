"""Parcels made and taken: synchronisation with devices that there is no link to.

What comes in a parcel is believed as from a link, as the device that has made it is proven by who could seal it. What it is owed
(acknowledgements, what it asked for, what is asked of it) goes with the next parcel to it. docs/protocol/deposits.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import TypeAlias, TypeGuard

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.codec import Rejected
from multichat_tui.model.device_statements import Audience, DeviceStatement, StatementName
from multichat_tui.model.frame_bytes import decode_frame
from multichat_tui.model.frames import Ack, ChainRange, DeviceStatementOffer, ElidedItem, Islands, MessageFrame, Request, Withheld
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, ChannelId, DeviceId, LinkId, RecordId
from multichat_tui.model.limits import (
    CARRIED_FAULTS,
    CARRIED_GAP_MS,
    KEPT_PARCEL_MS,
    MAX_CARRIED_GAP_MS,
    MAX_CONTENTS_BYTES,
    MAX_CONTENTS_FRAMES,
    MAX_REQUEST_IDS,
    MAX_REQUEST_RANGES,
    REPLY_DELAY_MS,
)
from multichat_tui.model.parcels import Cover, Parcel, decode_contents, encode_contents
from multichat_tui.model.ports import LinkPath, Space
from multichat_tui.model.records import decode_header
from multichat_tui.model.values import dataclass
from multichat_tui.node.deposits import Deposit
from multichat_tui.node.holdings import shares
from multichat_tui.node.kept_parcels import KeptFrame, KeptParcels
from multichat_tui.node.packing import Covering, Packing, Served, Told, by_nobody
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Role, Session

CarriedFrame: TypeAlias = MessageFrame | Ack | Request | Islands | Withheld
"""What has its place in a parcel."""
CARRIED_VERSION = 5
"""Of the link protocol: who reads parcels knows all of it."""


@dataclass(slots=True, kw_only=True)
class Noted:
    """What is noted of a device beside its session; nothing of it is stored."""

    reply_at: int | None = None
    """When what it is owed is due."""
    ask_at: int | None = None
    """When what is lacking is asked for, if it is still lacking."""
    asked: int = 0
    """How often it was, since something last came."""
    strange: bool = False
    """Something kept is of a channel that is not known here yet."""
    routes: bool = False
    """It is to be told by what ways we are written to, as what it has written could not be opened."""
    told: Told = field(default_factory=Told)


class Parcels:
    def __init__(self, world: World, packing: Packing) -> None:
        self._world = world
        self._packing = packing
        self._kept = KeptParcels(world)
        self._notes: dict[DeviceId, Noted] = {}
        self._next_link = -1
        self._channels_known = 0
        self.on_frame: Callable[[Session, CarriedFrame], bool] = lambda session, frame: True
        """Set by the engine. False: it is of a channel that is not known yet."""

    def load(self) -> None:
        """What is stored: parcels that wait are taken again with the first batch, and what was owed is owed."""
        world = self._world
        self._kept.load()
        self._channels_known = len(world.channels)
        for key, value in world.txn.scan(Space.REPLY):
            session = self.session(DeviceId(key))
            if session is None:
                world.txn.delete(Space.REPLY, key)
                continue
            for start in range(0, len(value), ID_SIZE):
                channel = world.channels.get(ChannelId(value[start : start + ID_SIZE]))
                if channel is not None and shares(channel, session):
                    session.ack_due[channel.id] = self._packing.named(channel, session)

    # Who

    def session(self, device: DeviceId) -> Session | None:
        """The state of synchronisation with a device by parcels. None: it is not one that we may be linked with."""
        world = self._world
        certificate = world.certificate_of(device)
        if certificate is None:
            world.carried.pop(device, None)
            return None
        user = certificate.user
        session = world.carried.get(device)
        if session is not None and session.user == user:
            return session
        session = Session(
            link=LinkId(self._next_link),
            device=device,
            user=user,
            role=Role.PEER,
            dialled=False,
            path=LinkPath.DIRECT,
            address="",
            join_key=None,
            certificate=None,
            version=CARRIED_VERSION,
            carried=True,
            began_at=world.now,
        )
        self._next_link -= 1
        world.carried[device] = session
        return session

    def _note(self, device: DeviceId) -> Noted:
        return self._notes.setdefault(device, Noted())

    # Taken

    def take(self, device: DeviceId, contents: bytes) -> bool:
        """The contents of a parcel that this device has made. False if they are none, or nothing is taken from it. What waits in
        them for what is not here is kept."""
        world = self._world
        frames = decode_contents(contents)
        if isinstance(frames, Rejected):
            world.count(f"parcel-{frames.reason.value}")
            return False
        session = self.session(device)
        if session is None:
            world.count("parcel-from-stranger")
            return False
        world.hear(device)
        strange = self._hear(session, frames)
        if device in world.carried and (strange or _waits(session)):
            self._kept.add(device, self._waiting(session, frames))
        note = self._note(device)
        note.ask_at, note.asked = None, 0
        return True

    def _waiting(self, session: Session, frames: Iterable[bytes]) -> Iterator[KeptFrame]:
        """Those of a parcel that may still bring something: of channels where something waits, or that are not known yet."""
        for encoded in frames:
            frame = decode_frame(encoded)
            if not isinstance(frame, MessageFrame | Withheld | Islands):
                continue
            channel = self._world.by_prefix.get(frame.channel)
            parking = None if channel is None else session.parking.get(channel.id)
            if (channel is None and frame.channel != bytes(PREFIX_SIZE)) or (parking is not None and len(parking)):
                yield KeptFrame(until_ms=self._until_ms(channel, frame), channel=frame.channel, frame=encoded)

    def _until_ms(self, channel: Channel | None, frame: MessageFrame | Withheld | Islands) -> int:
        """Until when a frame may be kept: the first text in it that is to go ends that."""
        ends = [self._world.now + KEPT_PARCEL_MS]
        keeps = 0 if channel is None or not channel.rooted else channel.view.setting(SettingKey.RETENTION)
        ends += [self._world.now + keeps] if keeps else []
        for item in frame.items if isinstance(frame, MessageFrame) else ():
            if isinstance(item, ElidedItem):
                ends += [] if item.expires_ms is None else [item.expires_ms]
            else:
                header = decode_header(item.header_bytes)
                ends += [] if isinstance(header, Rejected) or header.expires_ms is None else [header.expires_ms]
        return min(ends)

    def _hear(self, session: Session, frames: Iterable[bytes]) -> bool:
        """Whether something is of a channel that is not known yet."""
        world = self._world
        strange = False
        for encoded in frames:
            frame = decode_frame(encoded)
            if isinstance(frame, Rejected):
                world.count(f"frame-{frame.reason.value}")
                session.faults += 1
            elif not _belongs(frame):
                world.count("parcel-frame")
                session.faults += 1
            elif not self.on_frame(session, frame):
                strange = True
        if session.closing or session.faults > CARRIED_FAULTS:
            self._drop(session)
            return False
        note = self._note(session.device)
        note.strange = note.strange or strange
        return strange

    def _drop(self, session: Session) -> None:
        """So much of what it says is wrong that nothing of it is looked at twice."""
        for parking in session.parking.values():
            parking.clear()
        self._kept.forget(session.device)
        self._world.carried.pop(session.device, None)
        self._notes.pop(session.device, None)

    # The end of a batch, and time

    def tick(self) -> None:
        """What waited is taken again where that may help, and let go where nothing waits any more."""
        world = self._world
        for device in self._kept.to_take():
            self._take_again(device)
        grown = len(world.channels) > self._channels_known
        self._channels_known = len(world.channels)
        for device, session in list(world.carried.items()):
            note = self._note(device)
            if note.strange and grown:
                note.strange = False
                self._take_again(device)
            if device in world.carried:
                self._look(session, note)
        self._let_go()

    def _let_go(self) -> None:
        """Of what is kept: what is to be gone by now, what is of a channel in which something was taken away, which may concern
        it, and what is of somebody who may say nothing there any more."""
        world = self._world
        redacting, world.redacting = world.redacting, set()
        for identifier in redacting:
            self._kept.forget_channel(identifier[:PREFIX_SIZE])
        next_at = self._kept.next_expiry()
        if next_at is not None and next_at <= world.now:
            self._kept.expire()
        if world.audiences_changed:
            for device, prefixes in self._kept.channels().items():
                for prefix in prefixes:
                    channel = world.by_prefix.get(prefix)
                    if channel is not None and channel.rooted and not (channel.hears and channel.serves(device)):
                        self._kept.forget_channel(prefix, device)

    def _take_again(self, device: DeviceId) -> None:
        session = self.session(device)
        if session is None:
            self._kept.forget(device)
            return
        self._hear(session, self._kept.of(device))

    def _look(self, session: Session, note: Noted) -> None:
        world, device = self._world, session.device
        if not _waits(session) and not note.strange:
            self._kept.forget(device)
        lacks = _waits(session) or self._is_behind(session)
        if not lacks:
            note.ask_at, note.asked = None, 0
        elif note.ask_at is None:
            note.ask_at = world.now + min(MAX_CARRIED_GAP_MS, CARRIED_GAP_MS << min(note.asked, 16))
        owed = any(session.ack_due.values()) or bool(session.gathered)
        if not owed:
            note.reply_at = None
        elif note.reply_at is None:
            note.reply_at = world.now + REPLY_DELAY_MS
        self._store_owed(session)
        if not (owed or lacks or note.strange or session.branches):
            # All there is to know of it is stored, or is learned again.
            del world.carried[device]

    def _store_owed(self, session: Session) -> None:
        txn = self._world.txn
        owed = b"".join(sorted(identifier for identifier, keys in session.ack_due.items() if keys))
        before = txn.get(Space.REPLY, session.device) or b""
        if owed and owed != before:
            txn.put(Space.REPLY, session.device, owed)
        elif before and not owed:
            txn.delete(Space.REPLY, session.device)

    def _is_behind(self, session: Session) -> bool:
        """Whether it says that it holds what is not here."""
        for identifier, offered in session.offered.items():
            channel = self._world.channels.get(identifier)
            for key, seq in list(offered.items()):
                if channel is None or channel.chains.holds(key, seq) or not channel.hears:
                    del offered[key]
        return any(session.offered.values())

    def due(self) -> list[DeviceId]:
        """Devices to which something is to be said now: an answer, or a question."""
        now, carried = self._world.now, self._world.carried
        times = {device: (note.reply_at, note.ask_at) for device, note in self._notes.items() if device in carried}
        return [device for device, ats in times.items() if any(at is not None and at <= now for at in ats)]

    def hurry(self) -> None:
        """The node ends: what is owed waits for no company."""
        for note in self._notes.values():
            note.reply_at = None if note.reply_at is None else self._world.now

    def owe(self, device: DeviceId) -> None:
        """Something of a device could not be opened: it is told how far we hold what we share, and so what we lack; and our
        routes, as it may have used keys that are gone."""
        session = self.session(device)
        if session is not None:
            self._note(device).routes = True
        for channel in () if session is None else self._world.channels.values():
            assert session is not None
            if channel.live and shares(channel, session):
                session.ack_due.setdefault(channel.id, set()).update(self._packing.named(channel, session))

    def heard(self, device: DeviceId, taken: tuple[DeviceStatementOffer, ...]) -> None:
        """A device says in a parcel which statements of ours it has: these are not told again. What was told over a link does not
        count: it may have been lost there with the device's memory."""
        told = self._note(device).told.device_statements
        said = [name for said in self._world.device_statements.items() for name in self._ours(*said)]
        for entry in taken:
            for name in said:
                if name[0][:PREFIX_SIZE] == entry.audience and name[2] == entry.kind:
                    told[name] = max(entry.number, told.get(name, -1))

    def _ours(self, audience: Audience, said: Mapping[tuple[DeviceId, int], DeviceStatement]) -> list[StatementName]:
        return [(audience, device, kind) for device, kind in said if device == self._world.identity.device]

    def settle(self, device: DeviceId) -> None:
        """A link has come: over it both have said what they hold, so that nothing is owed any more."""
        session = self._world.carried.get(device)
        if session is not None:
            session.ack_due.clear()
            session.gathered.clear()
            self._note(device).reply_at = self._note(device).ask_at = None
            self._store_owed(session)

    def wake_times(self) -> list[int]:
        now = self._world.now
        times = [at for note in self._notes.values() for at in (note.reply_at, note.ask_at)]
        return [at for at in (*times, self._kept.next_expiry()) if at is not None and at > now]

    # Made

    def contents_for(
        self,
        device: DeviceId,
        limit: int = MAX_CONTENTS_BYTES,
        covered: Iterable[Cover] = (),
        served: Served = by_nobody,
        *,
        routes: bool = False,
    ) -> Parcel | None:
        """What is to be said to a device now, within `limit` bytes: what it is owed; then of the channels that are shared every
        record that it may have, is not known to hold, and that neither `covered` nor `served` says is on its way: the control log
        first, ancestors before what stands on them. None if there is nothing. `routes`: where our mailboxes are is reason enough.

        What it was owed is not owed any more: the caller stores the parcel in the same transaction, or another one is made when
        what it brings is not acknowledged."""
        session = self.session(device)
        if session is None:
            return None
        note = self._note(device)
        if note.ask_at is not None and note.ask_at <= self._world.now:
            self._ask(session, note)
        answers, session.gathered = session.gathered, []
        while sum(map(len, answers)) > limit // 2 or len(answers) > MAX_CONTENTS_FRAMES // 4:
            # What does not fit is asked for again.
            answers.pop()
        room = limit - sum(len(answer) + 8 for answer in answers) - limit // 8
        routes, note.routes = routes or note.routes, False
        covers = self._packing.pack(session, room, Covering(covered), served)
        self._packing.acknowledge(session, covers, limit // 16)
        self._packing.tell(session, note.told, covers, routes=routes)
        frames, session.gathered = answers + session.gathered, []
        note.reply_at = None
        self._store_owed(session)
        if not frames:
            return None
        said = tuple((each.name, each.number) for each in self._packing.said) if len(frames) <= MAX_CONTENTS_FRAMES else ()
        contents = encode_contents(frames[:MAX_CONTENTS_FRAMES])
        while len(contents) > limit and len(frames) > 1:
            # Acknowledgements and statements stand last, and are repeated.
            frames.pop()
            said = ()
            contents = encode_contents(frames[:MAX_CONTENTS_FRAMES])
        parcel = Parcel(contents=contents, covers=tuple(covers), expires_ms=self._packing.expires_ms, statements=said)
        return parcel if len(contents) <= limit else None

    def lies(self, parcel: Parcel, row: Deposit) -> None:
        """A parcel has become this deposit: what it tells is not told again while that is under way."""
        self._note(row.device).told.lying.update((name, (number, row.serial)) for name, number in parcel.statements)

    def _ask(self, session: Session, note: Noted) -> None:
        """For what is lacking, unless a link is about to bring it."""
        world = self._world
        note.asked += 1
        note.ask_at = world.now + min(MAX_CARRIED_GAP_MS, CARRIED_GAP_MS << min(note.asked, 16))
        for identifier in sorted(session.parking.keys() | session.offered.keys()):
            channel = world.channels.get(identifier)
            if channel is None or not channel.hears:
                continue
            last = {key: seq for key, seq in session.offered.get(identifier, {}).items() if key not in channel.wants}
            ids: list[RecordId] = []
            parking = session.parking.get(identifier)
            for awaited in () if parking is None else parking.awaited():
                if isinstance(awaited, bytes):
                    ids.append(awaited)
                elif awaited[:2] not in channel.wants:
                    last[awaited[:2]] = max(awaited[2], last.get(awaited[:2], -1))
            self._request(session, channel, last, ids)

    def _request(self, session: Session, channel: Channel, last: dict[ChainKey, int], ids: list[RecordId]) -> None:
        held = channel.chains.held
        ranges = tuple(
            ChainRange(device=key[1], log=key[0], first=held(key) + 1, last=seq)
            for key, seq in sorted(last.items())
            if seq > held(key)
        )[:MAX_REQUEST_RANGES]
        prefix = channel.id[:PREFIX_SIZE]
        if ranges:
            self._world.send(session, Request(channel=prefix, ranges=ranges))
        if ids:
            # With the chains that lead to them.
            self._world.send(session, Request(channel=prefix, ids=tuple(sorted(ids)[:MAX_REQUEST_IDS]), full=True))


def _waits(session: Session) -> bool:
    return any(len(parking) for parking in session.parking.values())


def _belongs(frame: object) -> TypeGuard[CarriedFrame]:
    """Whether a frame has its place in a parcel: no conversations of links, nothing that was asked for there."""
    if isinstance(frame, MessageFrame):
        return frame.following is None and not frame.return_key and not frame.return_key_held
    return isinstance(frame, CarriedFrame)
