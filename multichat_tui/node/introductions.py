"""How people come to know each other: pairing by link, joining a channel by link, and direct channels that others begin.

An invitation link opens a connection whose other end is told nothing but the answer to it. Frames are repeated until answered,
and answers are repeated for the same question, so that a crash or a lost frame at any point costs time only.
"""

from multichat_tui.model.frames import JoinFrame, JoinOutcome
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.admissions import Admissions
from multichat_tui.node.asking import Asking
from multichat_tui.node.devices import Devices
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.forgetting import forget_channel
from multichat_tui.node.guests import Guests
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.materialising import Materialising
from multichat_tui.node.offered_channels import COMING_BACK_MS, OfferedChannels
from multichat_tui.node.pairing import Pairing
from multichat_tui.node.public_reading import PublicReading
from multichat_tui.node.regarding import Regards
from multichat_tui.node.standing import decode_held_pairing, decode_open_pairing
from multichat_tui.node.upkeep import Upkeep
from multichat_tui.node.workspaces import Workspaces
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.session import Role, Session, Watch

LEFT_ELSEWHERE = "You left this channel on another device of yours."


class Introductions:
    def __init__(
        self, world: World, ledger: Ledger, exchange: Exchange, devices: Devices, guests: Guests, regards: Regards
    ) -> None:
        self._world = world
        self._exchange = exchange
        self._devices = devices
        self._guests = guests
        self._regards = regards
        self._upkeep = Upkeep(world, ledger)
        self.pairing = Pairing(world, devices, guests)
        self.admissions = Admissions(world, ledger, exchange, guests, self._upkeep)
        self.asking = Asking(world)
        self.offered = OfferedChannels(world, self.asking)
        self.workspaces = Workspaces(world, ledger, self.admissions)
        self._materialising = Materialising(world, ledger, self.workspaces)
        self.reading = PublicReading(world)
        exchange.arrivals.on_progress = self.progress
        exchange.arrivals.on_read = lambda session, channel, more: self.reading.heard(session, channel, more=more)

    def opened(self, session: Session) -> None:
        """A link under an invitation is up."""
        if session.role is not Role.HOST or session.join_key is None:
            return
        self._ask(session)

    def _ask(self, session: Session) -> None:
        """Say what we came for."""
        world = self._world
        join_key = session.join_key
        assert join_key is not None
        read = self.admissions.joining_by(join_key)
        if read is not None and read.standing.membership is Membership.READING:
            if session.role is Role.HOST:
                self.reading.opened(session, read)
            else:
                self.reading.ask(session, read)
            return
        value = world.txn.get(Space.PAIRING, join_key)
        if value is not None:
            pairing = decode_held_pairing(value)
            if session.user != pairing.user:
                world.close(session, "somebody else answered")
                return
            world.send(session, self.pairing.frame(join_key, pairing.share, confirmed=False))
        else:
            channel = self.admissions.joining_by(join_key)
            if channel is None or channel.standing.joining is None:
                world.close(session, "nothing to ask for")
                return
            world.send(session, JoinFrame(join=channel.standing.joining.join))
        tries = 0 if session.conversation is None else session.conversation.tries
        world.introductions_changed = True
        session.conversation = Watch(sent_at=world.now, next_at=world.now + session.rtt.timeout_ms(tries), tries=tries)

    def tick(self) -> None:
        """Questions without an answer are put again; expired invitations end."""
        world = self._world
        self.asking.settle()
        for identifier in sorted(world.let_in & world.channels.keys()):
            self._devices.look_at(world.channels[identifier])
            self._exchange.announce(world.channels[identifier])
        world.let_in.clear()
        for session in list(world.sessions.values()):
            watch = session.conversation
            if watch is not None and watch.next_at <= world.now:
                watch.tries += 1
                self._ask(session)
        for channel in list(world.channels.values()):
            if channel.live and channel.rooted:
                self._upkeep.tidy(channel)
            joining = channel.standing.joining
            if joining is not None and joining.expires_ms <= world.now:
                self.admissions.refuse(channel, JoinOutcome.EXPIRED)
            elif joining is not None:
                self.admissions.ask_members(channel)
            if channel.coming_back_until is not None and channel.coming_back_until <= world.now:
                forget_channel(world, channel)
        for space in (Space.PAIRING, Space.INVITATION):
            for key, value in world.txn.scan(space):
                decoded = decode_held_pairing(value) if space is Space.PAIRING else decode_open_pairing(value)
                if decoded.expires_ms <= world.now:
                    world.txn.delete(space, key)
                    world.credentials_changed = True

    def tend(self) -> None:
        """What workspaces ask for, and what was asked for and has not come, at the end of a batch."""
        self._materialising.tend()
        self.offered.tick()

    def wake_times(self) -> list[int]:
        world = self._world
        times = [s.conversation.next_at for s in world.sessions.values() if s.conversation is not None]
        for channel in world.channels.values():
            if channel.coming_back_until is not None:
                times.append(channel.coming_back_until)
            if channel.standing.joining is not None:
                times.append(channel.standing.joining.expires_ms)
                if channel.join_watch is not None and any(self.admissions.may_know(s, channel) for s in world.peers()):
                    times.append(channel.join_watch.next_at)
            times += self._upkeep.wake_times(channel)
        return times

    @property
    def turns(self) -> list[int]:
        """When there is to be looked at workspaces again, or asked again for the root of a channel."""
        return [*self._materialising.wake_times, *self.offered.wake_times()]

    def progress(self, session: Session, channel: Channel) -> None:
        """Records of a channel were delivered from a link: we may have become a member, or ceased to be one."""
        world = self._world
        session.moved_at = world.now
        if not channel.rooted:
            return
        self._regards.look_at(channel)
        me = world.identity.user
        member = me in channel.view.members
        if channel.coming_back_until is not None:
            # A long log over a slow link takes its time.
            channel.coming_back_until = world.now + COMING_BACK_MS
        if channel.standing.membership is Membership.JOINING and member and self.offered.is_back(channel):
            channel.coming_back_until = None
            world.keep(channel, channel.standing.but(membership=Membership.JOINED, joining=None, note=""))
            world.credentials_changed = True
            self._exchange.announce(channel)
        elif channel.standing.membership in (Membership.REMOVED, Membership.REFUSED) and member:
            # Who removed us had no right to it, as others know; or a ban was lifted beside our joining.
            world.keep(channel, channel.standing.but(membership=Membership.JOINED, note=""))
            world.credentials_changed = True
            self._exchange.announce(channel)
        elif channel.standing.membership is Membership.JOINED and not member:
            gone = any(channel.control.user_of(device) == me for device in channel.control.left_by())
            note = LEFT_ELSEWHERE if gone else "You were removed from this channel."
            world.keep(channel, channel.standing.but(membership=Membership.REMOVED, note=note))
            world.credentials_changed = True
        for host in [s for s in world.sessions.values() if s.role is Role.HOST] if member else []:
            user = channel.control.user_of(host.device)
            pairing = host.join_key is not None and world.txn.get(Space.PAIRING, host.join_key) is not None
            if user is not None and channel.serves(host.device) and not pairing:
                self._guests.promote(host, user)
        self.admissions.answer_waiting(channel)
        self._devices.look_at(channel)
        if channel.live:
            self._greet(channel)
            self._upkeep.confirm_leavings(channel)
            self._upkeep.tidy(channel)

    def _greet(self, channel: Channel) -> None:
        """Members who are linked and were never told of the channel are told now."""
        for session in self._world.peers():
            if channel.id not in session.sent and channel.serves(session.device):
                session.push_due.setdefault(channel.id, set())
