"""People who are no contacts and begin a conversation: they ask, and wait in the requests until the user has answered.

Of what they write so much is kept that one can tell what they want. They hear that their messages have arrived on this device, as
from everybody whom one has a link to, and nothing else: neither that they are asked about, nor how that was answered.
"""

from multichat_tui.model.codec import decode, encode
from multichat_tui.model.errors import NotFound
from multichat_tui.model.identity import Certificate
from multichat_tui.model.ids import ChannelId, Log, UserId
from multichat_tui.model.limits import MAX_DECLINED, MAX_REQUEST_RECORDS, MAX_REQUESTS, MAX_REQUESTS_PER_CHANNEL
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.model.regards import REQUESTS_SETTING, WhoComesIn
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.forgetting import forget_channel
from multichat_tui.node.request_rows import requests
from multichat_tui.node.standing import Asked, Standing
from multichat_tui.node.trust_paths import vouchers
from multichat_tui.node.world import Channel, World


def count_taken(txn: Transaction, channel: Channel) -> None:
    """A channel that asks was loaded: how many of its records are held."""
    if channel.standing.membership is Membership.ASKED:
        channel.taken = sum(len(txn.arrivals(channel.id, log, 0, MAX_REQUEST_RECORDS)) for log in Log)


def decode_declined(encoded: bytes) -> int:
    since_ms = decode(encoded, 16)
    return since_ms if isinstance(since_ms, int) else 0


class Asking:
    def __init__(self, world: World) -> None:
        self._world = world

    def load(self) -> None:
        world = self._world
        for channel in world.channels.values():
            count_taken(world.txn, channel)
        world.declined = {UserId(key): decode_declined(value) for key, value in world.txn.scan(Space.DECLINED)}

    def standing_of(self, user: UserId | None) -> Standing | None:
        """What one's side of a conversation is that this peer has begun; None: it is not taken."""
        world = self._world
        if user is None or world.blocked(user):
            return None
        if self.comes_straight_in(user):
            return Standing(membership=Membership.JOINED)
        if user in world.regards or user in world.declined or self._who() is WhoComesIn.NOBODY:
            return None
        waiting = [c for c in world.channels.values() if c.standing.membership is Membership.ASKED]
        # Before its root has come, nobody knows whose it is.
        mine = any(not c.rooted or world.partner(c) == user for c in waiting)
        if mine or len(waiting) >= MAX_REQUESTS:
            world.count("request-too-many")
            return None
        through = self._through(user, waiting)
        if through is None:
            world.count("request-too-many")
            return None
        return Standing(membership=Membership.ASKED, asked=Asked(since_ms=world.now, through=through))

    def comes_straight_in(self, user: UserId) -> bool:
        """A contact; somebody to whom one has written first; somebody for whom a contact vouches, unless that is not wanted."""
        world = self._world
        if user in world.contacts or any(c.live and world.partner(c) == user for c in world.channels.values()):
            return True
        return self._who() is WhoComesIn.VOUCHED and user not in world.regards and bool(vouchers(world, user))

    def _who(self) -> WhoComesIn:
        value = (self._world.txn.get(Space.SETTING, REQUESTS_SETTING.encode()) or b"").decode()
        return WhoComesIn(value) if value in set(WhoComesIn) else WhoComesIn.VOUCHED

    def _through(self, user: UserId, waiting: list[Channel]) -> ChannelId | None:
        """A channel that both are in, and through which not too many ask already."""
        world = self._world
        taken: dict[ChannelId, int] = {}
        for channel in waiting:
            if channel.standing.asked is not None:
                taken[channel.standing.asked.through] = taken.get(channel.standing.asked.through, 0) + 1
        shared = sorted(c.id for c in shared_channels(world, user))
        return next((c for c in shared if taken.get(c, 0) < MAX_REQUESTS_PER_CHANNEL), None)

    # Answers

    def asked_by(self, user: UserId) -> Channel | None:
        return next((channel for asker, channel in requests(self._world) if asker == user), None)

    def accept(self, user: UserId) -> Channel:
        """The conversation is one like any other from now on. `errors.NotFound`."""
        channel = self.asked_by(user)
        if channel is None:
            raise NotFound("They have not asked anything.", "/requests lists who has.")
        self.let_in(channel)
        return channel

    def let_in(self, channel: Channel) -> None:
        world = self._world
        world.keep(channel, channel.standing.but(membership=Membership.JOINED, asked=None))
        channel.checked_mask = 0
        channel.plan_at = world.now
        world.credentials_changed = world.status_changed = True
        world.let_in.add(channel.id)

    def decline(self, user: UserId) -> None:
        """What they wrote is deleted, and they ask no more. `errors.NotFound`."""
        channel = self.asked_by(user)
        if channel is None:
            raise NotFound("They have not asked anything.", "/requests lists who has.")
        self.drop(user)
        world = self._world
        if len(world.declined) >= MAX_DECLINED:
            oldest = min(world.declined, key=lambda each: (world.declined[each], each))
            del world.declined[oldest]
            world.txn.delete(Space.DECLINED, oldest)
        world.declined[user] = world.now
        world.txn.put(Space.DECLINED, user, encode(world.now))

    def drop(self, user: UserId) -> None:
        """Forget what somebody asks, if they do."""
        world = self._world
        for channel in [c for c in world.channels.values() if c.standing.membership is Membership.ASKED]:
            if world.partner(channel) == user:
                forget_channel(world, channel)
        world.credentials_changed = world.status_changed = True

    def forgive(self, user: UserId) -> None:
        """The user turns to them: what was declined before counts no more."""
        if self._world.declined.pop(user, None) is not None:
            self._world.txn.delete(Space.DECLINED, user)

    def settle(self) -> None:
        """Who has become a contact meanwhile, or is vouched for, does not wait any longer."""
        for user, channel in requests(self._world):
            if self.comes_straight_in(user):
                self.let_in(channel)


def shared_channels(world: World, user: UserId) -> list[Channel]:
    """The groups that somebody and we are in."""
    return [
        channel
        for channel in world.channels.values()
        if channel.standing.membership is Membership.JOINED
        and channel.rooted
        and world.partner(channel) is None
        and user in channel.view.members
        and world.identity.user in channel.view.members
    ]


def known_devices(world: World, user: UserId) -> tuple[Certificate, ...]:
    """The living devices of somebody who is in a channel of ours, as its control log names them, by their ids."""
    found = {
        device: certificate
        for channel in shared_channels(world, user)
        for device, certificate in channel.control.certificates.items()
        if certificate.user == user and device not in channel.view.revocations and device not in world.revoked
    }
    return tuple(found[device] for device in sorted(found))
