"""Device lists: the newest of each account is kept, never an older one; two that contradict each other are an alarm.

What a list says of devices is written into the control logs of the channels that its account is in, by one writer where possible:
the device that has changed the list, or whoever heard of it from the account itself; others only if it is still missing a while
later. A list that a control log brings is learned from there as well.
"""

from multichat_tui.crypto.identity import device_list_holds, joined_device_list
from multichat_tui.model.acts import Devices as DevicesAct
from multichat_tui.model.acts import Tip
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import MessageFrame
from multichat_tui.model.identity import DeviceList, decode_device_list
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, UserId, digest
from multichat_tui.model.limits import MAX_LIST_NUMBER, MAX_LISTS, MAX_RECORD_FAULTS, REGISTER_DELAY_MS
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.trust import AlarmKind
from multichat_tui.node.alarms import raise_alarm
from multichat_tui.node.ledger import Ledger, has_places
from multichat_tui.node.standing import KeptList
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.session import Session

REVOKED = "this device is revoked"


class Devices:
    """The newest device list of everybody we have to do with, our own account's included."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger
        self._due: dict[tuple[ChannelId, UserId], int] = {}
        """When we write what somebody else may write before."""

    # Learning

    def hear(self, encoded: bytes, source: Session) -> None:
        """A list that a peer has sent. Its many signatures are checked only if it could be news; a wrong one is a fault."""
        world = self._world
        listed = decode_device_list(encoded)
        if not isinstance(listed, Rejected):
            known = world.list_of(listed.user)
            if known is None and not self._concerns(listed.user):
                return
            if known is not None and (listed.body == known.body or listed.number < known.number):
                return
        if isinstance(listed, Rejected) or not device_list_holds(listed):
            world.count("devices-rejected")
            source.faults += 1
            if source.faults > MAX_RECORD_FAULTS:
                world.close(source, "it sent too many invalid device lists")
            return
        self.learn(listed, source)

    def learn(self, listed: DeviceList, source: Session | None = None) -> bool:
        """Take a list whose signatures hold; True if it is the newest that is known afterwards."""
        world = self._world
        user = listed.user
        if listed.number >= MAX_LIST_NUMBER:
            world.count("devices-rejected")
            return False
        known = world.list_of(user)
        if known is not None and listed.digest == known.digest:
            return True
        if user == world.identity.user and world.identity.returning is not None:
            self.bring_together(listed)
            return world.identity.devices.digest == listed.digest
        if known is None and not self._concerns(user):
            return False
        if known is not None and listed.number < known.number:
            return False
        fork = world.forks.get(user)
        if known is not None and not (listed.follows(known) and (fork is None or listed.covers(fork))):
            self._alarm(user, listed)
            return False
        if user == world.identity.user:
            self.own(listed)
        else:
            self._keep(listed, source)
        return True

    def _concerns(self, user: UserId) -> bool:
        world = self._world
        if user in world.contacts:
            return True
        return len(world.lists) < MAX_LISTS and any(c.rooted and user in c.view.members for c in world.channels.values())

    def _alarm(self, user: UserId, listed: DeviceList) -> None:
        """Somebody signs with the account's key what its own list does not know of: neither is taken silently for the other."""
        world = self._world
        if user in world.forks:
            return
        world.count("device-list-forked")
        world.forks[user] = listed
        self._store(user)
        world.status_changed = True
        if user != world.identity.user:
            raise_alarm(world, user, AlarmKind.FORKED_DEVICES, detail=listed.digest)

    def _keep(self, listed: DeviceList, source: Session | None) -> None:
        world = self._world
        user = listed.user
        world.lists[user] = listed
        world.forks.pop(user, None)
        contact = world.contacts.get(user)
        if contact is not None:
            known = contact.devices
            if {c.device for c in listed.living} - {c.device for c in known.certificates}:
                raise_alarm(world, user, AlarmKind.NEW_DEVICE, detail=listed.digest)
            elif set(listed.certified_revoked) - set(known.revoked):
                raise_alarm(world, user, AlarmKind.DEVICE_REVOKED, detail=listed.digest)
            world.contacts[user] = contact.with_devices(listed)
            world.txn.put(Space.CONTACT, user, world.contacts[user].encoded())
            world.changed_contacts.add(user)
        self._changed(listed, at_once=source is not None and source.user == user)

    def own(self, listed: DeviceList) -> None:
        """A newer list of our own account: made here, or by another device of ours."""
        world = self._world
        world.identity.adopt(world.txn, listed)
        world.forks.pop(listed.user, None)
        self._changed(listed, at_once=True)
        if world.identity.revoked:
            for session in (*world.sessions.values(), *world.clients.values()):
                world.close(session, REVOKED)

    def _changed(self, listed: DeviceList, *, at_once: bool) -> None:
        world = self._world
        user = listed.user
        self._store(user)
        gone = set(listed.certified_revoked)
        world.revoked |= gone
        world.credentials_changed = world.status_changed = True
        for session in list(world.sessions.values()):
            if session.device in gone:
                # It is its own account's list, and the last thing that it hears.
                world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE), lists=(listed.encoded,)))
                world.close(session, REVOKED)
        for session in world.peers():
            session.statements_due = True
        for channel in world.channels.values():
            if channel.rooted and user in channel.view.members:
                world.changed_members.add(channel.id)
                self._plan(channel, user, at_once=at_once)

    def _store(self, user: UserId) -> None:
        world = self._world
        listed = world.list_of(user)
        assert listed is not None
        kept = KeptList(devices=listed, fork=world.forks.get(user))
        world.txn.put(Space.DEVICES, user, kept.encoded())

    def bring_together(self, listed: DeviceList) -> None:
        """With the account's key at hand: a list that holds what ours and this one hold, and this device."""
        world = self._world
        identity = world.identity
        returning = identity.returning
        assert returning is not None
        if returning.met and identity.devices.covers(listed) and identity.devices.number >= listed.number:
            return
        lists = (listed, identity.devices) if returning.met or returning.replaces is not None else (listed,)
        lost = [c.device for c in listed.certificates if returning.takes_for_lost(c)]
        mine = identity.certificate in listed.certificates and set(lost) <= set(listed.revoked)
        if mine and returning.met and listed.follows(identity.devices) and listed.covers(identity.devices):
            # Another device that has come back made it, or we did before. One more would be answered by one more, without end.
            self.own(listed)
            return
        made = joined_device_list(returning.account, lists, identity.certificate, tuple(lost))
        identity.met(world.txn, world.now)
        self.own(made)

    def begin(self, listed: DeviceList) -> None:
        """The list by which a new contact is known."""
        if listed.number:
            self._world.lists[listed.user] = listed
            self._changed(listed, at_once=False)

    # Writing into channels

    def look_at(self, channel: Channel) -> None:
        """A control log has grown, or was loaded: does it lack what we know of its members' devices?"""
        world = self._world
        if channel.checked_mask == channel.view.mask:
            return
        channel.checked_mask = channel.view.mask
        own = world.identity.user
        if world.identity.devices.number and own in channel.view.members:
            self._plan(channel, own, at_once=True)
        for user, listed in world.lists.items():
            if listed.number and user in channel.view.members:
                self._plan(channel, user, at_once=False)

    def _plan(self, channel: Channel, user: UserId, *, at_once: bool) -> None:
        world = self._world
        if not self._lacks(channel, user):
            self._due.pop((channel.id, user), None)
            return
        own = world.identity.device
        delay = REGISTER_DELAY_MS + int.from_bytes(digest("mc.register", channel.id, own)[:4], "big") % REGISTER_DELAY_MS
        at = world.now if at_once else world.now + delay
        self._due[channel.id, user] = min(at, self._due.get((channel.id, user), at))

    def _lacks(self, channel: Channel, user: UserId) -> bool:
        listed = self._world.list_of(user)
        if listed is None or not channel.rooted or user not in channel.view.members:
            return False
        return any(c.device not in channel.control.certificates for c in listed.living) or bool(_unrevoked(channel, listed))

    def settle(self) -> None:
        """At the end of a batch: learn what control logs have brought, write what is due."""
        world = self._world
        while world.lists_heard:
            self.learn(world.lists_heard.pop())
        for (identifier, user), at in list(self._due.items()):
            if at <= world.now:
                del self._due[identifier, user]
                channel = world.channels.get(identifier)
                if channel is not None and self._lacks(channel, user):
                    self._write(channel, user)

    def write_now(self, user: UserId) -> None:
        """What is due of an account, at once: before a link with one of its devices is told of our channels."""
        for (identifier, owner), _ in list(self._due.items()):
            if owner == user:
                self._due[identifier, owner] = self._world.now
        self.settle()

    def _write(self, channel: Channel, user: UserId) -> None:
        world = self._world
        listed = world.list_of(user)
        me = world.identity
        if listed is None or me.stopped or channel.standing.membership is not Membership.JOINED:
            return
        stands = me.user in channel.view.members and me.device in channel.control.certificates
        if not stands or not has_places(channel, listed) or not self._ledger.has_room(channel, by_itself=True):
            return
        gone = set(_unrevoked(channel, listed))
        fence = tuple(
            Tip(device=end.device, log=key[0], seq=end.seq, hash=end.id)
            for key, end in sorted(channel.chains.ends.items())
            if end.device in gone
        )
        self._ledger.author(channel, Log.CONTROL, (DevicesAct(devices=listed.encoded, fence=fence),))

    def wake_times(self) -> list[int]:
        return list(self._due.values())


def _unrevoked(channel: Channel, listed: DeviceList) -> tuple[DeviceId, ...]:
    """Devices that the list revokes and the channel still takes for living."""
    known, gone = channel.control.certificates, channel.view.revocations
    return tuple(device for device in listed.certified_revoked if device in known and device not in gone)
