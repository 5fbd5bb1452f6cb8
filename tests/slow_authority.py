"""The rules of authority.md, as they are written: slow, obvious, and all at once. What the program must agree with.

`Slow` decides any set of operations from nothing: level by level from the founders down, every question asked of every operation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from multichat_tui.channel import permitting
from multichat_tui.channel.operations import Operation
from multichat_tui.model.acts import (
    Act,
    Admit,
    Ask,
    Ban,
    CloseInvitation,
    Create,
    Devices,
    Invite,
    Leave,
    Listing,
    Message,
    Redact,
    RefuseJoin,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    Setting,
    SetTopic,
    Style,
    Unban,
    UnknownAct,
)
from multichat_tui.model.channel_settings import (
    SettingKey,
    Slot,
    holds,
    known,
    least_rank,
    permission_for,
    role_name_of,
    rule_of,
    slot_of,
)
from multichat_tui.model.codec import Value
from multichat_tui.model.hyperlinks import holds_link
from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId
from multichat_tui.model.limits import MAX_CUSTOM_RANKS
from multichat_tui.model.ranks import ADMIN, FOUNDER, MEMBER, MODERATOR, MUTED, THRESHOLDS, Permission

Name = tuple[RecordId, int]


@dataclass
class Outcome:
    """Of one set. `levels` has the effective operations, each with the level at which it was decided."""

    slow: "Slow"
    mask: int
    levels: dict[int, int] = field(default_factory=dict)
    placed: dict[Name, list[int]] = field(default_factory=dict)
    """Effective admits by their invitation, in order."""

    # Questions, at a level, of a set of operations within `mask`

    def effective(self, mask: int, above: int) -> Iterator[Operation]:
        """Those of a level above `above`."""
        return (op for op in self.slow.operations if mask >> op.index & 1 and self.levels.get(op.index, MUTED - 1) > above)

    def acts_on(self, user: UserId, k: int, mask: int, leaves: int) -> list[tuple[Operation, int | None]]:
        """What gives a user a rank, or takes it (None), and is asked for at threshold k; leaving of this level and above."""
        found: list[tuple[Operation, int | None]] = []
        for op in self.effective(mask, MUTED - 1):
            level = self.levels[op.index]
            for act in op.acts:
                if level > k and isinstance(act, SetRank) and act.user == user:
                    found.append((op, act.rank))
                ends = level > k and isinstance(act, Remove | Ban) and act.user == user
                if ends or (level >= leaves and isinstance(act, Leave) and op.user == user):
                    found.append((op, None))
            if level >= k and op.index in self.slow.seating and self.joined(op.index) == user:
                found.append((op, level))
        return found

    def holds(self, user: UserId, k: int, mask: int, leaves: int = MUTED) -> bool:
        """Rule 5."""
        acts = self.acts_on(user, k, mask, leaves)
        if user in self.slow.founders:
            return not acts
        # A rank that somebody higher has set is not shaken off by leaving and joining again.
        for op, rank in acts:
            if self.is_set(op, user) and rank is not None and rank < k:
                later = [other for other, _ in acts if self.slow.before(op, other)]
                if not any(self.is_set(other, user) or self.is_end(other, user) for other in later):
                    return False
        last = [rank for op, rank in acts if not any(self.slow.before(op, other) for other, _ in acts)]
        return bool(last) and all(rank is not None and rank >= k for rank in last) and not self.banned(user, k, mask)

    @staticmethod
    def is_set(op: Operation, user: UserId) -> bool:
        return any(isinstance(act, SetRank) and act.user == user for act in op.acts)

    @staticmethod
    def is_end(op: Operation, user: UserId) -> bool:
        return any(isinstance(act, Remove | Ban) and act.user == user for act in op.acts)

    def banned(self, user: UserId, k: int, mask: int) -> bool:
        """Whether a ban of a level above k stands unlifted."""
        for ban in self.effective(mask, k):
            if any(isinstance(act, Ban) and act.user == user for act in ban.acts):
                level = self.levels[ban.index]
                lifted = any(
                    any(isinstance(act, Unban) and act.user == user for act in lift.acts) and self.slow.before(ban, lift)
                    for lift in self.effective(mask, level - 1)
                )
                if not lifted:
                    return True
        return False

    def threshold(self, permission: Permission, k: int, mask: int) -> int:
        """The strictest of the causally last changes of levels above k."""
        changes = [
            (op, act.rank)
            for op in self.effective(mask, k)
            for act in op.acts
            if isinstance(act, SetThreshold) and act.permission is permission
        ]
        last = [rank for op, rank in changes if not any(self.slow.before(op, other) for other, _ in changes)]
        return max(last, default=THRESHOLDS[permission])

    def revoked(self, op: Operation, least: int) -> bool:
        """Whether an effective revocation of its device of at least this level lies beside it or in its past."""
        return any(
            other.devices is not None
            and op.device in other.devices.certified_revoked
            and not self.slow.before(op, other)
            and other is not op
            for other in self.effective(self.mask, least - 1)
        )

    def beside(self, op: Operation, above: int) -> Iterator[Operation]:
        for other in self.effective(self.mask, above):
            if other is not op and not self.slow.before(op, other) and not self.slow.before(other, op):
                yield other

    def stands(self, op: Operation, k: int, least: int) -> bool:
        """Rule 3; revocations of level `least` and above are asked for."""
        if k > self.slow.claims[op.index] or not self.holds(op.user, k, op.past, k) or self.revoked(op, least):
            return False
        return not any(_lowers(act, op.user, k) for other in self.beside(op, k) for act in other.acts)

    def allowed(self, op: Operation, act: Act, k: int) -> bool:
        """Rule 4."""
        match act:
            case SetRank() | Remove() | Ban():
                if self.holds(act.user, k, op.past, k):
                    return False
                for other in self.effective(self.mask, k - 1):
                    if other is op or self.slow.before(op, other) or self.slow.before(other, op):
                        continue
                    if self.levels[other.index] > k and any(_gives(each, act.user, k) for each in other.acts):
                        return False
                    if other.index in self.slow.seating and self.joined(other.index) == act.user:
                        return False
            case SetThreshold():
                if act.rank > k or self.threshold(act.permission, k, op.past) > k:
                    return False
            case _:
                pass
        if isinstance(act, SetRank) and act.rank >= k:
            return False
        if isinstance(act, Setting) and least_rank(act.key, act.value) > k:
            return False
        needed = self.slow.needs(op, act)
        return needed is None or (
            self.threshold(needed, k, op.past) <= k
            and not any(
                isinstance(each, SetThreshold) and each.permission is needed and each.rank > k
                for other in self.beside(op, k)
                for each in other.acts
            )
        )

    # Invitations

    def joined(self, index: int) -> UserId:
        join = self.slow.operations[index].join
        assert join is not None
        return join.certificate.user

    def invitations(self, join_key: bytes) -> list[tuple[Name, Invite]]:
        """The effective ones with this key, the first that was decided first."""
        found = sorted(self.effective(self.mask, MUTED - 1), key=lambda op: op.order)
        return [
            ((op.id, number), act)
            for op in found
            for number, act in enumerate(op.acts)
            if isinstance(act, Invite) and act.join_key == join_key
        ]

    def closes(self, name: Name, k: int) -> Iterator[Operation]:
        """Those that count for a join which gives k: of higher levels; and of MEMBERs' invitations to MEMBER the maker's own."""
        for op in self.slow.operations:
            if not self.mask >> op.index & 1 or op.index not in self.slow.valid:
                continue
            if not any(isinstance(act, CloseInvitation) and (act.invitation, act.index) == name for act in op.acts):
                continue
            if self.levels.get(op.index, MUTED - 1) > k or (k == MEMBER and self.closes_own(op)):
                yield op

    def closes_own(self, op: Operation) -> bool:
        """Whether an operation only closes its author's own invitation to MEMBER, and nobody higher has lowered them beside it.
        (Whether they were let in is not asked: of two such closes and two joins each could hang on the other.)"""
        if len(op.acts) != 1 or not isinstance(act := op.acts[0], CloseInvitation):
            return False
        found = self.slow.invite((act.invitation, act.index))
        if found is None or found[0].user != op.user or found[1].rank != MEMBER or self.revoked(op, MEMBER + 1):
            return False
        return not any(_lowers(each, op.user, MEMBER) for other in self.beside(op, MEMBER) for each in other.acts)

    def maker_gone(self, name: Name, k: int, admit: Operation | None) -> bool:
        """Whether the maker may not invite to rank k any more. What the invitation has seen does not matter (who came back begins
        anew), nor what the admit precedes."""
        maker, needed = self.slow.made(name), k if k == MEMBER else k + 1
        return any(
            _lowers(act, maker.user, needed)
            and not self.slow.before(other, maker)
            and (admit is None or not self.slow.before(admit, other))
            for other in self.effective(self.mask, k)
            for act in other.acts
        )

    def closed(self, name: Name, k: int) -> bool:
        closed = any(
            isinstance(act, CloseInvitation) and (act.invitation, act.index) == name
            for op in self.effective(self.mask, MUTED - 1)
            for act in op.acts
        )
        return closed or self.maker_gone(name, k, None)

    # Results

    def revoked_now(self, device: DeviceId) -> bool:
        return any(
            op.devices is not None and device in op.devices.certified_revoked for op in self.effective(self.mask, MUTED - 1)
        )

    def rank(self, user: UserId, mask: int | None = None) -> int | None:
        """None: no member."""
        mask = self.mask if mask is None else mask
        if user in self.slow.founders:
            return FOUNDER if self.holds(user, FOUNDER, mask) else None
        return next((k for k in self.slow.ranks if k < FOUNDER and self.holds(user, k, mask)), None)

    def setting(self, kind: type[SetTopic] | type[Rename]) -> str:
        found = [op for op in self.effective(self.mask, MUTED - 1) if any(isinstance(act, kind) for act in op.acts)]
        last = [op for op in found if not any(self.slow.before(op, other) for other in found)]
        if not last:
            return ""
        winner = max(last, key=lambda op: (self.levels[op.index], op.order))
        act = next(act for act in reversed(winner.acts) if isinstance(act, kind))
        return act.topic if isinstance(act, SetTopic) else act.name

    def directory(self) -> dict[ChannelId, str]:
        """The names of the channels on a workspace's list."""
        found: dict[ChannelId, str] = {}
        entries = [(op, act) for op in self.effective(self.mask, MUTED - 1) for act in op.acts if isinstance(act, Listing)]
        for channel in {act.channel for _, act in entries}:
            mine = [(op, act) for op, act in entries if act.channel == channel]
            last = [(op, act) for op, act in mine if not any(self.slow.before(op, other) for other, _ in mine)]
            _, entry = max(enumerate(last), key=lambda each: (self.levels[each[1][0].index], each[1][0].order, each[0]))
            if entry[1].name:
                found[channel] = entry[1].name
        return found

    def set_to(self, slot: Slot) -> Value:
        found = [
            (op, act.value)
            for op in self.effective(self.mask, MUTED - 1)
            for act in op.acts
            if isinstance(act, Setting) and slot_of(act.key, act.value) == slot
        ]
        rule = rule_of(slot[0])
        if rule is not None and rule.final:
            return max((value for _, value in found if isinstance(value, int)), default=None)
        last = [(op, value) for op, value in found if not any(self.slow.before(op, other) for other, _ in found)]
        if not last:
            return None
        winner = max((op for op, _ in last), key=lambda op: (self.levels[op.index], op.order))
        return [value for op, value in last if op is winner][-1]

    def closed_for_good(self) -> list[Operation]:
        """What closes the channel."""
        return [
            op
            for op in self.effective(self.mask, MUTED - 1)
            if any(isinstance(act, Setting) and act.key == SettingKey.CLOSED for act in op.acts)
        ]


def _lowers(act: Act, user: UserId, k: int) -> bool:
    if isinstance(act, SetRank):
        return act.user == user and act.rank < k
    return isinstance(act, Remove | Ban) and act.user == user


def _gives(act: Act, user: UserId, k: int) -> bool:
    return isinstance(act, SetRank) and act.user == user and act.rank >= k


class Slow:
    """Of these operations, the root first, each behind all of its past."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations: list[Operation] = []
        create = operations[0].acts[0]
        assert isinstance(create, Create)
        self.style = create.style
        self.founders = {founder[0].user for founder in create.founders}
        self.ranks = [FOUNDER]
        self.valid: set[int] = set()
        self.claims: dict[int, int] = {}
        """Of each the rank that its author had in its own past: it is worth no more, whatever else comes to be known."""
        self.seating: set[int] = set()
        """Admits that make a member: the others bring one more device of one."""
        self._outcomes: dict[int, Outcome] = {}
        for op in operations:
            self.operations.append(op)
            ranks = {FOUNDER, ADMIN, MODERATOR, MEMBER, MUTED}
            ranks |= {act.rank for each in self.operations for act in each.acts if isinstance(act, SetRank | Invite)}
            self.ranks = sorted(ranks, reverse=True)
            if op.index == 0 or self._valid(op):
                self.valid.add(op.index)

    def before(self, one: Operation, other: Operation) -> bool:
        return bool(other.past >> one.index & 1)

    def needs(self, op: Operation, act: Act) -> Permission | None:
        match act:
            case Invite():
                return Permission.INVITE
            case CloseInvitation():
                return None if self.maker(act) == op.user else Permission.MODERATE
            case SetRank():
                return Permission.APPOINT if act.rank > MEMBER else Permission.MODERATE
            case Remove() | Ban() | Unban() | Redact():
                return Permission.MODERATE
            case SetThreshold():
                return Permission.CHANGE
            case Setting():
                return permission_for(act.key)
            case RefuseJoin():
                return Permission.ADMIT
            case Listing():
                return Permission.CREATE
            case SetTopic():
                return Permission.TOPIC
            case Rename():
                return Permission.RENAME
            case Message():
                return Permission.SEND
            case UnknownAct():
                return {65: Permission.SEND, 67: Permission.REACT, 68: Permission.PIN}.get(act.type)
            case _:
                return None

    def maker(self, act: CloseInvitation) -> UserId | None:
        found = self.invite((act.invitation, act.index))
        return None if found is None else found[0].user

    def invite(self, name: Name) -> tuple[Operation, Invite] | None:
        for op in self.operations:
            if op.id == name[0] and name[1] < len(op.acts):
                act = op.acts[name[1]]
                return (op, act) if isinstance(act, Invite) else None
        return None

    def made(self, name: Name) -> Operation:
        """The operation that made an invitation."""
        found = self.invite(name)
        assert found is not None
        return found[0]

    # Rule 1

    def _valid(self, op: Operation) -> bool:
        state = self.resolve(op.past)
        rank = state.rank(op.user)
        if rank is None or state.revoked_now(op.device):
            return False
        self.claims[op.index] = rank
        usual = {FOUNDER, ADMIN, MODERATOR, MEMBER, MUTED}
        before = [self.operations[index] for index in self.valid if op.past >> index & 1]
        ranks = {act.rank for each in (*before, op) for act in each.acts if isinstance(act, SetRank | Invite)} - usual
        brings = {act.rank for act in op.acts if isinstance(act, SetRank | Invite)} - usual
        if brings and len(ranks) > MAX_CUSTOM_RANKS:
            return False
        return all(self._may(state, op, act, rank) for act in op.acts)

    def _may(self, state: "Outcome", op: Operation, act: Act, rank: int) -> bool:
        needed = self.needs(op, act)
        if needed is not None and state.threshold(needed, MUTED - 1, op.past) > rank:
            return False
        group = self.style is not Style.DIRECT
        match act:
            case Invite():
                own = act.rank == rank == MEMBER
                return group and (act.rank < rank or (own and len(op.acts) == 1))
            case CloseInvitation():
                found = self.invite((act.invitation, act.index))
                if found is None or found[0].index not in state.levels:
                    return False
                own = found[0].user == op.user and found[1].rank == rank == MEMBER and len(op.acts) == 1
                return found[1].rank < rank or own
            case Admit():
                return self._may_admit(state, op, rank)
            case SetRank():
                theirs = state.rank(act.user)
                return theirs is not None and act.rank < rank and self._is_below(state, act.user, rank)
            case Remove():
                return self._is_below(state, act.user, rank) and self._was_here(state, act.user)
            case Ban():
                return self._is_below(state, act.user, rank)
            case Unban():
                return not state.banned(act.user, rank, op.past)
            case SetThreshold():
                return act.rank <= rank and state.threshold(act.permission, MUTED - 1, op.past) <= rank
            case Ask():
                return self._may_ask(state, op, rank)
            case RefuseJoin():
                asked = (self.operations[index] for index in state.levels)
                return any(self._asks(each) == (act.user, act.join_key) for each in asked)
            case Setting():
                return self._may_set(state, act, rank)
            case Devices():
                return op.devices is not None and self._was_here(state, op.devices.user)
            case Rename():
                return group
            case Listing():
                full = act.channel not in state.directory() and len(state.directory()) >= permitting.MAX_LISTED
                return self.style is Style.WORKSPACE and not (act.name and full)
            case Message():
                return self._may_say(state, act, rank, op.past)
            case UnknownAct():
                text = act.fields.get(4)
                written = Message(text=text if isinstance(text, str) else "-")
                return needed is not None and self._may_say(state, written, rank, op.past, paced=False)
            case Leave() | SetTopic() | Redact():
                return True
            case _:
                return False

    def _may_set(self, state: "Outcome", act: Setting, rank: int) -> bool:
        if not holds(act.key, act.value) or least_rank(act.key, act.value) > rank:
            return False
        if act.key == SettingKey.ROLE_NAME:
            named = role_name_of(act.value)
            assert named is not None
            others = [role_name_of(state.set_to((act.key, each))) for each in range(ADMIN) if each != named[0]]
            full = sum(1 for each in others if each is not None and each[1]) >= MAX_CUSTOM_RANKS
            return self.style is not Style.DIRECT and not (named[1] and full)
        rule = rule_of(act.key)
        return self.style is not Style.DIRECT or not known(act.key) or (rule is not None and rule.direct)

    def _asks(self, op: Operation) -> tuple[UserId, bytes] | None:
        return None if op.asked is None else (op.asked.certificate.user, op.asked.join_key)

    def _may_ask(self, state: "Outcome", op: Operation, rank: int) -> bool:
        if op.asked is None or rank < MEMBER or len(op.acts) != 1 or state.closed_for_good():
            return False
        user, key = op.asked.certificate.user, op.asked.join_key
        if user in self.founders or state.rank(user) is not None:
            return False
        effective = [self.operations[index] for index in state.levels]
        refused = {(act.user, act.join_key) for each in effective for act in each.acts if isinstance(act, RefuseJoin)}
        asks = [self._asks(each) for each in effective]
        if (user, key) in asks:
            return False
        waiting = {each[0] for each in asks if each is not None and each[1] == key and each not in refused}
        return any(
            len({state.joined(index) for index in state.placed.get(name, [])} | waiting) < invite.uses
            and not state.closed(name, invite.rank)
            and not state.banned(user, invite.rank, op.past)
            for name, invite in state.invitations(key)
        )

    def _may_say(self, state: "Outcome", message: Message, rank: int, past: int, *, paced: bool = True) -> bool:
        free = not paced or rank >= state.threshold(Permission.MODERATE, MUTED - 1, past)
        linked = rank >= state.threshold(Permission.LINKS, MUTED - 1, past) or not holds_link(message.text)
        shut = state.closed_for_good() or state.set_to((SettingKey.ARCHIVED, 0))
        return not shut and linked and (free or not state.set_to((SettingKey.SLOW_MODE, 0)))

    def _was_here(self, state: "Outcome", user: UserId) -> bool:
        joined = any(op.join is not None and op.join.certificate.user == user for op in state.effective(state.mask, MUTED - 1))
        return user in self.founders or joined

    def _is_below(self, state: "Outcome", user: UserId, rank: int) -> bool:
        return user not in self.founders and not state.holds(user, rank, state.mask, rank)

    def _may_admit(self, state: "Outcome", op: Operation, rank: int) -> bool:
        if op.join is None:
            return False
        user = op.join.certificate.user
        if user in self.founders or state.closed_for_good():
            return False
        seats = state.rank(user) is None
        for name, invite in state.invitations(op.join.join_key):
            users = list(dict.fromkeys(state.joined(each) for each in state.placed.get(name, [])))
            room = user in users or (seats and len(users) < invite.uses)
            may = max(invite.rank, state.threshold(Permission.ADMIT, MUTED - 1, op.past)) <= rank
            if room and may and not state.closed(name, invite.rank) and not state.banned(user, invite.rank, op.past):
                if seats:
                    self.seating.add(op.index)
                return True
        return False

    # Rules 3 to 6

    def resolve(self, mask: int) -> Outcome:
        if mask not in self._outcomes:
            self._outcomes[mask] = self._resolved(mask)
        return self._outcomes[mask]

    def _resolved(self, mask: int) -> Outcome:
        state = Outcome(self, mask)
        left = [op for op in self.operations if mask >> op.index & 1 and op.index in self.valid]
        left.sort(key=lambda op: op.order)
        for k in self.ranks:
            if mask & 1 and k == FOUNDER:
                state.levels[0] = FOUNDER
            done: set[int] = {0}
            # (a) The joins that give k; with those invitations to k that people of rank k have made, and who of them has left.
            for op in left:
                if op.join is not None:
                    if (name := self._place(state, op, k)) is not None:
                        state.levels[op.index] = k
                        state.placed.setdefault(name, []).append(op.index)
                        done.add(op.index)
                elif isinstance(_first(op), Leave):
                    if state.stands(op, k, k + 1):
                        done.add(op.index)
                        state.levels[op.index] = k
                elif _invites_alike(op, k) and state.stands(op, k, k + 1):
                    done.add(op.index)
                    if state.allowed(op, op.acts[0], k):
                        state.levels[op.index] = k
            # (b) Revocations by those who stand at k.
            lists = [op for op in left if op.index not in done and isinstance(_first(op), Devices)]
            standing = {op.index for op in lists if state.stands(op, k, k + 1)}
            for index in standing:
                state.levels[index] = k
            done |= standing
            # (c) The rest.
            rest = [op for op in left if op.index not in done and op.join is None]
            rest = [op for op in rest if not isinstance(_first(op), Devices | Leave)]
            rest = [op for op in rest if state.stands(op, k, k) or (k == MEMBER and state.closes_own(op))]
            decided = {op.index: all(state.allowed(op, act, k) for act in op.acts) for op in rest}
            for index, allowed in decided.items():
                done.add(index)
                if allowed:
                    state.levels[index] = k
            left = [op for op in left if op.index not in done]
        return state

    def _place(self, state: Outcome, admit: Operation, k: int) -> Name | None:
        """Rule 6."""
        assert admit.join is not None
        user = admit.join.certificate.user
        for name, invite in state.invitations(admit.join.join_key):
            if invite.rank != k or not self.before(self.made(name), admit):
                continue
            asked = [state.threshold(Permission.ADMIT, k, admit.past)]
            asked += [
                act.rank
                for other in state.beside(admit, k)
                for act in other.acts
                if isinstance(act, SetThreshold) and act.permission is Permission.ADMIT
            ]
            if not state.stands(admit, max(k, *asked), k + 1) or state.maker_gone(name, k, admit):
                continue
            if any(not self.before(admit, close) for close in (*state.closes(name, k), *state.closed_for_good())):
                continue
            if any(
                isinstance(act, Ban) and act.user == user for other in state.beside(admit, k) for act in other.acts
            ) or state.banned(user, k, admit.past):
                continue
            users = {state.joined(each) for each in state.placed.get(name, [])}
            if len(users) < invite.uses or user in users:
                return name
        return None


def _invites_alike(op: Operation, k: int) -> bool:
    return k == MEMBER and len(op.acts) == 1 and isinstance(op.acts[0], Invite) and op.acts[0].rank == k


def _first(op: Operation) -> Act | None:
    """None of a merge."""
    return op.acts[0] if op.acts else None
