"""Which operations of a set have effect, and what follows from them: the rules of authority.md, asked lazily.

Ranks are decided from the founders down. A question about one level is answered by decisions of higher levels, or by joins and
leavings with fewer ancestors: so asking ends, however the operations lie. What was found is remembered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import field

from multichat_tui.channel.operations import Operation
from multichat_tui.channel.subjects import Entries, Subjects, lowers, needed, own_close, own_invitation, raises
from multichat_tui.channel.view import InvitationName
from multichat_tui.model.acts import (
    Act,
    Ban,
    Devices,
    Invite,
    Leave,
    Listing,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    Setting,
    SetTopic,
)
from multichat_tui.model.channel_settings import SettingKey, Slot, least_rank, rule_of, slot_of
from multichat_tui.model.codec import Value
from multichat_tui.model.ids import ChannelId, DeviceId, UserId
from multichat_tui.model.ranks import FOUNDER, MEMBER, MUTED, THRESHOLDS, Permission
from multichat_tui.model.values import dataclass

LOWEST = MUTED - 1
VOID = LOWEST - 1
"""Stands for the level of what has been decided and has no effect."""
MOST_FRAMES = 24
"""Joins that hang on each other, one within the other, before they are decided in their order instead."""


@dataclass(slots=True)
class Places:
    """Of one invitation, as far as it has been asked: `seen` are the admits that were decided, `taken` those with a place."""

    seen: int = 0
    taken: int = 0
    admits: list[Operation] = field(default_factory=list)
    """Those with a place, in their order."""
    users: set[UserId] = field(default_factory=set)

    def take(self, admit: Operation) -> None:
        self.taken |= admit.bit
        self.admits.append(admit)
        self.users.add(joined(admit))

    def before(self, first: Operation) -> "Places":
        """As it was before an admit was decided."""
        kept = [op for op in self.admits if op.order < first.order]
        return Places(0, sum(op.bit for op in kept), kept, {joined(op) for op in kept})

    def copy(self) -> "Places":
        return Places(self.seen, self.taken, list(self.admits), set(self.users))


@dataclass(slots=True)
class Answers:
    """What was asked of a whole set, as content asks for it again and again."""

    ranks: dict[UserId, int | None] = field(default_factory=dict)
    thresholds: dict[Permission, int] = field(default_factory=dict)
    numbers: dict[SettingKey, int] = field(default_factory=dict)


class Authority:
    """Of the operations in `mask`, which holds the past of each."""

    def __init__(self, subjects: Subjects, mask: int) -> None:
        self.subjects = subjects
        self.mask = mask
        self._levels: dict[int, int] = {0: FOUNDER}
        """Of what has been decided."""
        self._asked: dict[int, int] = {}
        """Of what has not: the level down to which its author does not stand."""
        self._places: dict[InvitationName, Places] = {}
        self._depth = 0
        self._answers = Answers()

    # One more

    def carry_on(self, operation: Operation, *, valid: bool) -> int:
        """Take in an operation that nothing in the set follows. The set of those whose worth is another one with it."""
        self.mask |= operation.bit
        if not valid:
            return 0
        self._answers = Answers()
        touched = self._touched(self.subjects.touched(operation, self.mask), operation.bit)
        before = {op.index: self._levels.get(op.index) for op in touched}
        self._forget(touched)
        changed = operation.bit if self.effective(operation) else 0
        for op in touched:
            if self.level(op) != before[op.index]:
                changed |= op.bit
        return changed

    def without(self, gone: list[Operation]) -> "Authority":
        """The same of fewer operations: `gone` are such as nothing left follows."""
        fewer = Authority(self.subjects, self.mask)
        waiting = 0
        for op in gone:
            fewer.mask &= ~op.bit
        fewer._levels = dict(self._levels)
        fewer._asked = dict(self._asked)
        fewer._places = {name: places.copy() for name, places in self._places.items()}
        for op in gone:
            waiting |= self.subjects.touched(op, fewer.mask)
        fewer._forget([*fewer._touched(waiting, 0), *gone])
        return fewer

    def _touched(self, waiting: int, spared: int) -> list[Operation]:
        """These, what they may change, and so on."""
        found = 0
        touched: list[Operation] = []
        while waiting:
            op = self.subjects.operations[waiting.bit_length() - 1]
            found |= op.bit
            touched.append(op)
            waiting = (waiting | self.subjects.touched(op, self.mask)) & ~found & ~spared
        return touched

    def _forget(self, operations: list[Operation]) -> None:
        first: dict[bytes, Operation] = {}
        for operation in operations:
            self._levels.pop(operation.index, None)
            self._asked.pop(operation.index, None)
            if operation.join is not None:
                known = first.setdefault(operation.join.join_key, operation)
                if operation.order < known.order:
                    first[operation.join.join_key] = operation
        for join_key, operation in first.items():
            earlier = sum(op.bit for op in self.subjects.admits(join_key).newest_first(self.mask) if op.order < operation.order)
            for name, _, _ in self.subjects.invitations(join_key):
                if (places := self._places.get(name)) is not None:
                    self._places[name] = places.before(operation)
                    self._places[name].seen = places.seen & earlier

    # Levels

    def level(self, operation: Operation, least: int = LOWEST) -> int:
        """The level of an effective operation if that is `least` or above; else less than every rank."""
        found = self._levels.get(operation.index)
        if found is None:
            found = self._decide(operation, least)
        return found if found >= least else VOID

    def effective(self, operation: Operation) -> bool:
        return self.level(operation) > LOWEST

    def _decide(self, operation: Operation, least: int) -> int:
        """Go on asking from where it was left, down to a level."""
        if operation.join is not None:
            return self._decide_admit(operation, least)
        asked = self._asked.get(operation.index, FOUNDER + 1)
        for k in self.subjects.ranks:
            if k >= asked:
                continue
            if k < least:
                break
            found = self._decide_at(operation, k)
            if found is not None:
                self._levels[operation.index] = found
                return found
            self._asked[operation.index] = k
        else:
            self._levels[operation.index] = VOID
        return VOID

    def _decide_at(self, operation: Operation, k: int) -> int | None:
        """None: it is not decided at k, for its author does not stand there."""
        if k == MEMBER and self._closes_own(operation):
            return k
        first = operation.acts[0] if operation.acts else None  # a merge has none
        early = isinstance(first, Devices | Leave) or (k == MEMBER and own_invitation(operation))
        if not self._stands(operation, k, k + 1 if early else k):
            return None
        return k if all(self._allowed(operation, act, k) for act in operation.acts) else VOID

    def _stands(self, operation: Operation, k: int, least: int) -> bool:
        """Rule 3; revocations count from the level `least` on."""
        if k > self.subjects.claims[operation.index] or not self._holds(operation.user, k, operation.past, k):
            return False
        if self._revoked(operation, least):
            return False
        about = self.subjects.about(operation.user)
        return not any(
            lowers(other, operation.user, k) and self.level(other, k + 1) > k for other in about.beside(operation, self.mask)
        )

    def _revoked(self, operation: Operation, least: int) -> bool:
        """Whether a revocation of its device of a level of at least `least` lies beside it or in its past."""
        entries = self.subjects.revocations(operation.device)
        return bool(entries) and any(
            other is not operation and not other.past & operation.bit and self.level(other, least) >= least
            for other in entries.newest_first(self.mask)
        )

    def _holds(self, user: UserId, k: int, mask: int, leaves: int) -> bool:
        """Rule 5: whether somebody has rank k or more after the operations in `mask`."""
        founder = user in self.subjects.founders
        covered = set_down = 0
        found = founder
        for operation in self.subjects.about(user).newest_first(mask):
            if operation.join is not None:
                if not covered & operation.bit and self.level(operation, k) >= k:
                    found = True
                    covered |= operation.past
            elif isinstance(operation.acts[0], Leave):
                if not covered & operation.bit and self.level(operation, leaves) >= leaves:
                    return False
            elif not (covered & operation.bit and set_down & operation.bit) and self.level(operation, k + 1) > k:
                if not covered & operation.bit and lowers(operation, user, k):
                    return False
                if not set_down & operation.bit and _sets_below(operation, user, k):
                    # A rank that somebody higher has set is not shaken off by leaving and joining again.
                    return False
                found = found or not covered & operation.bit
                covered |= operation.past
                set_down |= operation.past
        return found and not (not founder and self.banned(user, k, mask))

    def banned(self, user: UserId, k: int, mask: int) -> bool:
        """Whether a ban of a level above k stands unlifted after the operations in `mask`."""
        bans = self.subjects.bans(user)
        return bool(bans) and any(
            (level := self.level(ban, k + 1)) > k and not self._lifted(user, ban, level, mask) for ban in bans.newest_first(mask)
        )

    def _lifted(self, user: UserId, ban: Operation, level: int, mask: int) -> bool:
        lifts = self.subjects.lifts(user)
        return any(lift.past & ban.bit and self.level(lift, level) >= level for lift in lifts.newest_first(mask))

    def threshold(self, permission: Permission, k: int = LOWEST, mask: int | None = None) -> int:
        """The least rank that may: the strictest of the causally last changes of levels above k."""
        covered, found = 0, []
        for operation in self.subjects.thresholds(permission).newest_first(self.mask if mask is None else mask):
            if not covered & operation.bit and self.level(operation, k + 1) > k:
                covered |= operation.past
                found += list(_asks(operation, permission))
        return max(found, default=THRESHOLDS[permission])

    def _allowed(self, operation: Operation, act: Act, k: int) -> bool:
        """Rule 4."""
        if isinstance(act, SetRank | Remove | Ban) and (
            self._holds(act.user, k, operation.past, k) or self._countermanded(operation, act.user, k)
        ):
            return False
        if isinstance(act, SetRank) and act.rank >= k:
            return False
        if isinstance(act, SetThreshold) and max(act.rank, self.threshold(act.permission, k, operation.past)) > k:
            return False
        if isinstance(act, Setting) and least_rank(act.key, act.value) > k:
            return False
        permission = needed(self.subjects, operation, act)
        return permission is None or (
            self.threshold(permission, k, operation.past) <= k
            and not any(asked > k for asked in self._tightened(operation, permission, k))
        )

    def _countermanded(self, operation: Operation, user: UserId, k: int) -> bool:
        """Somebody higher has given the target k or more, beside the operation."""
        for other in self.subjects.about(user).beside(operation, self.mask):
            if other.join is not None:
                if self.level(other, k) >= k:
                    return True
            elif raises(other, user, k) and self.level(other, k + 1) > k:
                return True
        return False

    def _tightened(self, operation: Operation, permission: Permission, k: int) -> Iterator[int]:
        """What changes of levels above k beside an operation ask for."""
        for other in self.subjects.thresholds(permission).beside(operation, self.mask):
            if self.level(other, k + 1) > k:
                yield from _asks(other, permission)

    # Joins: rule 6

    def _decide_admit(self, admit: Operation, least: int) -> int:
        assert admit.join is not None
        asked = self._asked.get(admit.index, FOUNDER + 1)
        names = self.subjects.invitations(admit.join.join_key)
        for k in sorted({invite.rank for _, _, invite in names}, reverse=True):
            if k >= asked:
                continue
            if k < least:
                return VOID
            if self._place(admit, k) is not None:
                self._levels[admit.index] = k
                return k
            self._asked[admit.index] = k
        self._levels[admit.index] = VOID
        return VOID

    def _place(self, admit: Operation, k: int) -> InvitationName | None:
        """The invitation to rank k under which an admit has a place."""
        assert admit.join is not None
        for name, maker, invite in self.subjects.invitations(admit.join.join_key):
            if invite.rank == k and admit.past & maker.bit and self._filled(name, invite, admit).taken & admit.bit:
                return name
        return None

    def _filled(self, name: InvitationName, invite: Invite, last: Operation) -> Places:
        """The places under an invitation once the admits under it are decided in their order, up to and with `last`."""
        places = self._places.setdefault(name, Places())
        if places.seen & last.bit:
            return places
        if self._depth > MOST_FRAMES:
            self._in_order(last)
        self._depth += 1
        names = self.subjects.invitations(invite.join_key)
        entries = self.subjects.admits(invite.join_key).newest_first(self.mask & ~places.seen)
        for admit in sorted((op for op in entries if op.order <= last.order), key=lambda op: op.order):
            for other, earlier in self._asked_before(name, invite):
                self._filled(other, earlier, admit)
            holds = not places.seen & admit.bit and self._may_have_place(name, admit, invite.rank)
            if places.seen & admit.bit:
                # Decided on the way.
                continue
            places.seen |= admit.bit
            elsewhere = any(self._places[other].taken & admit.bit for other, _, _ in names if other in self._places)
            if holds and not elsewhere and (len(places.users) < invite.uses or joined(admit) in places.users):
                places.take(admit)
        self._depth -= 1
        return places

    def _asked_before(self, name: InvitationName, invite: Invite) -> Iterator[tuple[InvitationName, Invite]]:
        """Other invitations with the same key under which an admit finds its place first, if somebody makes such."""
        passed = False
        for other, _, earlier in self.subjects.invitations(invite.join_key):
            if other == name:
                passed = True
            elif earlier.rank > invite.rank or (earlier.rank == invite.rank and not passed):
                yield other, earlier

    def _in_order(self, last: Operation) -> None:
        """All joins before this one, the first first: none of them has to wait within many others then."""
        depth, self._depth = self._depth, 0
        joins = [op for op in self.subjects.operations if op.join is not None and self.mask & op.bit and op.order < last.order]
        for operation in sorted(joins, key=lambda op: op.order):
            self.level(operation)
        self._depth = depth

    def _may_have_place(self, name: InvitationName, admit: Operation, k: int) -> bool:
        found = self.subjects.invitation(name)
        assert found is not None
        maker, _ = found
        if not admit.past & maker.bit or self.level(maker, k) < k or (self.level(maker, k) == k and not own_invitation(maker)):
            return False
        rank = max((k, self.threshold(Permission.ADMIT, k, admit.past), *self._tightened(admit, Permission.ADMIT, k)))
        if not self._stands(admit, rank, k + 1) or self.maker_gone(name, k, admit):
            return False
        if any(not close.past & admit.bit and self._closes(close, k) for close in self._closing(name)):
            return False
        closing = self._for_good().newest_first(self.mask)
        if any(not close.past & admit.bit and self.level(close, FOUNDER) == FOUNDER for close in closing):
            return False
        user = joined(admit)
        bans = self.subjects.bans(user)
        if any(self.level(ban, k + 1) > k for ban in bans.beside(admit, self.mask)):
            return False
        return not self.banned(user, k, admit.past)

    def _closing(self, name: InvitationName) -> Iterator[Operation]:
        return self.subjects.closes(name).newest_first(self.mask)

    def _closes(self, close: Operation, k: int) -> bool:
        """Whether a close counts for joins that give k: of higher levels; and of members' invitations to their own rank the
        maker's own."""
        return self.level(close, k + 1) > k or (k == MEMBER and self._closes_own(close))

    def _closes_own(self, close: Operation) -> bool:
        """Of members' invitations to their own rank the maker's own closes have effect, as long as nobody higher has lowered them
        beside it. (Whether they were let in is not asked: of two such closes and two joins each could hang on the other.)"""
        if not own_close(self.subjects, close) or self._revoked(close, MEMBER + 1):
            return False
        about = self.subjects.about(close.user)
        return not any(
            lowers(other, close.user, MEMBER) and self.level(other, MEMBER + 1) > MEMBER
            for other in about.beside(close, self.mask)
        )

    def maker_gone(self, name: InvitationName, k: int, admit: Operation | None) -> bool:
        """Whether the maker may not invite to rank k any more. What the invitation has seen does not matter (who came back begins
        anew), nor what the admit precedes."""
        found = self.subjects.invitation(name)
        assert found is not None
        maker, rank = found[0], k if k == MEMBER else k + 1
        return any(
            lowers(other, maker.user, rank)
            and not (admit is not None and other.past & admit.bit)
            and self.level(other, k + 1) > k
            for other in self.subjects.about(maker.user).newest_first(self.mask & ~maker.past)
        )

    # What is so after all of them

    def rank(self, user: UserId) -> int | None:
        """None: no member."""
        known = self._answers.ranks
        if user not in known:
            known[user] = self._rank(user)
        return known[user]

    def _rank(self, user: UserId) -> int | None:
        if user in self.subjects.founders:
            return FOUNDER if self._holds(user, FOUNDER, self.mask, MUTED) else None
        if not self.subjects.about(user).mask & self.mask:
            return None
        return next((k for k in self.subjects.ranks if k < FOUNDER and self._holds(user, k, self.mask, MUTED)), None)

    def holds(self, user: UserId, rank: int) -> bool:
        """Whether somebody has this rank or more for those who have it, to whom leavings of lower ranks say nothing."""
        return self._holds(user, rank, self.mask, rank)

    def bans(self, user: UserId) -> Iterator[tuple[Operation, int]]:
        """The bans of somebody that nobody has lifted, with their levels, in their order."""
        for ban in sorted(self.subjects.bans(user).newest_first(self.mask), key=lambda op: op.order):
            level = self.level(ban)
            if level > LOWEST and not self._lifted(user, ban, level, self.mask):
                yield ban, level

    def revoked(self, device: DeviceId) -> bool:
        entries = self.subjects.revocations(device)
        return bool(entries) and any(self.effective(op) for op in entries.newest_first(self.mask))

    def asks(self, permission: Permission) -> int:
        """The least rank that may."""
        known = self._answers.thresholds
        if permission not in known:
            known[permission] = self.threshold(permission)
        return known[permission]

    def was_here(self, user: UserId) -> bool:
        """Whether somebody is a member, or was one."""
        admits = (op for op in self.subjects.about(user).newest_first(self.mask) if op.join is not None)
        return user in self.subjects.founders or any(self.effective(op) for op in admits)

    def invitations(self, join_key: bytes) -> Iterator[tuple[InvitationName, Invite]]:
        """The effective ones with this key, that which was decided first first."""
        for name, maker, invite in self.subjects.invitations(join_key):
            if maker.bit & self.mask and self.effective(maker):
                yield name, invite

    def placed(self, name: InvitationName) -> list[Operation]:
        """The admits that have a place under an invitation, in their order."""
        found = self.subjects.invitation(name)
        assert found is not None
        last = max(self.subjects.admits(found[1].join_key).newest_first(self.mask), key=lambda op: op.order, default=None)
        if last is None:
            return []
        places = self._filled(name, found[1], last)
        return sorted((op for op in places.admits if self.level(op) == found[1].rank), key=lambda op: op.order)

    def closed(self, name: InvitationName) -> bool:
        found = self.subjects.invitation(name)
        assert found is not None
        return any(self.effective(op) for op in self._closing(name)) or self.maker_gone(name, found[1].rank, None)

    def setting(self, kind: type[SetTopic] | type[Rename]) -> str:
        """Of the causally last ones that of the highest level, then of most ancestors, then of the greatest id. "": none."""
        winner = self._last(self.subjects.settings[kind].mask)
        if winner is None:
            return ""
        act = next(act for act in reversed(winner.acts) if isinstance(act, kind))
        return act.topic if isinstance(act, SetTopic) else act.name

    def set_to(self, slot: Slot) -> Value:
        """The value of a setting, likewise; of final ones the greatest that was ever set. None: it was never set."""
        entries = self.subjects.set_in(slot)
        rule = rule_of(slot[0])
        if rule is not None and rule.final:
            found = [op for op in entries.newest_first(self.mask) if self.effective(op)]
            return max((value for op in found for value in _values(op, slot) if isinstance(value, int)), default=None)
        winner = self._last(entries.mask)
        return None if winner is None else _values(winner, slot)[-1]

    def number(self, key: SettingKey) -> int:
        """The value of a setting that is a number; its default where it was never set."""
        known = self._answers.numbers
        if key not in known:
            value, rule = self.set_to((key, 0)), rule_of(key)
            known[key] = value if isinstance(value, int) else 0 if rule is None else rule.default
        return known[key]

    def _for_good(self) -> Entries:
        """What closes the channel."""
        return self.subjects.set_in((SettingKey.CLOSED, 0))

    def _last(self, mask: int) -> Operation | None:
        """Of the causally last effective ones that of the highest level, then of most ancestors, then of the greatest id."""
        found = []
        waiting = mask & self.mask
        while waiting:
            operation = self.subjects.operations[waiting.bit_length() - 1]
            waiting &= ~operation.bit
            if self.effective(operation):
                waiting &= ~operation.past
                found.append(operation)
        return max(found, key=lambda op: (self.level(op), op.order), default=None)

    def directory(self) -> dict[ChannelId, tuple[Operation, Listing]]:
        """The channels on a workspace's list, with what put them there."""
        found = {}
        for channel, entries in self.subjects.listed.items():
            last = self._last(entries.mask)
            act = (
                None if last is None else next(a for a in reversed(last.acts) if isinstance(a, Listing) and a.channel == channel)
            )
            if last is not None and act is not None and act.name:
                found[channel] = last, act
        return found


def joined(admit: Operation) -> UserId:
    """Whom an admit lets in."""
    assert admit.joiner is not None
    return admit.joiner


def _sets_below(operation: Operation, user: UserId, k: int) -> bool:
    return any(isinstance(act, SetRank) and act.user == user and act.rank < k for act in operation.acts)


def _values(operation: Operation, slot: Slot) -> list[Value]:
    """What an operation sets there, in the order of its acts."""
    return [act.value for act in operation.acts if isinstance(act, Setting) and slot_of(act.key, act.value) == slot]


def _asks(operation: Operation, permission: Permission) -> Iterable[int]:
    return (act.rank for act in operation.acts if isinstance(act, SetThreshold) and act.permission is permission)
