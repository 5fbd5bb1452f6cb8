"""Commands by which people become sure of each other: comparing words, safety numbers, people nearby, warnings."""

import asyncio
from collections.abc import Awaitable, Callable

from multichat_tui.headless.answers import answers
from multichat_tui.headless.host import Context
from multichat_tui.headless.output import Output
from multichat_tui.headless.session import session
from multichat_tui.model.comparing import ComparisonId, Purpose
from multichat_tui.model.errors import IntentRefused, MultichatError, NotFound, Refusal, TimedOut, UsageError
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import (
    AcknowledgeAlarms,
    Answer,
    AnswerComparison,
    BeginVerification,
    MeetNearby,
    SetNearby,
    Unverify,
    VerifyByNumber,
)
from multichat_tui.model.snapshots import StatusRow
from multichat_tui.model.trust import ComparisonRow, ComparisonState, NearbyRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.alarm_words import alarm_fields, alarm_words
from multichat_tui.node.api.commands.asking import find_request
from multichat_tui.node.api.commands.trust import ANSWERS, bring_together, comparison_lines, set_vouch, trust_fields, trust_lines
from multichat_tui.node.api.comparison_words import comparison_fields, state_words
from multichat_tui.node.api.lookup import find_author, find_contact, id_text, one_line

QUESTION = "The same on both screens? yes, no or cancel"


async def contact_verify(context: Context) -> int:
    """By the number that the other one reads out, or by words on both screens."""
    args, out = context.args, context.out
    if args.number is not None:
        async with session(context.host, network=False) as opened:
            contact = await find_contact(opened.api, args.name)
            await opened.api.submit(VerifyByNumber(user=contact.user, number=args.number))
        fields = {"contact": id_text(contact.user), "name": contact.name, "verified": True}
        out.result(fields, f"{one_line(contact.name)} is verified: the safety number is the same.")
        return 0
    async with session(context.host, network=True) as opened:
        api = opened.api
        contact = await find_contact(api, args.name)
        dialogue = _Dialogue(api, out, contact=contact.user)

        async def begin() -> ComparisonId | None:
            if not (await find_contact(api, id_text(contact.user))).online:
                return None
            return (await api.submit(BeginVerification(user=contact.user))).comparison

        out.note(f"Waiting for {one_line(contact.name)} to be online." if not contact.online else "Comparing words.")
        return await dialogue.run(begin, args.timeout)


async def contact_unverify(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        contact = await find_contact(opened.api, context.args.name)
        await opened.api.submit(Unverify(user=contact.user))
    fields = {"contact": id_text(contact.user), "name": contact.name, "verified": False}
    context.out.result(fields, f"{one_line(contact.name)} is not verified any more.")
    return 0


async def contact_warnings(context: Context) -> int:
    """The warnings about people's keys; with a name: they were seen."""
    args, out = context.args, context.out
    async with session(context.host, network=False) as opened:
        standing = (await opened.api.status()).rows.alarms
        if args.name is not None:
            contact = await find_contact(opened.api, args.name)
            await opened.api.submit(AcknowledgeAlarms(user=contact.user))
            out.result({"contact": id_text(contact.user), "acknowledged": True}, "The warnings are taken as seen.")
            return 0
    for row in standing:
        out.result(alarm_fields(row), *alarm_words(row))
    if not standing:
        out.note("There are no warnings about anybody's keys.")
    return 0


async def pair_nearby(context: Context) -> int:
    """Be visible, tell who is there, compare words with whom one chooses or by whom one is chosen."""
    args, out = context.args, context.out
    async with session(context.host, network=True) as opened:
        api = opened.api
        await api.submit(SetNearby(visible=True))
        dialogue = _Dialogue(api, out, nearby=True)
        wanted = " ".join(args.code) or None

        async def begin() -> ComparisonId | None:
            if wanted is None:
                return None
            try:
                return (await api.submit(MeetNearby(person=wanted))).comparison
            except NotFound:
                return None  # not seen yet

        try:
            return await dialogue.run(begin, args.timeout)
        finally:
            await api.submit(SetNearby(visible=False))


class _Dialogue:
    """Shows what changes, and hands on what is answered, until one comparison is over."""

    def __init__(self, api: NodeApi, out: Output, *, contact: UserId | None = None, nearby: bool = False) -> None:
        """`contact`: whom to compare with; None for whoever is nearby."""
        self._api, self._out, self._contact, self._nearby = api, out, contact, nearby
        self._comparison: ComparisonId | None = None
        self._told: dict[object, object] = {}
        self._known: set[ComparisonId] = set()

    async def run(self, begin: Callable[[], Awaitable[ComparisonId | None]], timeout_s: float) -> int:
        """The exit code; an error that says why it came to nothing."""
        self._known = {row.id for row in (await self._status()).comparisons if row.state.over}
        try:
            async with asyncio.timeout(timeout_s):
                return await self._follow(begin)
        except TimeoutError:
            await self._give_up()
            raise TimedOut("Nothing came of it in that time.", "Nothing was stored.") from None
        except asyncio.CancelledError:
            await self._give_up()
            raise

    async def _follow(self, begin: Callable[[], Awaitable[ComparisonId | None]]) -> int:
        async with answers() as lines, self._api.events() as events:
            line: asyncio.Task[str | None] = asyncio.create_task(lines.get())
            event = asyncio.create_task(_next(events.__aiter__().__anext__))
            listening = True
            try:
                while True:
                    if self._comparison is None:
                        self._comparison = await begin()
                    over = await self._tell()
                    if over is not None:
                        return self._conclude(over)
                    await asyncio.wait({line, event} if listening else {event}, return_when=asyncio.FIRST_COMPLETED)
                    if listening and line.done():
                        typed = line.result()
                        listening = typed is not None
                        if typed is not None:
                            line = asyncio.create_task(lines.get())
                            await self._answered(typed)
                    if event.done():
                        event.result()
                        event = asyncio.create_task(_next(events.__aiter__().__anext__))
            finally:
                line.cancel()
                event.cancel()

    async def _status(self) -> StatusRow:
        return (await self._api.status()).rows

    async def _tell(self) -> ComparisonRow | None:
        """Say what is new; the comparison, if it is over."""
        status = await self._status()
        if self._nearby:
            self._tell_nearby(status.nearby, status.nearby_note)
        rows = [row for row in status.comparisons if row.id not in self._known and self._is_meant(row)]
        if self._comparison not in [row.id for row in rows]:
            self._comparison = None  # both began at once, and this one gave way to the other side's
        for row in rows:
            if self._comparison not in (None, row.id):
                continue
            self._comparison = row.id
            if self._told.get(row.id) != row.state:
                self._told[row.id] = row.state
                self._out.result(comparison_fields(row), *comparison_lines(row, symbols=True))
                if row.state is ComparisonState.COMPARE:
                    self._out.note(QUESTION)
            if row.state.over:
                return row
        if self._nearby and status.nearby is None and self._comparison is None:
            raise TimedOut("Nobody was met.", status.nearby_note or "Both have to be visible at the same time.")
        return None

    def _is_meant(self, row: ComparisonRow) -> bool:
        """Others may begin one at any time."""
        return row.purpose is Purpose.MEET if self._nearby else row.user == self._contact

    def _tell_nearby(self, row: NearbyRow | None, note: str) -> None:
        seen = None if row is None else (row.code, row.people)
        if seen is None or seen == self._told.get("nearby") or row is None:
            return
        self._told["nearby"] = seen
        lines = [f"You are visible on this network as: {row.code}"]
        lines += [f"visible here: {person.code}" for person in row.people] or ["visible here: nobody yet"]
        people = [{"id": person.id, "code": person.code} for person in row.people]
        self._out.result({"code": row.code, "until_ms": row.until_ms, "people": people}, *lines)
        if row.people and self._comparison is None:
            self._out.note("Type the two words of the person to meet, or wait to be chosen.")

    async def _answered(self, line: str) -> None:
        """A line that was typed: an answer, or the code of somebody nearby."""
        word = line.lower()
        try:
            if self._comparison is not None and word in ANSWERS | _SHORT:
                said = ANSWERS.get(word) or _SHORT[word]
                await self._api.submit(AnswerComparison(comparison=self._comparison, answer=said))
            elif self._nearby and self._comparison is None and word:
                self._comparison = (await self._api.submit(MeetNearby(person=word))).comparison
            elif word:
                self._out.note(QUESTION if self._comparison is not None else "There is nothing to answer yet.")
        except MultichatError as error:
            self._out.note(str(error))

    def _conclude(self, row: ComparisonRow) -> int:
        state, advice = state_words(row)
        if row.state is ComparisonState.DONE:
            return 0
        if row.state is ComparisonState.TIMED_OUT:
            raise TimedOut(state, advice)
        raise IntentRefused(Refusal.CLOSED, state, advice)

    async def _give_up(self) -> None:
        if self._comparison is None:
            return
        try:
            await self._api.submit(AnswerComparison(comparison=self._comparison, answer=Answer.CANCEL))
        except MultichatError:
            return


_SHORT = {"y": Answer.SAME, "n": Answer.DIFFERENT}


async def _next(following: Callable[[], Awaitable[object]]) -> object:
    try:
        return await following()
    except StopAsyncIteration:
        raise UsageError("The node has stopped.", "Begin again.") from None


async def contact_vouch(context: Context) -> int:
    return await _vouch(context, vouched=True, note=" ".join(context.args.note))


async def contact_unvouch(context: Context) -> int:
    return await _vouch(context, vouched=False)


async def _vouch(context: Context, *, vouched: bool, note: str = "") -> int:
    async with session(context.host, network=False) as opened:
        contact = await find_contact(opened.api, context.args.name)
        line = await set_vouch(opened.api, contact, vouched=vouched, note=note)
    context.out.result({"contact": id_text(contact.user), "name": contact.name, "vouched": vouched}, line)
    return 0


async def contact_trust(context: Context) -> int:
    """What speaks for somebody: a contact, a member of any channel, or somebody who asks."""
    async with session(context.host, network=False) as opened:
        api = opened.api
        try:
            user = (await find_author(api, context.args.name)).user
        except NotFound:
            user = (await find_request(api, context.args.name)).user
        row = (await api.trust(user)).rows
    context.out.result(trust_fields(row), *trust_lines(row))
    return 0


async def contact_introduce(context: Context) -> int:
    args = context.args
    async with session(context.host, network=False) as opened:
        one, other = await find_contact(opened.api, args.name), await find_contact(opened.api, args.other)
        line = await bring_together(opened.api, one, other, " ".join(args.note))
    context.out.result({"one": id_text(one.user), "other": id_text(other.user)}, line)
    return 0
