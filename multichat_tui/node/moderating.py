"""What people do to each other's rights in a channel: ranks, removals, bans, permissions. Decided here; `choices` writes it.

What is refused here would be without effect on every other node, too: the same rules (`channel.permitting`) hold there.
"""

from collections.abc import Iterator

from multichat_tui.channel.view import View
from multichat_tui.model.acts import MAX_RANK, Act, Ban, Mark, Remove, SetRank, SetThreshold, Style, Tip, Unban, WideFence
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import PREFIX_SIZE, Log, UserId
from multichat_tui.model.intents import BanMember, GiveRank, LiftBan, Lockdown, RemoveMember, SetPermission
from multichat_tui.model.limits import MAX_ETS, MAX_MARKS, MAX_TIMESTAMP_MS, MAX_TIPS, MAX_TOPIC_CHARACTERS
from multichat_tui.model.ranks import FOUNDER, MEMBER, MUTED, OF_CONTENT, Permission, holders_words, standing_words
from multichat_tui.model.text import visible
from multichat_tui.node.lockdown import lifting_acts, lockdown_acts
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import End

ModeratingIntent = GiveRank | RemoveMember | BanMember | LiftBan | SetPermission | Lockdown


class Moderating:
    def __init__(self, world: World) -> None:
        self._world = world

    def decide(self, channel: Channel, intent: ModeratingIntent) -> tuple[Act, ...]:
        """`errors.IntentRefused`: every other node would refuse it, too."""
        if channel.view.style is Style.DIRECT:
            raise IntentRefused(Refusal.NOT_ALLOWED, "A direct conversation belongs to both alike.", "Block them instead.")
        reason = clean_reason(intent.reason)
        match intent:
            case GiveRank():
                return (self._rank(channel, intent, reason),)
            case RemoveMember():
                self._may(channel, Permission.MODERATE, "remove people")
                self._below(channel, intent.user, "remove")
                if intent.user not in channel.view.members:
                    raise NotFound("They are not in this channel.")
                return (Remove(user=intent.user, fence=self._fence(channel, intent.user), reason=reason),)
            case BanMember():
                return (self._ban(channel, intent, reason),)
            case LiftBan():
                return (self._lift(channel, intent.user, reason),)
            case SetPermission():
                return (self._threshold(channel, intent, reason),)
            case Lockdown():
                self._may(channel, Permission.CHANGE, "change permissions")
                me = self._world.identity.user
                if intent.on:
                    return lockdown_acts(channel, me, wide_fence(channel), reason)
                return lifting_acts(channel, me, reason)

    def _rank(self, channel: Channel, intent: GiveRank, reason: str) -> SetRank:
        view = channel.view
        if not MUTED <= intent.rank <= MAX_RANK:
            raise IntentRefused(Refusal.LIMIT, f"A rank is a number from {MUTED} to {MAX_RANK}.")
        what = "give ranks" if intent.rank > MEMBER else "change ranks"
        mine = self._may(channel, Permission.APPOINT if intent.rank > MEMBER else Permission.MODERATE, what)
        self._below(channel, intent.user, "change the rank of")
        theirs = view.rank(intent.user)
        if theirs is None:
            raise NotFound("They are not in this channel.")
        if intent.rank >= mine:
            raise IntentRefused(Refusal.NOT_ALLOWED, f"You are {standing_words(mine)}: you give ranks below your own only.")
        if intent.lasts_ms and intent.rank != MUTED:
            raise IntentRefused(Refusal.LIMIT, "Only silence ends by itself: other ranks last until they are changed.")
        until = self._until(intent.lasts_ms)
        if theirs == intent.rank and (theirs != MUTED or muted_until(channel, intent.user) == until):
            raise IntentRefused(Refusal.ALREADY, f"{self._name(intent.user)} is {standing_words(theirs)} already.")
        return SetRank(user=intent.user, rank=intent.rank, fence=self._fence(channel, intent.user), reason=reason, until_ms=until)

    def _ban(self, channel: Channel, intent: BanMember, reason: str) -> Ban:
        self._may(channel, Permission.MODERATE, "ban people")
        self._below(channel, intent.user, "ban")
        until = self._until(intent.lasts_ms)
        if any(ban.until_ms == until for ban in channel.view.bans.get(intent.user, ())):
            raise IntentRefused(Refusal.ALREADY, f"{self._name(intent.user)} is banned already.")
        return Ban(user=intent.user, fence=self._fence(channel, intent.user), until_ms=until, reason=reason)

    def _until(self, lasts_ms: int) -> int:
        """When a span that begins now is over; 0 of one without end."""
        if not 0 <= lasts_ms <= MAX_TIMESTAMP_MS - 1 - self._world.now:
            raise IntentRefused(Refusal.LIMIT, "That is no span of time.", "Write it like 1h, 7d or 2w.")
        return self._world.now + lasts_ms if lasts_ms else 0

    def _lift(self, channel: Channel, user: UserId, reason: str) -> Unban:
        mine = self._may(channel, Permission.MODERATE, "lift bans")
        bans = channel.view.bans.get(user, ())
        if not bans:
            raise NotFound(f"{self._name(user)} is not banned.")
        if any(ban.level > mine for ban in bans):
            most = max(ban.level for ban in bans)
            raise IntentRefused(
                Refusal.NOT_ALLOWED, f"Who has set this ban is {standing_words(most)}: it is lifted by those of that rank only."
            )
        return Unban(user=user, reason=reason)

    def _threshold(self, channel: Channel, intent: SetPermission, reason: str) -> SetThreshold:
        view = channel.view
        mine = self._may(channel, Permission.CHANGE, "change permissions")
        if intent.rank != FOUNDER and not MUTED <= intent.rank <= MAX_RANK:
            raise IntentRefused(Refusal.LIMIT, f"A rank is a number from {MUTED} to {MAX_RANK}.")
        before = view.threshold(intent.permission)
        if before == intent.rank:
            raise IntentRefused(Refusal.ALREADY, "That is so already.")
        if max(before, intent.rank) > mine:
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                f"You are {standing_words(mine)}: what needs more than that, before or after, is not yours to change.",
            )
        drawn = intent.permission in OF_CONTENT and intent.rank > before
        fence = wide_fence(channel) if drawn else WideFence()
        return SetThreshold(permission=intent.permission, rank=intent.rank, fence=fence, reason=reason)

    def _may(self, channel: Channel, permission: Permission, what: str) -> int:
        """Our own rank, if that suffices."""
        return need(channel.view, self._world.identity.user, permission, what)

    def _below(self, channel: Channel, user: UserId, what: str) -> None:
        view, me = channel.view, self._world.identity.user
        if user == me:
            raise IntentRefused(Refusal.NOT_ALLOWED, f"You cannot {what} yourself.", "/leave leaves the channel.")
        mine, theirs = view.rank(me), view.rank(user)
        if user in view.founders:
            raise IntentRefused(Refusal.NOT_ALLOWED, "Founders cannot be acted on.")
        if theirs is None and mine is not None and channel.control.holds(user, mine):
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                f"{self._name(user)} left, and was given a rank like yours or higher beside that.",
                "One acts on lower ranks only.",
            )
        if theirs is not None and mine is not None and theirs >= mine:
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                f"{self._name(user)} is {standing_words(theirs)}, and you are {standing_words(mine)}.",
                "One acts on lower ranks only.",
            )

    def _fence(self, channel: Channel, user: UserId) -> tuple[Tip, ...]:
        return fence(channel, user)

    def _name(self, user: UserId) -> str:
        return visible(self._world.name_of(user)) or "This person"


WHY_MUTED = "/modlog says by whom, until when and why."


def need(view: View, user: UserId, permission: Permission, what: str) -> int:
    """The rank of somebody who may. `errors.IntentRefused` says who could."""
    rank, least = view.rank(user), view.threshold(permission)
    if rank is None:
        raise IntentRefused(Refusal.NOT_A_MEMBER, "You are not in this channel.")
    if rank < least:
        who = "Only founders" if least == FOUNDER else f"In this channel only {holders_words(least)}"
        mine = "You are muted here." if rank == MUTED else f"You are {standing_words(rank)}."
        told = f"{who} {what}. {mine}" if rank > MUTED or least > MEMBER else mine
        raise IntentRefused(Refusal.NOT_ALLOWED, told, WHY_MUTED if rank == MUTED else "")
    return rank


def wide_fence(channel: Channel) -> WideFence:
    """The ends of all chains of content, as far as they are here. Where there are too many to name, those that were written to
    last are named; what the others hold is no later than the last of them."""
    ends = sorted((end for log, end in _seen(channel) if log is Log.CONTENT), key=lambda end: -end.ets)
    named = sorted((end.device[:PREFIX_SIZE], end.seq) for end in ends[:MAX_MARKS])
    floor = ends[MAX_MARKS].ets if len(ends) > MAX_MARKS else 0
    return WideFence(marks=tuple(Mark(device=device, seq=seq) for device, seq in named), floor_ets=min(floor, MAX_ETS - 1))


def _seen(channel: Channel) -> Iterator[tuple[Log, End]]:
    """The newest that is here of each chain, whether what is below it has come yet or not."""
    chains = channel.chains
    for key in sorted({*chains.ends, *chains.islands}):
        island = chains.islands.get(key)
        yield key[0], chains.ends[key] if island is None else island.end


def fence(channel: Channel, user: UserId) -> tuple[Tip, ...]:
    """The ends of the chains of somebody's devices, as far as they are here."""
    mine = [(log, end) for log, end in _seen(channel) if channel.control.user_of(end.device) == user]
    return tuple(Tip(device=end.device, log=log, seq=end.seq, hash=end.id) for log, end in mine[:MAX_TIPS])


def muted_until(channel: Channel, user: UserId) -> int | None:
    """When the silence of somebody ends by itself: the last end of those that nothing has followed; 0: never. None: they are not
    muted."""
    if channel.view.ranks.get(user) != MUTED:
        return None
    control = channel.control
    rankings = [ranking.operation for ranking in channel.view.rankings if ranking.user == user]
    ends: list[int] = []
    for index in rankings:
        operation = control.operation(control.records_by_index(index))
        assert operation is not None
        if not any(control.follows(other, index) for other in rankings):
            ends += [
                act.until_ms for act in operation.acts if isinstance(act, SetRank) and act.user == user and act.rank == MUTED
            ]
    return 0 if not all(ends) else max(ends, default=0)


def rank_before_silence(channel: Channel, user: UserId) -> int:
    """The rank that somebody had when they were muted, before the first of several silences; MEMBER if that is not known."""
    control, rank = channel.control, None
    done = sorted(filter(None, map(control.operation, control.done_to(user))), key=lambda operation: operation.order)
    for operation in reversed(done):
        if not control.effective(operation.id):
            continue
        if not any(isinstance(act, SetRank) and (act.user, act.rank) == (user, MUTED) for act in operation.acts):
            break
        rank = control.state_before(operation).rank(user)
    return MEMBER if rank is None or rank == MUTED else rank


def clean_reason(text: str) -> str:
    reason = " ".join(text.split())
    try:
        reason.encode()
    except UnicodeEncodeError:
        raise IntentRefused(Refusal.BAD_NAME, "The reason holds characters that are no Unicode text.") from None
    if len(reason) > MAX_TOPIC_CHARACTERS:
        raise IntentRefused(Refusal.TOO_LONG, f"A reason has at most {MAX_TOPIC_CHARACTERS} characters.")
    return reason
