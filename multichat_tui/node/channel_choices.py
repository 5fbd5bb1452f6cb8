"""Channels come and go as the user wishes: made, joined, opened to others, left; and conversations with one person."""

from functools import partial

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.acts import Create, Invite, Leave, Style
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.events import ChannelGone
from multichat_tui.model.ids import Log, UserId
from multichat_tui.model.intents import (
    Accepted,
    AnswerRequest,
    CreateChannel,
    InviteToChannel,
    JoinChannel,
    LeaveChannel,
    ListChannel,
)
from multichat_tui.model.invitations import SEED_BYTES, Invitation, InvitationKind, join_seed, parse_link, token_key
from multichat_tui.model.limits import (
    MAX_CHANNELS,
    MAX_OPEN_INVITATIONS,
    MAX_PEER_ADDRESSES,
    MAX_TIMESTAMP_MS,
    MAX_USES,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.ranks import Permission
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.text import clean_name
from multichat_tui.node.asking import known_devices
from multichat_tui.node.configuring import kind_acts
from multichat_tui.node.deciding import check_open
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.forgetting import forget_channel
from multichat_tui.node.introductions import Introductions
from multichat_tui.node.joined import joined
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.moderating import need
from multichat_tui.node.typed import forget_typed
from multichat_tui.node.vouching import Vouching
from multichat_tui.node.world import Channel, World

MIN_EXPIRY_MS = 60 * 1000
MAX_EXPIRY_MS = 366 * 24 * 60 * 60 * 1000


class ChannelChoices:
    def __init__(
        self, world: World, ledger: Ledger, exchange: Exchange, introductions: Introductions, vouching: Vouching
    ) -> None:
        self._world = world
        self._ledger = ledger
        self._exchange = exchange
        self._introductions = introductions
        self._vouching = vouching

    def create(self, intent: CreateChannel) -> Accepted:
        name = clean_name(intent.name.lstrip("#"))
        if name is None:
            raise IntentRefused(Refusal.BAD_NAME, "A channel's name has 1 to 48 visible characters.")
        if len(self._world.channels) >= MAX_CHANNELS:
            raise IntentRefused(Refusal.LIMIT, "There are too many channels.", "Leave one first.")
        workspaces = self._introductions.workspaces
        founders = workspaces.founders(intent.workspace)
        nonce = self._world.entropy(16)
        channel = self._ledger.found(Create(style=Style.GROUP, name=name, founders=founders, nonce=nonce))
        if acts := kind_acts(self._world, channel, intent.kind, ""):
            self._ledger.author(channel, Log.CONTROL, acts)
        if intent.workspace is not None:
            workspaces.enlist(ListChannel(workspace=intent.workspace, channel=channel.id, open=intent.open, least=intent.least))
        return Accepted(channel=channel.id, record=channel.control.root)

    def join(self, intent: JoinChannel) -> Channel:
        invitation = parse_link(intent.link)
        if isinstance(invitation, Invitation) and invitation.kind is InvitationKind.READ:
            return self._introductions.reading.begin(intent.link)
        return self._introductions.admissions.join(intent.link)

    def invite(self, intent: InviteToChannel) -> Accepted:
        channel = joined(self._world, intent.channel)
        if intent.read:
            return Accepted(channel=channel.id, link=self._introductions.reading.link(channel, told_addresses(self._world)))
        if channel.view.style is Style.DIRECT:
            raise IntentRefused(Refusal.NOT_ALLOWED, "A direct conversation has two people.", "/create makes a channel.")
        need(channel.view, self._world.identity.user, Permission.INVITE, "invite people")
        if not 1 <= intent.uses <= MAX_USES:
            raise IntentRefused(Refusal.LIMIT, f"An invitation has 1 to {MAX_USES} uses.")
        mine = [s for s in channel.view.invitations.values() if s.maker == self._world.identity.user and s.open]
        if len(mine) >= MAX_OPEN_INVITATIONS:
            raise IntentRefused(Refusal.LIMIT, "There are too many open invitations to this channel.")
        expires_ms = self._world.now + lifetime_ms(intent.expires_in_ms)
        seed = self._world.entropy(SEED_BYTES)
        invite = Invite(
            join_key=public_key(join_seed(seed)),
            token_key=token_key(seed),
            rank=0,
            uses=intent.uses,
            expires_ms=min(expires_ms, MAX_TIMESTAMP_MS - 1),
        )
        record = self._ledger.author(channel, Log.CONTROL, (invite,))
        link = Invitation(
            kind=InvitationKind.JOIN,
            seed=seed,
            user=self._world.identity.user,
            expires_ms=expires_ms,
            addresses=told_addresses(self._world),
            channel=channel.id,
        ).link
        return Accepted(record=record.id, channel=channel.id, link=link)

    def leave(self, intent: LeaveChannel) -> Accepted:
        world = self._world
        found = world.channels.get(intent.channel)
        if found is None or found.standing.membership is Membership.LEFT:
            raise NotFound("There is no such channel.")
        for channel in world.conversation(found):
            if channel.standing.membership is Membership.JOINED and self._ledger.has_room(channel):
                self._ledger.author(channel, Log.CONTROL, (Leave(),))
            for key, _ in world.txn.scan(Space.DRAFT, channel.id):
                world.txn.delete(Space.DRAFT, key)
            forget_typed(world.txn, channel.id)
            self._introductions.reading.end(channel)
            if channel.rooted and channel.standing.membership is not Membership.READING:
                world.keep(channel, channel.standing.but(membership=Membership.LEFT, joining=None, draft="", note=""))
            else:
                forget_channel(world, channel)
            world.changed_channels.discard(channel.id)
            world.emit(partial(ChannelGone, channel=channel.id))
        world.credentials_changed = True
        return Accepted(channel=found.id)

    def direct(self, user: UserId) -> Channel:
        world = self._world
        contact = world.contacts.get(user)
        existing = [c for c in world.channels.values() if c.live and world.partner(c) == user]
        if existing:
            # Also with a closed account: what was said is there to be read.
            return world.conversation(existing[0])[0]
        check_open(self._world, user)
        asking = self._introductions.asking
        asking.forgive(user)
        if asking.asked_by(user) is not None:
            return asking.accept(user)
        devices = known_devices(world, user) if contact is None else contact.devices.living
        if user == world.identity.user or not devices:
            advice = "/pair makes contacts."
            raise IntentRefused(Refusal.UNKNOWN, "You can write directly to contacts, and to members of your channels.", advice)
        create = Create(
            style=Style.DIRECT,
            name="",
            founders=((world.identity.certificate,), devices),
            nonce=world.entropy(16),
        )
        channel = self._ledger.found(create)
        self._exchange.announce(channel)
        return channel

    def answer_request(self, intent: AnswerRequest) -> Accepted:
        asking = self._introductions.asking
        user = intent.user
        introduced = self._vouching.accept(user) if intent.accept else self._vouching.decline(user)
        if introduced and asking.asked_by(user) is None:
            return Accepted(user=user)
        if intent.accept:
            return Accepted(channel=asking.accept(user).id, user=user)
        asking.decline(user)
        return Accepted(user=user)


def told_addresses(world: World) -> tuple[str, ...]:
    """Where a link tells people to look for us: real addresses first, loopback for the same host last."""
    ordered = sorted(world.listen, key=lambda address: address.startswith(("127.", "[::1]")))
    return tuple(ordered[:MAX_PEER_ADDRESSES])


def lifetime_ms(expires_in_ms: int) -> int:
    """Of a link, as it was asked for. `errors.IntentRefused`: too short, or too long."""
    if not MIN_EXPIRY_MS <= expires_in_ms <= MAX_EXPIRY_MS:
        raise IntentRefused(Refusal.LIMIT, "A link is valid for a minute at least and a year at most.")
    return expires_in_ms
