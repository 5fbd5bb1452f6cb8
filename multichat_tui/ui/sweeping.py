"""Doing something about many people at once: what it will be, what of it would be refused, and doing it in as few records as may
be, each all or nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import (
    BanMember,
    GiveRank,
    Part,
    RemoveMember,
    SendMessage,
    SettleReport,
    Together,
    UndoDeed,
)
from multichat_tui.model.limits import MAX_ACTS, MAX_FORESEEN
from multichat_tui.model.ranks import MUTED
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.options import span_words
from multichat_tui.ui.cells import one_line
from multichat_tui.ui.oversight import DAY_MS, HOUR_MS, Target

REASONS = ("spam", "flooding", "insults", "raid", "off topic")
"""By the digits 1 to 5; any other is typed."""
LASTING = (0, HOUR_MS, DAY_MS, 7 * DAY_MS, 28 * DAY_MS)
"""How long a ban or a silence lasts; 0: until it is lifted."""


class Deed(StrEnum):
    BOTH = "both"
    BAN = "ban"
    KICK = "kick"
    SILENCE = "silence"


VERBS = {Deed.BOTH: "kick and ban", Deed.BAN: "ban", Deed.KICK: "kick", Deed.SILENCE: "silence"}
DONE = {Deed.BOTH: "banned", Deed.BAN: "banned", Deed.KICK: "removed", Deed.SILENCE: "silenced"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change, and what it is in words."""

    intent: Part
    said: str
    refused: str = ""
    """Why it would not be done."""


@dataclass(slots=True, kw_only=True)
class Sweep:
    """What is being put together: `targets` stay, the rest is chosen by keys."""

    channel: ChannelId
    deed: Deed
    targets: tuple[Target, ...]
    reports: tuple[RecordId, ...] = ()
    """To be settled with it."""
    lasts: int = 0
    """Of LASTING."""
    reason: str = ""
    announce: bool = False
    steps: tuple[Step, ...] = ()
    """As foreseen; the first is that of the first target."""

    @property
    def title(self) -> str:
        """`Kick and ban 50 people`, `Silence bob`."""
        whom = one_line(self.targets[0].name) if len(self.targets) == 1 else f"{len(self.targets)} people"
        return f"{VERBS[self.deed].capitalize()} {whom}"

    @property
    def lasts_ms(self) -> int:
        return LASTING[self.lasts] if self.deed is not Deed.KICK else 0

    @property
    def span(self) -> str:
        return f"for {span_words(self.lasts_ms)}" if self.lasts_ms else "until it is lifted"

    def next_span(self) -> None:
        if self.deed is not Deed.KICK:
            self.lasts = (self.lasts + 1) % len(LASTING)

    @property
    def refused(self) -> int:
        return sum(bool(step.refused) for step in self.steps)

    def planned(self) -> tuple[Step, ...]:
        """What will be done, before the node was asked about it."""
        return tuple(Step(intent=self._intent(target), said=self._said(target)) for target in self.targets)

    def _intent(self, target: Target) -> Part:
        match self.deed:
            case Deed.BOTH | Deed.BAN:
                return BanMember(channel=self.channel, user=target.user, lasts_ms=self.lasts_ms, reason=self.reason)
            case Deed.KICK:
                return RemoveMember(channel=self.channel, user=target.user, reason=self.reason)
            case Deed.SILENCE:
                return GiveRank(channel=self.channel, user=target.user, rank=MUTED, lasts_ms=self.lasts_ms, reason=self.reason)

    def _said(self, target: Target) -> str:
        return f"{VERBS[self.deed]} {one_line(target.name)}"

    def announcement(self, count: int) -> str:
        """What all are told, in the same record as the last deeds."""
        whom = one_line(self.targets[0].name) if len(self.targets) == 1 else f"{count} people"
        are = "is" if len(self.targets) == 1 else "are"
        return f"{whom} {are} {DONE[self.deed]} {self.span if self.deed is not Deed.KICK else ''}".rstrip() + (
            f": {self.reason}" if self.reason else "."
        )


@dataclass(slots=True, kw_only=True)
class Swept:
    """What has come of it."""

    deed: Deed
    done: int = 0
    records: list[RecordId] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """What was not done, and why."""

    @property
    def said(self) -> str:
        told = f"{self.done} {DONE[self.deed]}"
        if self.refused:
            told += f", {len(self.refused)} refused ({self.refused[0]})"
        return told


async def foresee(api: NodeApi, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The same with why some would be refused."""
    seen: list[Step] = []
    for start in range(0, len(steps), MAX_FORESEEN):
        part = steps[start : start + MAX_FORESEEN]
        answers = (await api.foresee(tuple(step.intent for step in part))).rows
        seen += [
            Step(intent=step.intent, said=step.said, refused=answer.refused) for step, answer in zip(part, answers, strict=True)
        ]
    return tuple(seen)


async def sweep(api: NodeApi, plan: Sweep, progress: Callable[[int, int], None]) -> Swept:
    """Do all of it that is not refused, MAX_ACTS at a time, each record all or nothing. `progress`: records done, of so many."""
    swept = Swept(deed=plan.deed, refused=[f"{step.said}: {step.refused}" for step in plan.steps if step.refused])
    wanted = [step for step in plan.steps if not step.refused]
    parts: list[tuple[Part, ...]] = []
    people: list[int] = []
    for start in range(0, len(wanted), MAX_ACTS):
        chunk = wanted[start : start + MAX_ACTS]
        parts.append(tuple(step.intent for step in chunk))
        people.append(len(chunk))
    if plan.announce and wanted:
        told = SendMessage(channel=plan.channel, text=plan.announcement(len(wanted)))
        if len(parts[-1]) < MAX_ACTS:
            parts[-1] = (*parts[-1], told)
        else:
            parts.append((told,))
            people.append(0)
    for number, (intents, count) in enumerate(zip(parts, people, strict=True)):
        progress(number, len(parts))
        try:
            accepted = await api.submit(Together(channel=plan.channel, intents=intents))
        except MultichatError as error:
            swept.refused.append(str(error))
            continue
        swept.done += count
        swept.records += [accepted.record] if accepted.record is not None else []
        # Keys come in between.
        await asyncio.sleep(0)
    if swept.done:
        for report in plan.reports:
            settling = SettleReport(channel=plan.channel, report=report, acted=True, reason=VERBS[plan.deed])
            await _quietly(lambda settling=settling: api.submit(settling))  # type: ignore[misc]  # bound at once
    progress(len(parts), len(parts))
    return swept


async def unsweep(api: NodeApi, channel: ChannelId, records: Sequence[RecordId]) -> tuple[int, str]:
    """Take records back, the last first: (how many were, why one was not)."""
    done, why = 0, ""
    for record in reversed(records):
        try:
            await api.submit(UndoDeed(channel=channel, record=record))
        except MultichatError as error:
            why = why or str(error)
            continue
        done += 1
    return done, why


async def _quietly(deed: Callable[[], Awaitable[object]]) -> None:
    """Somebody else may have settled it meanwhile."""
    try:
        await deed()
    except MultichatError:
        return
