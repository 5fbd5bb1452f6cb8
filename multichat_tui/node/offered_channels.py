"""Channels that a peer shows us and we do not know: direct conversations that contacts begin, and the channels of our account
when it comes back on a new device."""

from collections.abc import Iterator

from multichat_tui.channel.control import root_create
from multichat_tui.crypto.identity import founders_hold
from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import Create, Style
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import ChannelOffer, FullItem, MessageFrame, Request
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log, RecordId
from multichat_tui.model.limits import MAX_CHANNELS, MAX_OFFERED_BY_STRANGER, SALT_BYTES
from multichat_tui.model.records import Kind, decode_record
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.asking import Asking
from multichat_tui.node.holdings import MAX_UNHEARD_CHAINS
from multichat_tui.node.standing import Standing
from multichat_tui.node.world import Channel, World, new_channel
from multichat_tui.sync.session import Role, Session, Watch

COMING_BACK_MS = 10 * 60 * 1000
"""A channel offered to a restored device is given up so long after something of it came last, if its control log has not shown us
in it."""
MAX_ROOT_TRIES = 8
"""How often the root of a channel that is offered is asked for again, with doubling waits."""
MAX_BEGUN = 8
"""Living direct channels with one contact. Two are made if both begin one at once; more are nobody's wish but a flood's."""


class OfferedChannels:
    def __init__(self, world: World, asking: Asking) -> None:
        self._world = world
        self._asking = asking

    def on_offer(self, session: Session, entry: ChannelOffer) -> None:
        """Somebody offers a channel that we do not know: ask for its root; it is taken if it is our direct channel, or to all
        appearances one that our account is in."""
        world = self._world
        if not self._comes_back_by(session):
            if self._asking.standing_of(session.user) is None:
                return
            unknown = sum(1 for channel in session.offered if channel not in world.channels and channel != entry.channel)
            if session.user not in world.contacts and unknown >= MAX_OFFERED_BY_STRANGER:
                world.count("request-too-many")
                return
        room = entry.channel in session.offered or len(session.offered) < MAX_CHANNELS
        if not room or len(world.channels) >= MAX_CHANNELS:
            return
        # A later offer may name other chains than one that came while the root was on its way: what both name is there.
        offered = session.offered.setdefault(entry.channel, {})
        for tip in entry.tips:
            if (tip.log, tip.device) in offered or len(offered) < MAX_UNHEARD_CHAINS:
                offered[tip.log, tip.device] = max(tip.seq, offered.get((tip.log, tip.device), -1))
        tries = session.roots[entry.channel].tries if entry.channel in session.roots else 0
        self._ask_root(session, entry.channel, tries)

    def _ask_root(self, session: Session, channel: ChannelId, tries: int) -> None:
        world = self._world
        world.send(session, Request(channel=channel[:PREFIX_SIZE], ids=(RecordId(channel),)))
        session.roots[channel] = Watch(sent_at=world.now, next_at=world.now + session.rtt.timeout_ms(tries), tries=tries)

    def tick(self) -> None:
        """Roots that did not come are asked for again, a few times: the offer was acknowledged, and is not made again."""
        world = self._world
        for session in world.sessions.values():
            for channel, watch in list(session.roots.items()):
                if channel in world.channels or watch.tries >= MAX_ROOT_TRIES:
                    del session.roots[channel]
                elif watch.next_at <= world.now:
                    self._ask_root(session, channel, watch.tries + 1)

    def wake_times(self) -> list[int]:
        return [watch.next_at for session in self._world.sessions.values() for watch in session.roots.values()]

    def on_message(self, session: Session, frame: MessageFrame) -> bool:
        """Whether the frame brings the root of a direct channel of this contact and us; then the channel is added, empty."""
        world = self._world
        if len(world.channels) >= MAX_CHANNELS:
            return False
        if self._comes_back_by(session):
            return self._take_back(session, frame)
        standing = self._asking.standing_of(session.user)
        if standing is None:
            return False
        if sum(1 for channel in world.channels.values() if channel.live and world.partner(channel) == session.user) >= MAX_BEGUN:
            world.count("too-many-direct-channels")
            return False
        for identifier, create in _roots(session, frame):
            if create.style is not Style.DIRECT:
                continue
            founders = {founder[0].user for founder in create.founders}
            devices = {c.device for founder in create.founders for c in founder}
            if founders != {world.identity.user, session.user} or world.identity.device not in devices:
                continue
            if not founders_hold(create):
                world.count("forged-founder")
                continue
            channel = new_channel(identifier, standing)
            channel.plan_at = world.now
            world.add_channel(channel)
            world.keep(channel, channel.standing)
            return True
        return False

    def _comes_back_by(self, session: Session) -> bool:
        """Whether a peer may show us channels of our account: another device of it always, a contact while we come back."""
        world = self._world
        if session.role is not Role.PEER or world.identity.unmet:
            return False
        if session.user == world.identity.user:
            return True
        return world.identity.returning is not None and session.user in world.contacts

    def _take_back(self, session: Session, frame: MessageFrame) -> bool:
        """The root of a channel that may be our account's: its control log will show whether it is (see `is_back`)."""
        world = self._world
        for identifier, create in _roots(session, frame):
            founders = {founder[0].user for founder in create.founders}
            if not founders_hold(create):
                continue
            if create.style is Style.DIRECT and world.identity.user not in founders:
                continue
            note = "Coming back from those who have it."
            channel = new_channel(identifier, Standing(membership=Membership.JOINING, note=note))
            channel.plan_at = world.now
            channel.coming_back_until = world.now + COMING_BACK_MS
            world.add_channel(channel)
            world.keep(channel, channel.standing)
            world.introductions_changed = True
            return True
        return False

    def is_back(self, channel: Channel) -> bool:
        """A channel that we asked to join, or one that was offered to a restored device, whose control log shows that our account
        has come in by itself and that this device is one of the account's: nobody else's word puts us into a channel."""
        if channel.standing.joining is not None:
            return True
        world, control = self._world, channel.control
        me = world.identity
        certificate = control.certificates.get(me.device)
        if certificate is None or certificate.user != me.user or me.device in channel.view.revocations:
            return False
        founded = control.user_of(control.root_device) == me.user
        return founded or bool(control.join_name(me.user)) or channel.view.style is Style.DIRECT


def _roots(session: Session, frame: MessageFrame) -> Iterator[tuple[ChannelId, Create]]:
    """The roots in a frame of the channel that it names; they are not asked for any more, whatever comes of them."""
    for item in frame.items:
        record = decode_record(item.header_bytes, item.signature, item.body) if isinstance(item, FullItem) else None
        if record is None or isinstance(record, Rejected) or record.header.kind != Kind.ROOT or record.body is None:
            continue
        acts = decode_acts(record.body[SALT_BYTES:], Log.CONTROL)
        create = None if isinstance(acts, Rejected) else root_create(record, acts)
        if create is not None and record.id[:PREFIX_SIZE] == frame.channel:
            session.roots.pop(ChannelId(record.id), None)
            yield ChannelId(record.id), create
