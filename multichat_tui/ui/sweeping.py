"""Doing something about many people at once: what it will be, what of it would be refused, and doing it in as few records as may
be, each all or nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from enum import StrEnum

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import (
    BanMember,
    GiveRank,
    Part,
    RedactMessages,
    RemoveMember,
    SendMessage,
    SettleReport,
    Together,
    UndoDeed,
)
from multichat_tui.model.limits import MAX_ACTS, MAX_FORESEEN, MAX_FOUND_ROWS, MAX_QUERY_USERS, MAX_TARGETS
from multichat_tui.model.moderation import Foreseen
from multichat_tui.model.ranks import MUTED
from multichat_tui.model.searching import Search
from multichat_tui.model.snapshots import Position
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.options import span_words
from multichat_tui.ui.cells import one_line
from multichat_tui.ui.oversight import DAY_MS, HOUR_MS, Target

REASONS = ("spam", "flooding", "insults", "raid", "off topic")
"""By the digits 1 to 5; any other is typed."""
LASTING = (0, HOUR_MS, DAY_MS, 7 * DAY_MS, 28 * DAY_MS)
"""How long a ban or a silence lasts; 0: until it is lifted."""


MOST_MESSAGES = 20_000
"""That are taken away at once; of more the newest, and the rest by doing it again."""


class Deed(StrEnum):
    BOTH = "both"
    """Kick and ban, and what they have written goes."""
    BAN = "ban"
    KICK = "kick"
    SILENCE = "silence"
    REDACT = "redact"
    """What they have written goes; they stay."""


VERBS = {Deed.BOTH: "kick and ban", Deed.BAN: "ban", Deed.KICK: "kick", Deed.SILENCE: "silence", Deed.REDACT: "redact"}
DONE = {Deed.BOTH: "banned", Deed.BAN: "banned", Deed.KICK: "removed", Deed.SILENCE: "silenced", Deed.REDACT: "redacted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change, and what it is in words."""

    intent: Part | None
    """None: nothing but what is done to messages."""
    said: str
    also: str = ""
    """What happens besides."""
    messages: tuple[RecordId, ...] = ()
    """What they have written, which goes with it."""
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
    redact: bool = False
    """What they have written goes too."""
    written: Mapping[UserId, tuple[RecordId, ...]] | None = None
    """By author, as far as it is here; None: that is still to be read."""
    named: bool = False
    """`written` are messages that were chosen one by one; else all that those people have written by the time it is done."""
    steps: tuple[Step, ...] = ()
    """As foreseen; the first is that of the first target."""

    @property
    def title(self) -> str:
        """`Kick and ban 50 people`, `Silence bob`."""
        whom = one_line(self.targets[0].name) if len(self.targets) == 1 else f"{len(self.targets)} people"
        verb = "Take away what was written by" if self.deed is Deed.REDACT else VERBS[self.deed].capitalize()
        return f"{verb} {whom}"

    @property
    def timed(self) -> bool:
        """Whether it lasts for a time."""
        return self.deed not in (Deed.KICK, Deed.REDACT)

    @property
    def going(self) -> int:
        """How many messages go."""
        return sum(len(step.messages) for step in self.steps if not step.refused)

    @property
    def lasts_ms(self) -> int:
        return LASTING[self.lasts] if self.timed else 0

    @property
    def span(self) -> str:
        return f"for {span_words(self.lasts_ms)}" if self.lasts_ms else "until it is lifted"

    def next_span(self) -> None:
        if self.timed:
            self.lasts = (self.lasts + 1) % len(LASTING)

    @property
    def refused(self) -> int:
        return sum(bool(step.refused) for step in self.steps)

    def planned(self) -> tuple[Step, ...]:
        """What will be done, before the node was asked about it."""
        written = (self.written or {}) if self.redact else {}
        return tuple(
            Step(
                intent=self._intent(target),
                said=self._said(target),
                also=self._with(target),
                messages=written.get(target.user, ()),
            )
            for target in self.targets
        )

    def _intent(self, target: Target) -> Part | None:
        channel, user, reason = self.channel, target.user, self.reason
        match self.deed:
            case Deed.BOTH | Deed.BAN:
                return BanMember(channel=channel, user=user, lasts_ms=self.lasts_ms, reason=reason)
            case Deed.KICK:
                return RemoveMember(channel=channel, user=user, reason=reason)
            case Deed.SILENCE:
                return GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=self.lasts_ms, reason=reason)
            case Deed.REDACT:
                return None

    def _said(self, target: Target) -> str:
        name = one_line(target.name)
        going = len((self.written or {}).get(target.user, ())) if self.redact else 0
        messages = f"{going} message{'' if going == 1 else 's'}"
        if self.deed is Deed.REDACT:
            return f"take away {messages} of {name}"
        return f"{VERBS[self.deed]} {name}"

    def _with(self, target: Target) -> str:
        going = len((self.written or {}).get(target.user, ())) if self.redact and self.deed is not Deed.REDACT else 0
        return "" if not going else ", and 1 message of theirs goes" if going == 1 else f", and {going} messages of theirs go"

    def announcement(self, count: int) -> str:
        """What all are told, in the same record as the last deeds."""
        whom = one_line(self.targets[0].name) if len(self.targets) == 1 else f"{count} people"
        are = "is" if len(self.targets) == 1 else "are"
        return f"{whom} {are} {DONE[self.deed]} {self.span if self.timed else ''}".rstrip() + (
            f": {self.reason}" if self.reason else "."
        )


@dataclass(slots=True, kw_only=True)
class Swept:
    """What has come of it."""

    deed: Deed
    done: int = 0
    messages: int = 0
    """That are gone."""
    records: list[RecordId] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """What was not done, and why."""

    @property
    def said(self) -> str:
        told = f"{self.done} {DONE[self.deed]}"
        if self.deed is Deed.REDACT:
            told = f"{self.messages} message{'' if self.messages == 1 else 's'} redacted"
        elif self.messages:
            told += f", {self.messages} message{'' if self.messages == 1 else 's'} redacted"
        if self.refused:
            told += f", {len(self.refused)} refused"
        return f"{told}."

    @property
    def why_not(self) -> str:
        """The first refusal; empty where there was none."""
        return f"Refused: {self.refused[0]}" if self.refused else ""


async def messages_of(api: NodeApi, channel: ChannelId, users: Sequence[UserId]) -> dict[UserId, tuple[RecordId, ...]]:
    """What these people have written in a channel and is here to be read, up to MOST_MESSAGES in all, the newest first."""
    found: dict[UserId, list[RecordId]] = {}
    count = 0
    for start in range(0, len(users), MAX_QUERY_USERS):
        asked = Search(channels=(channel,), users=tuple(users[start : start + MAX_QUERY_USERS]))
        before: Position | None = None
        while count < MOST_MESSAGES:
            page = (await api.search(asked, before=before, limit=MAX_FOUND_ROWS)).rows
            for each in page.rows:
                found.setdefault(each.row.author, []).append(each.row.id)
            count += len(page.rows)
            before = page.more
            if before is None:
                break
    return {user: tuple(records) for user, records in found.items()}


async def foresee(api: NodeApi, plan: Sweep) -> tuple[Step, ...]:
    """What is planned, with why some of it would be refused."""
    steps = plan.planned()
    asked = [_asked(plan, step) for step in steps]
    intents = [intent for each in asked for intent in each]
    answers: list[Foreseen] = []
    for start in range(0, len(intents), MAX_FORESEEN):
        answers += (await api.foresee(tuple(intents[start : start + MAX_FORESEEN]))).rows
    seen, left = [], iter(answers)
    for step, each in zip(steps, asked, strict=True):
        refusals = [next(left).refused for _ in each]
        refused = next(filter(None, refusals), "" if each else "There is nothing of theirs to take away.")
        seen.append(replace(step, refused=refused))
    return tuple(seen)


def _asked(plan: Sweep, step: Step) -> list[Part]:
    """What stands for a step when the node is asked: of the messages the first, as all are of one author."""
    intents = [step.intent] if step.intent is not None else []
    if step.messages:
        intents.append(RedactMessages(channel=plan.channel, targets=step.messages[:1], reason=plan.reason))
    return intents


def records_of(plan: Sweep) -> list[tuple[tuple[Part, ...], int, int]]:
    """What one record after the other does: (the changes, how many people, how many messages). Each is all or nothing; messages
    go with the record in which their authors are dealt with, as far as they fit."""
    wanted = [step for step in plan.steps if not step.refused]
    made: list[tuple[tuple[Part, ...], int, int]] = []
    overhang: list[RecordId] = []
    room = MAX_ACTS - any(step.messages for step in wanted) - plan.announce
    for start in range(0, len(wanted), room):
        chunk = wanted[start : start + room]
        messages = [message for step in chunk for message in step.messages]
        overhang += messages[MAX_TARGETS:]
        parts = tuple(step.intent for step in chunk if step.intent is not None)
        parts += _redaction(plan, messages[:MAX_TARGETS])
        if plan.announce and start + room >= len(wanted):
            parts += (SendMessage(channel=plan.channel, text=plan.announcement(len(wanted))),)
        if parts:
            made.append((parts, len(chunk), len(messages[:MAX_TARGETS])))
    for start in range(0, len(overhang), MAX_TARGETS):
        part = overhang[start : start + MAX_TARGETS]
        made.append((_redaction(plan, part), 0, len(part)))
    return made


def _redaction(plan: Sweep, messages: Sequence[RecordId]) -> tuple[Part, ...]:
    if not messages:
        return ()
    return (RedactMessages(channel=plan.channel, targets=tuple(messages), reason=plan.reason),)


async def sweep(api: NodeApi, plan: Sweep, progress: Callable[[int, int], None]) -> Swept:
    """Do all of it that is not refused. `progress`: records done, of so many."""
    swept = Swept(deed=plan.deed, refused=[f"{step.said}: {step.refused}" for step in plan.steps if step.refused])
    records = records_of(plan)
    for number, (parts, people, messages) in enumerate(records):
        progress(number, len(records))
        try:
            accepted = await api.submit(Together(channel=plan.channel, intents=parts))
        except MultichatError as error:
            swept.refused.append(str(error))
            continue
        swept.done += people
        swept.messages += messages
        swept.records += [accepted.record] if accepted.record is not None else []
        # Keys come in between.
        await asyncio.sleep(0)
    if swept.done:
        for report in plan.reports:
            # Somebody else may have settled it meanwhile.
            with suppress(MultichatError):
                await api.submit(SettleReport(channel=plan.channel, report=report, acted=True, reason=VERBS[plan.deed]))
    progress(len(records), len(records))
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
