"""What a resource is now: which of the acts on it were accepted, and which of those count: the same of the same acts, in any
order.

Acts contend for *slots* (the text of a message, one person's vote). Each names those acts on its slot that its author had seen
last; so those in its past are known without a look at the records between. Names of what is not here are passed over.
"""

from collections import defaultdict
from collections.abc import Iterable

from multichat_tui.channel.resources.shape import Contest, Deed, Present
from multichat_tui.model.ids import RecordId
from multichat_tui.model.limits import MAX_CONTENDERS


def fold(made: Deed, deeds: Iterable[Deed]) -> Present:
    """`deeds` are such as have the right to be there (`rank`, permissions, fences): the logics have the rest to say."""
    by_slot: dict[str, list[Deed]] = defaultdict(list)
    for deed in sorted(deeds, key=lambda deed: deed.order):
        by_slot[deed.slot].append(deed)
    found = {slot: _Slot(made, contenders[:MAX_CONTENDERS]) for slot, contenders in by_slot.items()}
    accepted = [deed for each in found.values() for deed in each.accepted]
    return Present(
        made=made,
        slots={slot: winner for slot, each in found.items() if (winner := each.winner) is not None},
        heads={slot: each.heads for slot, each in found.items()},
        accepted=tuple(sorted(accepted, key=lambda deed: deed.order)),
    )


class _Slot:
    """Acts that contend for one thing, in display order. Sets of them are integers, one bit each."""

    def __init__(self, made: Deed, deeds: list[Deed]) -> None:
        self._deeds = deeds
        self._pasts = [0] * len(deeds)
        self._before: list[int | None] = [None] * len(deeds)
        """Of each accepted one that which counted in its past."""
        self._accepted = 0
        for index in self._causally():
            deed = deeds[index]
            before = self._counting(self._pasts[index])
            refused = deed.shape.own and deed.user != made.user
            if not refused and deed.shape.rule(deed, made, None if before is None else deeds[before]) is None:
                self._accepted |= 1 << index
                self._before[index] = before

    def _causally(self) -> list[int]:
        """Each behind those that it follows; of one record the acts follow each other. Sets the pasts on the way."""
        places: dict[RecordId, list[int]] = defaultdict(list)
        for index, deed in enumerate(self._deeds):
            places[deed.record].append(index)
        above = [
            {place for record in deed.after if record != deed.record for place in places.get(record, ())}
            | {place for place in places[deed.record] if self._deeds[place].index < deed.index}
            for deed in self._deeds
        ]
        waiting = [len(each) for each in above]
        below: dict[int, list[int]] = defaultdict(list)
        for index, each in enumerate(above):
            for place in each:
                below[place].append(index)
        order = [index for index, count in enumerate(waiting) if not count]
        for index in order:
            for place in above[index]:
                self._pasts[index] |= self._pasts[place] | 1 << place
            for place in below[index]:
                waiting[place] -= 1
                if not waiting[place]:
                    order.append(place)
        return order

    def _counting(self, among: int) -> int | None:
        """Which one counts of those in a set that holds the past of each."""
        found = self._accepted & among
        if not found:
            return None
        members = [index for index in range(len(self._deeds)) if found >> index & 1]
        if self._deeds[members[0]].shape.contest is Contest.LAST:
            return max(self._last(members))
        at: int | None = None
        following: dict[int | None, int] = {}
        for index in reversed(members):
            # Of those that consume the same one the first is kept.
            following[self._before[index]] = index
        while at in following:
            at = following.pop(at)
        return at

    def _last(self, members: list[int]) -> list[int]:
        followed = 0
        for index in members:
            followed |= self._pasts[index]
        return [index for index in members if not followed >> index & 1]

    @property
    def _all(self) -> int:
        return (1 << len(self._deeds)) - 1

    @property
    def accepted(self) -> list[Deed]:
        return [deed for index, deed in enumerate(self._deeds) if self._accepted >> index & 1]

    @property
    def winner(self) -> Deed | None:
        found = self._counting(self._all)
        return None if found is None else self._deeds[found]

    @property
    def heads(self) -> tuple[Deed, ...]:
        members = [index for index in range(len(self._deeds)) if self._accepted >> index & 1]
        return tuple(self._deeds[index] for index in self._last(members))
