"""Reading a channel by link without being a member: the side that reads, and the link that lets others do so.

Who reads writes nothing, tells nobody what they read but those who give it to them, and passes nothing on.
"""

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.frames import ReadFrame
from multichat_tui.model.invitations import Invitation, InvitationKind, join_seed
from multichat_tui.model.limits import MAX_CHANNELS, MAX_TIMESTAMP_MS, MAX_TIPS
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.readers import lets_read
from multichat_tui.node.standing import Joining, Standing
from multichat_tui.node.typed_links import read_link
from multichat_tui.node.world import Channel, World, new_channel
from multichat_tui.sync.session import Role, Session, Watch

NOTE = "Reading, not a member. Who is to write needs an invitation: /join and its link."


class PublicReading:
    def __init__(self, world: World) -> None:
        self._world = world

    # Giving the link

    def link(self, channel: Channel, addresses: tuple[str, ...]) -> str:
        """`errors.IntentRefused` where the channel is not read by link."""
        seed = channel.view.reading_seed
        if not seed:
            raise IntentRefused(
                Refusal.NOT_ALLOWED, "This channel is for its members only.", "/public on lets everybody with a link read it."
            )
        if not lets_read(channel):
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                "This channel does not show its whole history to newcomers, so nobody reads it by link.",
                "/newcomers all changes that.",
            )
        return Invitation(
            kind=InvitationKind.READ,
            seed=seed,
            user=self._world.identity.user,
            expires_ms=MAX_TIMESTAMP_MS - 1,
            addresses=addresses,
            channel=channel.id,
        ).link

    # Reading

    def begin(self, link: str) -> Channel:
        """`errors.IntentRefused`."""
        world = self._world
        invitation = read_link(link, InvitationKind.READ)
        assert invitation.channel is not None
        known = world.channels.get(invitation.channel)
        if known is not None and known.standing.membership in (Membership.JOINED, Membership.JOINING):
            raise IntentRefused(Refusal.ALREADY, "You are in this channel already.")
        if known is None and len(world.channels) >= MAX_CHANNELS:
            raise IntentRefused(Refusal.LIMIT, "There are too many channels.", "Leave one first.")
        source = Joining(
            seed=invitation.seed,
            inviter=invitation.user,
            addresses=invitation.addresses,
            expires_ms=invitation.expires_ms,
            join=b"",
        )
        if known is not None:
            self.end(known)
        if known is None:
            known = new_channel(invitation.channel, Standing(membership=Membership.READING))
            world.add_channel(known)
        world.keep(known, known.standing.but(membership=Membership.READING, joining=source, note=NOTE))
        world.credentials_changed = True
        return known

    def end(self, channel: Channel) -> None:
        """Nothing of a channel is read by link any more."""
        joining = channel.standing.joining
        if channel.standing.membership is Membership.READING and joining is not None:
            key = public_key(join_seed(joining.seed))
            for session in self._world.sessions.values():
                if session.role is Role.SOURCE and session.join_key == key:
                    self._world.close(session, "reading was ended")

    def opened(self, session: Session, channel: Channel) -> None:
        """A link to somebody who may give a channel to read."""
        session.role = Role.SOURCE
        self.ask(session, channel)

    def ask(self, session: Session, channel: Channel) -> None:
        """For what follows what is held; again until there is an answer."""
        world = self._world
        assert session.join_key is not None
        chains = channel.chains
        tips = tuple(tip for key in sorted(chains.ends) for tip in chains.named(key)[-1:])
        world.send(session, ReadFrame(join_key=session.join_key, tips=tips[:MAX_TIPS]))
        tries = 0 if session.conversation is None else session.conversation.tries
        session.conversation = Watch(sent_at=world.now, next_at=world.now + session.rtt.timeout_ms(tries), tries=tries)
        world.introductions_changed = True

    def heard(self, session: Session, channel: Channel, *, more: bool) -> None:
        """An answer has come. `more`: it has records, so that there may be more, and what is held by now is to be told."""
        session.conversation, session.moved_at = None, self._world.now
        if more:
            self.ask(session, channel)
