"""Workspaces: channels of their own that have a list of channels. What people do with that list."""

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.acts import MAX_FOUNDERS, MAX_RANK, CloseInvitation, Create, Invite, Listing, SetThreshold, Style, WayIn
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.identity import Certificate
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId
from multichat_tui.model.intents import Accepted, CreateWorkspace, JoinListed, ListChannel, UnlistChannel
from multichat_tui.model.invitations import Invitation, InvitationKind, join_seed, token_key
from multichat_tui.model.limits import LINK_SEED_BYTES, MAX_CHANNELS, MAX_TIMESTAMP_MS, MAX_USES
from multichat_tui.model.ranks import MEMBER, MODERATOR, Permission, holders_words, standing_words
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.text import clean_name
from multichat_tui.node.admissions import Admissions
from multichat_tui.node.joined import joined
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.listing import state_of
from multichat_tui.node.moderating import need
from multichat_tui.node.world import Channel, World

WAY_IN_MS = 365 * 24 * 60 * 60 * 1000
"""How long a way in lasts before it is made anew."""


class Workspaces:
    def __init__(self, world: World, ledger: Ledger, admissions: Admissions) -> None:
        self._world = world
        self._ledger = ledger
        self._admissions = admissions

    def create(self, intent: CreateWorkspace) -> Accepted:
        name = clean_name(intent.name.lstrip("#"))
        if name is None:
            raise IntentRefused(Refusal.BAD_NAME, "A workspace's name has 1 to 48 visible characters.")
        if len(self._world.channels) >= MAX_CHANNELS:
            raise IntentRefused(Refusal.LIMIT, "There are too many channels.", "Leave one first.")
        mine = (self._world.identity.certificate,)
        create = Create(style=Style.WORKSPACE, name=name, founders=(mine,), nonce=self._world.entropy(16))
        channel = self._ledger.found(create)
        return Accepted(channel=channel.id, record=channel.control.root)

    def founders(self, workspace: ChannelId | None) -> tuple[tuple[Certificate, ...], ...]:
        """Of a new channel: whoever makes it, and the founders of the workspace that it is made in."""
        if workspace is None:
            return ((self._world.identity.certificate,),)
        found = self._workspace(workspace)
        need(found.view, self._world.identity.user, Permission.CREATE, "make channels here")
        control, me = found.control, self._world.identity
        theirs: dict[UserId, list[Certificate]] = {}
        for device, certificate in sorted(control.certificates.items()):
            if certificate.user in found.view.founders and certificate.user != me.user and device not in found.view.revocations:
                theirs.setdefault(certificate.user, []).append(certificate)
        others = tuple(tuple(certificates[:MAX_FOUNDERS]) for _, certificates in sorted(theirs.items()))
        return ((me.certificate,), *others[: MAX_FOUNDERS - 1])

    def enlist(self, intent: ListChannel) -> Accepted:
        """Put a channel on the list; with a way in, if it is to be open."""
        workspace, channel = self._workspace(intent.workspace), joined(self._world, intent.channel)
        need(workspace.view, self._world.identity.user, Permission.CREATE, "put channels on the list")
        if channel.view.style is not Style.GROUP:
            raise IntentRefused(Refusal.NOT_ALLOWED, "Only channels stand on the list of a workspace.")
        if not MEMBER <= intent.least <= MAX_RANK:
            raise IntentRefused(Refusal.UNKNOWN, "A channel asks for a role above that of a member, up to that of an admin.")
        if intent.least > MEMBER and not intent.open:
            raise IntentRefused(Refusal.UNKNOWN, "By invitation alone nobody comes in by a role.", "Leave out one of the two.")
        known = workspace.view.directory.get(channel.id)
        if known is not None and ((known[1].way_in is not None), known[1].least) == (intent.open, intent.least):
            raise IntentRefused(Refusal.ALREADY, "It is on the list already.", "/list shows it.")
        if intent.open:
            need(channel.view, self._world.identity.user, Permission.INVITE, "invite people to it")
        if intent.least > MEMBER:
            self._let_nobody_in_unasked(channel)
        record = self._list(workspace, channel, self._way_in(channel) if intent.open else None, intent.least)
        if known is not None:
            self._close(channel, known[1].way_in)
        return Accepted(record=record, channel=channel.id)

    def _let_nobody_in_unasked(self, channel: Channel) -> None:
        """Members of a channel do not know who has which role in a workspace: they do not let in whoever holds an invitation."""
        if channel.view.threshold(Permission.ADMIT) <= MEMBER:
            need(channel.view, self._world.identity.user, Permission.CHANGE, "change who lets people in")
            self._ledger.author(channel, Log.CONTROL, (SetThreshold(permission=Permission.ADMIT, rank=MODERATOR),))

    def unlist(self, intent: UnlistChannel) -> Accepted:
        workspace = self._workspace(intent.workspace)
        need(workspace.view, self._world.identity.user, Permission.CREATE, "take channels off the list")
        known = workspace.view.directory.get(intent.channel)
        if known is None:
            raise NotFound("It is not on the list of this workspace.")
        record = self._ledger.author(workspace, Log.CONTROL, (Listing(channel=intent.channel, name=""),))
        channel = self._world.channels.get(intent.channel)
        if channel is not None:
            self._close(channel, known[1].way_in)
        return Accepted(record=record.id, channel=intent.channel)

    def join(self, intent: JoinListed) -> Accepted:
        workspace = self._workspace(intent.workspace)
        known = workspace.view.directory.get(intent.channel)
        if known is None:
            raise NotFound("It is not on the list of this workspace.")
        way_in = known[1].way_in
        if way_in is None:
            raise IntentRefused(Refusal.NOT_ALLOWED, "This channel is not open to all.", "Ask somebody who is in it for a link.")
        mine = workspace.view.rank(self._world.identity.user)
        if mine is None or mine < known[1].least:
            standing = "not in it any more" if mine is None else standing_words(mine)
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                f"This channel is for {holders_words(known[1].least)} of the workspace; you are {standing}.",
                "Whoever gives roles there can give you one.",
            )
        link = Invitation(
            kind=InvitationKind.JOIN,
            seed=way_in.seed,
            user=way_in.user,
            expires_ms=way_in.expires_ms,
            addresses=(),
            channel=intent.channel,
        ).link
        return Accepted(channel=self._admissions.join(link).id)

    def _list(self, workspace: Channel, channel: Channel, way_in: WayIn | None, least: int) -> RecordId:
        view = channel.view
        listing = Listing(channel=channel.id, name=view.name, topic=view.topic, way_in=way_in, least=least)
        return self._ledger.author(workspace, Log.CONTROL, (listing,)).id

    def _way_in(self, channel: Channel) -> WayIn:
        """A fresh invitation to a channel, for all who read the list."""
        world = self._world
        seed = world.entropy(LINK_SEED_BYTES)
        expires_ms = min(world.now + WAY_IN_MS, MAX_TIMESTAMP_MS - 1)
        keys = {"join_key": public_key(join_seed(seed)), "token_key": token_key(seed)}
        self._ledger.author(channel, Log.CONTROL, (Invite(rank=MEMBER, uses=MAX_USES, expires_ms=expires_ms, **keys),))
        return WayIn(seed=seed, user=world.identity.user, expires_ms=expires_ms)

    def _close(self, channel: Channel, way_in: WayIn | None) -> None:
        """Nobody comes in by an old way any more, if we may say so."""
        me, found = self._world.identity.user, None if way_in is None else state_of(channel, way_in)
        if found is None or channel.standing.membership is not Membership.JOINED or not self._ledger.has_room(channel):
            return
        name, state = found
        if not state.closed and (state.maker == me or channel.view.may(me, Permission.MODERATE)):
            self._ledger.author(channel, Log.CONTROL, (CloseInvitation(invitation=name[0], index=name[1]),))

    def renew(self, workspace: Channel, channel: Channel, listing: Listing) -> None:
        """Put a channel on the list again as it is now, with a new way in where it has one."""
        way_in = None if listing.way_in is None else self._way_in(channel)
        self._list(workspace, channel, way_in, listing.least)
        self._close(channel, listing.way_in)

    def _workspace(self, workspace: ChannelId) -> Channel:
        found = joined(self._world, workspace)
        if found.view.style is not Style.WORKSPACE:
            raise IntentRefused(Refusal.NOT_ALLOWED, "This is no workspace.", "/workspaces lists yours.")
        return found
