"""Ignoring and blocking people: kept per profile, told to nobody, in force in every channel.

What the ignored write is stored and passed on like everybody's, as others depend on it; it is only shown folded. Of a direct
conversation with somebody blocked nothing is told or taken.
"""

from functools import partial

from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.events import Resync
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import SetRegard
from multichat_tui.model.limits import MAX_REGARDS
from multichat_tui.model.ports import Space
from multichat_tui.model.regards import Regard
from multichat_tui.model.text import visible
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.regards import KeptRegard, decode_regard
from multichat_tui.node.world import Channel, World


class Regards:
    def __init__(self, world: World, exchange: Exchange) -> None:
        self._world = world
        self._exchange = exchange

    def load(self) -> None:
        """Take in what the store holds; the channels are loaded already."""
        world = self._world
        for key, value in world.txn.scan(Space.REGARD):
            world.regards[UserId(key)] = decode_regard(value).regard
        for channel in world.channels.values():
            self.look_at(channel)

    def look_at(self, channel: Channel) -> None:
        """A channel was loaded, or its control log has come: is it one with somebody blocked?"""
        partner = self._world.partner(channel)
        channel.shut = partner is not None and self._world.regards.get(partner) is Regard.BLOCKED

    def set(self, intent: SetRegard) -> None:
        world = self._world
        user, regard = intent.user, intent.regard
        name = visible(world.name_of(user)) or "This person"
        if user == world.identity.user:
            raise IntentRefused(Refusal.NOT_ALLOWED, "That is you.", "Name somebody else.")
        before = world.regards.get(user, Regard.NONE)
        if before is regard:
            told = f"{name} is neither ignored nor blocked." if regard is Regard.NONE else f"{name} is {regard.value} already."
            raise IntentRefused(Refusal.ALREADY, told)
        if regard is Regard.NONE:
            del world.regards[user]
            world.txn.delete(Space.REGARD, user)
        else:
            if before is Regard.NONE and len(world.regards) >= MAX_REGARDS:
                raise IntentRefused(Refusal.LIMIT, "You ignore too many people.", "/unignore some of them first.")
            world.regards[user] = regard
            world.txn.put(Space.REGARD, user, KeptRegard(regard=regard, since_ms=world.now).encoded())
        if Regard.BLOCKED in (before, regard):
            self._open_or_shut(user)
        self._tell(user)

    def _open_or_shut(self, user: UserId) -> None:
        """Direct conversations with somebody who was blocked, or is no more; links to them."""
        world = self._world
        for channel in world.channels.values():
            was = channel.shut
            self.look_at(channel)
            if was and not channel.shut:
                channel.plan_at = world.now
                self._exchange.announce(channel)
        world.credentials_changed = True
        known = world.certificates()
        for session in world.peers():
            if session.user == user and session.device not in known:
                world.close(session, "not a peer any more")

    def _tell(self, user: UserId) -> None:
        """Front ends read again: rows of any age look otherwise now."""
        world = self._world
        world.changed_contacts.add(user)
        # Whom they vouch for, or introduce, may count now, or no more.
        world.status_changed = world.introductions_changed = True
        world.emit(partial(Resync))
