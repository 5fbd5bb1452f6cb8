"""What must be true of authority whatever people do: of histories made by chance, with hostile members among them.

`PYTHONPATH=.:tests python tests/property/test_authority_properties.py COUNT [SEED]` plays as many fresh ones and counts of each
property the cases that could have failed.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from authority_histories import CONTESTED, History, Log, generate, indexes, rearranged
from slow_authority import Slow

from multichat_tui.channel.authority import Authority, joined
from multichat_tui.channel.operations import Operation
from multichat_tui.channel.subjects import lowers, needed, own_close, own_invitation, raises
from multichat_tui.model.acts import Act, Ban, Devices, Invite, Leave, Remove, Rename, SetRank, SetThreshold, Setting, SetTopic
from multichat_tui.model.channel_settings import slot_of
from multichat_tui.model.ids import RecordId
from multichat_tui.model.ranks import FOUNDER, MEMBER, MUTED, Permission

SEEDS = (*range(70), 5024, 5040, 5173, 5200)
"""The last ones show weaker rules which few histories show."""
STEPS = 32
SHORTER_STEPS = 20


class Case:
    """A history, and what was found of it."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.log = history.log
        self.now: Authority = history.log.now
        assert history.log.subjects is not None
        self.subjects = history.log.subjects
        self.valid = [op for op in self.log.operations if self.log.valid(op)]
        self.levels = {op.id: self.now.level(op) for op in self.valid if self.now.effective(op)}
        self.effective = [op for op in self.valid if op.id in self.levels]

    def level(self, op: Operation) -> int:
        return self.levels[op.id]

    def claim(self, op: Operation) -> int:
        """The rank that its author had in its own past."""
        return self.subjects.claims.get(op.index, FOUNDER)

    def beside(self, op: Operation) -> Iterator[Operation]:
        for other in self.effective:
            if other is not op and not other.past & op.bit and not op.past & other.bit:
                yield other

    def acts(self) -> Iterator[tuple[Operation, Act]]:
        return ((op, act) for op in self.effective for act in op.acts)


def levels_of(log: Log) -> dict[RecordId, int]:
    now = log.now
    return {op.id: now.level(op) for op in log.operations if log.valid(op) and now.effective(op)}


def played(operations: list[Operation]) -> Log:
    log = Log()
    for op in operations:
        log.add(op)
    return log


# Each yields a truth for every case that could have failed.


def any_order_of_arrival_gives_the_same(case: Case) -> Iterator[bool]:
    again = played(rearranged(case.log.operations, random.Random(len(case.effective))))
    yield levels_of(again) == case.levels
    yield [again.now.rank(each.user) for each in case.history.players] == [
        case.now.rank(each.user) for each in case.history.players
    ]


def any_order_of_questions_gives_the_same(case: Case) -> Iterator[bool]:
    chance = random.Random(len(case.levels))
    for _ in range(3):
        fresh = case.log.now
        asked = chance.sample(case.valid, len(case.valid))
        for op in asked:
            # Down to some level, or who somebody is: the answer is remembered, and must not depend on what was before it.
            if chance.random() < 0.5:
                fresh.level(op, chance.choice(case.subjects.ranks))
            else:
                fresh.rank(op.user)
        yield all(fresh.level(op) == case.now.level(op) for op in asked)


def the_slow_and_obvious_way_gives_the_same(case: Case) -> Iterator[bool]:
    slow = Slow(case.log.operations)
    found = slow.resolve(case.log.mask)
    yield {op.index for op in case.valid} == slow.valid | {0}
    yield {case.log.operations[index].id: level for index, level in found.levels.items()} == case.levels
    for each in case.history.players:
        yield case.now.rank(each.user) == found.rank(each.user)
    for permission in CONTESTED:
        yield case.now.threshold(permission) == found.threshold(permission, MUTED - 1, case.log.mask)
    yield case.now.setting(SetTopic) == found.setting(SetTopic)
    yield case.now.setting(Rename) == found.setting(Rename)
    slots = {slot_of(act.key, act.value) for op in case.log.operations for act in op.acts if isinstance(act, Setting)} - {None}
    yield all(case.now.set_to(slot) == found.set_to(slot) for slot in slots if slot is not None)


def one_by_one_gives_the_same_as_all_at_once(case: Case) -> Iterator[bool]:
    operations = rearranged(case.log.operations, random.Random(len(case.valid)))
    log = played(operations[:1])
    assert log.subjects is not None
    grown = Authority(log.subjects, 1)
    for op in operations[1:]:
        before = {other.id: grown.level(other) for other in log.operations if log.valid(other)}
        log.add(op)
        changed = grown.carry_on(op, valid=log.valid(op))
        after = log.now
        valid = [other for other in log.operations if log.valid(other)]
        yield all(grown.level(other) == after.level(other) for other in valid)
        yield all((before[other.id] != grown.level(other)) == bool(changed & other.bit) for other in valid if other is not op)


def taking_some_back_gives_the_same_as_without_them(case: Case) -> Iterator[bool]:
    operations, now = case.log.operations, case.log.now
    for op in case.valid:
        now.level(op)
    chance = random.Random(len(case.levels))
    for _ in range(4):
        heads = chance.choices(operations, k=2)
        mask = 1
        for head in heads:
            mask |= head.past | head.bit
        gone = [op for op in operations if not mask & op.bit]
        fewer, fresh = now.without(gone), Authority(case.subjects, mask)
        yield all(fewer.level(op) == fresh.level(op) for op in case.valid if mask & op.bit)
        yield all(fewer.rank(each.user) == fresh.rank(each.user) for each in case.history.players)


def nobody_acts_on_a_founder(case: Case) -> Iterator[bool]:
    for _, act in case.acts():
        if isinstance(act, SetRank | Remove | Ban):
            yield act.user not in case.subjects.founders
    left = {op.user for op, act in case.acts() if isinstance(act, Leave)}
    for founder in case.subjects.founders - left:
        yield case.now.rank(founder) == FOUNDER


def who_acts_had_the_rank_and_stood_above_the_target(case: Case) -> Iterator[bool]:
    for op, act in case.acts():
        if op.index == 0:
            continue
        past = Authority(case.subjects, op.past)
        rank = past.rank(op.user)
        yield rank is not None and rank >= case.level(op)
        if isinstance(act, SetRank | Remove | Ban):
            theirs = past.rank(act.user)
            yield theirs is None or theirs < case.claim(op)
            # What they have been given in its past may be void by now.
            yield theirs is None or theirs < case.level(op) or not case.now._holds(act.user, case.level(op), op.past, MUTED)
        if isinstance(act, SetRank):
            yield act.rank < case.level(op)
        if isinstance(act, SetThreshold):
            yield act.rank <= case.level(op)


def who_was_raised_by_somebody_higher_is_not_acted_on_from_below(case: Case) -> Iterator[bool]:
    for op in case.valid:
        k = case.levels.get(op.id, case.claim(op))
        for act in op.acts:
            if isinstance(act, SetRank | Remove | Ban):
                for other in case.beside(op):
                    if case.level(other) > k and raises(other, act.user, k):
                        yield op.id not in case.levels
                    if other.join is not None and joined(other) == act.user and case.subjects.seating & other.bit:
                        yield op.id not in case.levels or case.level(other) < k


def what_is_void_has_a_cause_that_its_author_had_not_seen(case: Case) -> Iterator[bool]:
    for op in case.valid:
        if op.id not in case.levels:
            yield any(True for _ in case.beside(op))


def one_more_changes_nothing_at_or_above_its_own_level(case: Case) -> Iterator[bool]:
    log = Log()
    before: dict[RecordId, int] = {}
    for op in case.log.operations:
        log.add(op)
        after = levels_of(log)
        own = after.get(op.id)
        changed = {each for each in before.keys() | after.keys() if each != op.id and before.get(each) != after.get(each)}
        if changed:
            joins = {each.id for each in log.operations if each.join is not None}
            # With the joins, before the rest of a level, are decided what brings and ends devices, leavings, and one's own
            # invitations to one's own rank with their ends.
            early = op.join is not None or isinstance(next(iter(op.acts), None), Devices | Leave)
            early = early or own_invitation(op) or (log.subjects is not None and own_close(log.subjects, op))
            for each in changed:
                level = max(before.get(each, MUTED), after.get(each, MUTED))
                yield own is not None and (level < own or (level == own and (early or each in joins)))
        before = after


def who_is_removed_says_no_more(case: Case) -> Iterator[bool]:
    """But what they did at a higher rank, before they left, where somebody lower has removed them after that."""
    for op, act in case.acts():
        if isinstance(act, Remove | Ban):
            for other in case.valid:
                if other.user == act.user and not other.past & op.bit and not op.past & other.bit:
                    yield other.id not in case.levels or case.level(other) >= case.level(op)


def who_is_demoted_may_no_more_than_the_new_rank(case: Case) -> Iterator[bool]:
    for op, act in case.acts():
        if isinstance(act, SetRank):
            for other in case.beside(op):
                if other.user == act.user:
                    yield case.level(other) <= act.rank or case.level(other) >= case.level(op)


def a_revoked_device_says_no_more(case: Case) -> Iterator[bool]:
    for op in case.effective:
        if op.devices is None:
            continue
        for other in case.valid:
            if other is op or other.device not in op.devices.certified_revoked or op.past & other.bit:
                continue
            early = other.join is not None or isinstance(next(iter(other.acts), None), Devices | Leave) or own_invitation(other)
            early = early or own_close(case.subjects, other)
            level = case.levels.get(other.id)
            yield level is None or level > case.level(op) or (early and level == case.level(op))


def an_invitation_lets_in_no_more_than_it_may(case: Case) -> Iterator[bool]:
    for op, act in case.acts():
        for number, each in enumerate(op.acts):
            if isinstance(act, Invite) and each is act:
                users = {joined(admit) for admit in case.now.placed((op.id, number))}
                if users:
                    yield len(users) <= act.uses


def nobody_comes_in_beside_a_close(case: Case) -> Iterator[bool]:
    for op in case.effective:
        for number, act in enumerate(op.acts):
            if isinstance(act, Invite):
                name = (op.id, number)
                placed = {admit.id for admit in case.now.placed(name)}
                for close in case.subjects.closes(name).newest_first(case.now.mask):
                    level = case.levels.get(close.id, MUTED - 1)
                    if level > act.rank or (level == act.rank == MEMBER and close.user == op.user):
                        for admit in case.subjects.admits(act.join_key).beside(close, case.now.mask):
                            yield admit.id not in placed


def nobody_comes_in_by_who_is_gone(case: Case) -> Iterator[bool]:
    for op in case.effective:
        for number, act in enumerate(op.acts):
            if isinstance(act, Invite):
                placed = {admit.id for admit in case.now.placed((op.id, number))}
                needs = act.rank if act.rank == MEMBER else act.rank + 1
                for other in case.effective:
                    if case.level(other) > act.rank and lowers(other, op.user, needs) and not op.past & other.bit:
                        for admit in case.subjects.admits(act.join_key).newest_first(case.now.mask & ~other.past):
                            yield admit.id not in placed


def nobody_comes_in_beside_a_ban(case: Case) -> Iterator[bool]:
    for admit in case.valid:
        if admit.join is not None:
            for other in case.subjects.bans(joined(admit)).beside(admit, case.now.mask):
                if other.id in case.levels:
                    yield case.levels.get(admit.id, FOUNDER) >= case.level(other)


def nothing_is_done_beside_what_forbids_it(case: Case) -> Iterator[bool]:
    for op in case.valid:
        permissions = {needed(case.subjects, op, act) for act in op.acts} - {None}
        if op.join is not None:
            permissions = {Permission.ADMIT}
        for other in case.beside(op):
            for each in other.acts:
                if isinstance(each, SetThreshold) and each.permission in permissions and each.rank > case.claim(op):
                    yield op.id not in case.levels or case.level(op) >= case.level(other)


def of_acts_in_one_record_all_count_or_none(case: Case) -> Iterator[bool]:
    for op in case.valid:
        if len(op.acts) < 2:
            continue
        yield _with_acts(case, op, op.acts) == all(_with_acts(case, op, (act,)) for act in op.acts)
        for act in op.acts:
            if isinstance(act, SetTopic) and op.id not in case.levels:
                yield case.now.setting(SetTopic) != act.topic


def _with_acts(case: Case, op: Operation, acts: tuple[Act, ...]) -> bool:
    """Whether an operation would have effect if it had these acts, before anybody goes on from it."""
    kept = [replace(each, acts=acts) if each is op else each for each in case.log.operations if not each.past & op.bit]
    places = {each.index: index for index, each in enumerate(kept)}
    log = played([replace(e, index=places[e.index], past=sum(1 << places[i] for i in indexes(e.past))) for e in kept])
    twin = log.operations[places[op.index]]
    return log.valid(twin) and log.now.effective(twin)


def what_follows_all_changes_nothing_else(case: Case) -> Iterator[bool]:
    tail = case.log.operations[-1]
    for before, after in pairwise(case.log.operations):
        if after.past == (1 << after.index) - 1:
            earlier = Authority(case.subjects, after.past)
            later = Authority(case.subjects, after.past | after.bit)
            yield all(earlier.level(op) == later.level(op) for op in case.valid if op.index <= before.index)
    assert tail


PROPERTIES: tuple[Callable[[Case], Iterator[bool]], ...] = (
    any_order_of_arrival_gives_the_same,
    any_order_of_questions_gives_the_same,
    the_slow_and_obvious_way_gives_the_same,
    one_by_one_gives_the_same_as_all_at_once,
    taking_some_back_gives_the_same_as_without_them,
    nobody_acts_on_a_founder,
    who_acts_had_the_rank_and_stood_above_the_target,
    who_was_raised_by_somebody_higher_is_not_acted_on_from_below,
    what_is_void_has_a_cause_that_its_author_had_not_seen,
    one_more_changes_nothing_at_or_above_its_own_level,
    who_is_removed_says_no_more,
    who_is_demoted_may_no_more_than_the_new_rank,
    a_revoked_device_says_no_more,
    an_invitation_lets_in_no_more_than_it_may,
    nobody_comes_in_beside_a_close,
    nobody_comes_in_by_who_is_gone,
    nobody_comes_in_beside_a_ban,
    nothing_is_done_beside_what_forbids_it,
    of_acts_in_one_record_all_count_or_none,
    what_follows_all_changes_nothing_else,
)


@cache
def case_of(seed: int) -> Case:
    """Made once for all that is asked of it."""
    return Case(generate(seed, STEPS))


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda each: each.__name__)
def test_it_holds_of_histories_made_by_chance(holds: Callable[[Case], Iterator[bool]]) -> None:
    cases = 0
    for seed in SEEDS:
        for truth in holds(case_of(seed)):
            assert truth, f"seed {seed}"
            cases += 1
    assert cases


@pytest.mark.parametrize("first", [*range(10_000, 10_900, 100), None], ids=lambda first: "fresh" if first is None else str(first))
def test_all_of_it_holds_of_a_thousand_shorter_ones(first: int | None) -> None:
    """A hundred at a time; of the fresh ones the seed is told where something does not hold."""
    begin = random.SystemRandom().randrange(10**9) if first is None else first
    for seed in range(begin, begin + 100):
        case = Case(generate(seed, SHORTER_STEPS))
        for holds in PROPERTIES:
            assert all(holds(case)), f"seed {seed}, {SHORTER_STEPS} steps: not {holds.__name__}"


def main(count: int, first: int) -> int:
    cases: Counter[str] = Counter()
    failed = 0
    for seed in range(first, first + count):
        case = Case(generate(seed, STEPS))
        for holds in PROPERTIES:
            truths = list(holds(case))
            cases[holds.__name__] += len(truths)
            if not all(truths):
                failed += 1
                print(f"seed {seed}: not {holds.__name__}", flush=True)
    print(f"{count} histories of {STEPS} records from seed {first}, {failed} failures")
    for holds in PROPERTIES:
        print(f"{cases[holds.__name__]:>12,}  {holds.__name__}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**9)))
