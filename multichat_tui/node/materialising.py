"""What is decided in a workspace, carried into the channels on its list.

The nodes of those who may moderate in both issue ordinary operations in each channel, so that every channel stands alone, and one
that is listed in two workspaces does not tell the members of one about the other. Such an operation carries a mark that only
members of the workspace can tell (`cause_of`): so it is carried once, and what a channel decides later for itself stays.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from multichat_tui.channel.operations import Operation
from multichat_tui.crypto.keys import mac, public_key
from multichat_tui.model.acts import Ban, Listing, Remove, SetRank, Unban
from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, Log, UserId, digest
from multichat_tui.model.intents import ApproveJoin, BanMember, GiveRank, LiftBan, RemoveMember
from multichat_tui.model.invitations import join_seed
from multichat_tui.model.limits import CAUSE_BYTES
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.model.values import dataclass
from multichat_tui.node.act_words import LEFT_REASON
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.listing import Deed, cause_of, listed, state_of, workspaces
from multichat_tui.node.moderating import Moderating, ModeratingIntent
from multichat_tui.node.petitioning import Petitioning, awaited
from multichat_tui.node.workspaces import Workspaces
from multichat_tui.node.world import Channel, World

FIRST_TURN_MS = 15_000
"""How long others leave it to the author of an operation to carry it into the channels."""
TURN_MS = 10_000
"""Between the turns of the others."""
TURNS = 30
AGREED_MS = 60 * 60 * 1000
"""For so long an entry of ours that somebody has changed who knew it is not brought up to date again: they may know better, or
less, and two nodes that contradict each other do not go on at once."""
MAX_CARRIED = 32
"""Records that one look writes; the rest follows at the next."""

Carried: TypeAlias = tuple[bytes, UserId, type[Deed]]
"""A mark, whom it is about, and what was done."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to be written by whoever comes first: `author` at once, others in turns."""

    key: bytes
    author: UserId
    channels: tuple[Channel, ...]
    """Where it is written."""
    do: Callable[[], object]


class Materialising:
    def __init__(self, world: World, ledger: Ledger, workspaces: Workspaces) -> None:
        self._world = world
        self._ledger = ledger
        self._workspaces = workspaces
        self._moderating = Moderating(world)
        self._petitioning = Petitioning(world)
        self._noticed: dict[bytes, int] = {}
        """What others are to do first, and since when it waits."""
        self._wake_ms: int | None = None
        self._settled: dict[tuple[ChannelId, ChannelId], tuple[int, int]] = {}
        """Of a workspace and a channel, the states of their logs at which nothing was left to be carried."""
        self._causes: dict[ChannelId, tuple[int, frozenset[Carried]]] = {}

    @property
    def wake_times(self) -> list[int]:
        return [] if self._wake_ms is None else [self._wake_ms]

    def tend(self) -> None:
        """Bring lists up to date, and what workspaces decided into their channels, if anything has changed or a turn has come."""
        world = self._world
        if not world.workspaces_due and (self._wake_ms is None or self._wake_ms > world.now):
            return
        world.workspaces_due, self._wake_ms = False, None
        if world.identity.stopped:
            return
        duties = [duty for workspace in workspaces(world) for duty in self._duties(workspace)]
        ready = [duty for duty in duties if self._is_our_turn(duty) and self._has_room(duty)]
        self._noticed = {key: since for key, since in self._noticed.items() if any(duty.key == key for duty in duties)}
        for duty in ready[:MAX_CARRIED]:
            duty.do()
        if len(ready) > MAX_CARRIED:
            self._wake_ms = world.now

    def _has_room(self, duty: Duty) -> bool:
        return all(self._ledger.has_room(channel, by_itself=True) for channel in duty.channels)

    def _is_our_turn(self, duty: Duty) -> bool:
        me, now = self._world.identity, self._world.now
        if duty.author == me.user:
            return True
        since = self._noticed.setdefault(duty.key, now)
        turn = int.from_bytes(digest("mc.turn", duty.key + me.device)[:2], "big") % TURNS
        at = since + FIRST_TURN_MS + turn * TURN_MS
        if at > now:
            self._wake_ms = at if self._wake_ms is None else min(self._wake_ms, at)
        return at <= now

    def _duties(self, workspace: Channel) -> Iterator[Duty]:
        world, me = self._world, self._world.identity.user
        if me not in workspace.view.members:
            return
        here = [(channel, index, act) for channel, index, act in listed(world, workspace) if me in channel.view.members]
        unsettled = [
            channel for channel, _, _ in here if self._settled.get((workspace.id, channel.id)) != _masks(workspace, channel)
        ]
        ours = workspace.view.may(me, Permission.MODERATE)
        deeds = [each for each in _deeds(workspace) if ours or each[0].user == me] if unsettled else []
        for channel in unsettled:
            least = workspace.view.directory[channel.id][1].least
            found = [duty for each in deeds for duty in self._carried(workspace, channel, least, *each)]
            found += self._let_in(workspace, channel)
            if not found:
                self._settled[workspace.id, channel.id] = _masks(workspace, channel)
            yield from found
        for channel, index, listing in here:
            author = workspace.control.operation(workspace.control.records_by_index(index))
            assert author is not None
            if self._is_stale(workspace, channel, author, listing) and not self._is_contradicted(workspace, channel, author):
                renew = partial(self._workspaces.renew, workspace, channel, listing)
                written = (workspace,) if listing.way_in is None else (workspace, channel)
                yield Duty(mac(channel.id, "mc.stale", author.id), author.user, written, renew)

    def _is_stale(self, workspace: Channel, channel: Channel, listed_by: Operation, listing: Listing) -> bool:
        """Whether the list says something else than what is so, or lets in who is gone; and we may change that."""
        me, view = self._world.identity.user, workspace.view
        if not view.may(me, Permission.CREATE) or (listing.way_in is not None and not channel.view.may(me, Permission.INVITE)):
            return False
        if (listing.name, listing.topic) != (channel.view.name, channel.view.topic):
            return True
        if listing.way_in is None:
            return False
        found = state_of(channel, listing.way_in)
        gone = any(not listed_by.follows(ending.operation) for ending in view.endings if ending.user not in view.members)
        if gone or found is None or not found[1].open or listing.way_in.expires_ms <= self._world.now:
            return True
        return listing.least > MEMBER and self._has_come_back(workspace, channel, listing)

    def _has_come_back(self, workspace: Channel, channel: Channel, listing: Listing) -> bool:
        """Whether somebody who has the role again was let in before by this way in, which they can use once."""
        assert listing.way_in is not None
        view, control, key = channel.view, channel.control, public_key(join_seed(listing.way_in.seed))
        ranks = workspace.view.members
        fit = (user for user in ranks if user not in view.members and (workspace.view.rank(user) or 0) >= listing.least)
        waiting = {petition.user for petition in control.waiting()}
        return any(
            user not in waiting and user not in view.bans and control.has_asked(user, key) and control.refusal(user, key) is None
            for user in fit
        )

    def _is_contradicted(self, workspace: Channel, channel: Channel, listed_by: Operation) -> bool:
        """Whether what stands on the list took the place of what we have put there not long ago; it is looked at again then."""
        me, now = self._world.identity.user, self._world.now
        ours = (
            operation
            for operation in workspace.control.newest_first()
            if operation.user == me and any(isinstance(act, Listing) and act.channel == channel.id for act in operation.acts)
        )
        last = next(ours, None)
        if last is None or last is listed_by or not listed_by.follows(last.index):
            return False
        written = self._world.txn.record(last.id)
        until = 0 if written is None else written.header.timestamp_ms + AGREED_MS
        if until > now:
            self._wake_ms = until if self._wake_ms is None else min(self._wake_ms, until)
        return until > now

    def _let_in(self, workspace: Channel, channel: Channel) -> Iterator[Duty]:
        """Who asks by the way in of a channel that is for those of a role, and has it. Others wait: they may be given it."""
        index, listing = workspace.view.directory[channel.id]
        if listing.way_in is None or listing.least <= MEMBER:
            return
        author = workspace.control.operation(workspace.control.records_by_index(index))
        assert author is not None
        key = public_key(join_seed(listing.way_in.seed))
        for petition in awaited(channel):
            rank = workspace.view.rank(petition.user)
            if petition.join.join_key != key or rank is None or rank < listing.least:
                continue
            try:
                act = self._petitioning.decide(channel, ApproveJoin(channel=channel.id, user=petition.user))
            except MultichatError:
                continue
            write = partial(self._ledger.author, channel, Log.CONTROL, (act,))
            yield Duty(mac(channel.id, "mc.fits", petition.user, key), author.user, (channel,), write)

    def _carried(
        self, workspace: Channel, channel: Channel, least: int, operation: Operation, deed: Deed, counts: bool
    ) -> Iterator[Duty]:
        cause, known, kind = cause_of(workspace.id, operation.id, deed.user), self._causes_in(channel), type(deed)
        if not counts:
            # It was carried, and has turned out to be void.
            if (cause, deed.user, kind) not in known:
                return
            cause, kind = mac(cause, "mc.cause")[:CAUSE_BYTES], Unban if kind is Ban else kind
        if (cause, deed.user, kind) in known:
            return
        intent = _wish(channel, deed, least, self._world.now) if counts else _taken_back(workspace, channel, deed)
        if intent is None:
            return
        try:
            acts = self._moderating.decide(channel, intent)
        except MultichatError:
            # Not ours to do, or no longer to be done: somebody else's node may, or nobody's.
            return
        known_as = {type(act) for act in acts}
        if kind not in known_as and any((cause, deed.user, each) in known for each in known_as):
            return
        marked = tuple(replace(act, cause=cause) if isinstance(act, SetRank | Remove | Ban | Unban) else act for act in acts)
        yield Duty(cause + channel.id, operation.user, (channel,), partial(self._ledger.author, channel, Log.CONTROL, marked))

    def _causes_in(self, channel: Channel) -> frozenset[Carried]:
        """What was ever carried into a channel: with effect, whatever was done there since, or by this user, who tries once. A
        mark in what has no effect, or is about somebody or something else, is a member's who would keep it out."""
        count, me, effective = len(channel.control), self._world.identity.user, channel.view.effective
        known = self._causes.get(channel.id)
        if known is None or known[0] != count:
            found = frozenset(
                (act.cause, act.user, type(act))
                for operation in channel.control.newest_first()
                if operation.user == me or effective >> operation.index & 1
                for act in operation.acts
                if isinstance(act, SetRank | Remove | Ban | Unban) and act.cause
            )
            known = self._causes[channel.id] = (count, found)
        return known[1]


def _masks(workspace: Channel, channel: Channel) -> tuple[int, int]:
    return workspace.view.mask, channel.view.mask


def _deeds(workspace: Channel) -> Iterator[tuple[Operation, Deed, bool]]:
    """Of each person the last that was decided about them, and whatever was decided later and has turned out to be void."""
    decided: set[UserId] = set()
    for operation in sorted(workspace.control.newest_first(), key=lambda each: each.order, reverse=True):
        counts = bool(workspace.view.effective >> operation.index & 1)
        for act in operation.acts:
            if not isinstance(act, SetRank | Remove | Ban | Unban) or act.user in decided or act.reason == LEFT_REASON:
                continue
            if counts:
                decided.add(act.user)
            if counts or workspace.control.reverted(operation.id):
                yield operation, act, counts


def _wish(channel: Channel, deed: Deed, least: int, now: int) -> ModeratingIntent | None:
    """What is to be done in a channel for it, where one needs the rank `least` in the workspace; None: nothing."""
    rank = channel.view.rank(deed.user)
    match deed:
        case SetRank() if rank is not None and deed.rank < least:
            return RemoveMember(channel=channel.id, user=deed.user, reason=deed.reason)
        case SetRank() if rank is not None and rank != deed.rank:
            lasts = max(0, deed.until_ms - now) if deed.until_ms else 0
            return GiveRank(channel=channel.id, user=deed.user, rank=deed.rank, lasts_ms=lasts, reason=deed.reason)
        case Remove() if rank is not None:
            return RemoveMember(channel=channel.id, user=deed.user, reason=deed.reason)
        case Ban() if not deed.until_ms or deed.until_ms > now:
            lasts = deed.until_ms - now if deed.until_ms else 0
            return BanMember(channel=channel.id, user=deed.user, lasts_ms=lasts, reason=deed.reason)
        case Unban() if deed.user in channel.view.bans:
            return LiftBan(channel=channel.id, user=deed.user, reason=deed.reason)
        case _:
            return None


def _taken_back(workspace: Channel, channel: Channel, deed: Deed) -> ModeratingIntent | None:
    """What undoes it. Who was removed comes back by the list."""
    match deed:
        case SetRank() if channel.view.rank(deed.user) == deed.rank:
            rank = workspace.view.rank(deed.user)
            given = MEMBER if rank is None or deed.user in workspace.view.founders else rank
            return None if given == deed.rank else GiveRank(channel=channel.id, user=deed.user, rank=given)
        case Ban() if deed.user in channel.view.bans:
            return LiftBan(channel=channel.id, user=deed.user)
        case _:
            return None
