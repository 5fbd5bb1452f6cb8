"""Slash commands by which members report and moderators settle; and what they share with the command line."""

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import SendReport, SettleReport
from multichat_tui.model.moderation import ReportRow, ReportState
from multichat_tui.model.snapshots import RowKind
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.moderating import Done
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import MIN_ID_CHARACTERS, find_member, find_message, id_text, nearest, one_line
from multichat_tui.node.api.transcript import local_time

HONEST = "Those who moderate here now get it; the others see that you wrote to them, and not what."
OUTCOMES = {"dismiss": False, "dismissed": False, "done": True, "acted": True}
QUOTED_CHARACTERS = 80


async def report(api: NodeApi, channel: ChannelId, whom: str, reason: str, messages: tuple[str, ...] = ()) -> Done:
    """About a member by name, or a message by the beginning of its id; `messages` stand beside a member."""
    targets: list[RecordId] = []
    for text in messages:
        targets.append((await find_message(api, text, channel)).id)
    try:
        member = await find_member(api, channel, whom)
    except NotFound as nobody:
        try:
            row = await find_message(api, whom, channel)
        except (NotFound, UsageError):
            raise nobody from None
        if row.kind is not RowKind.MESSAGE:
            raise UsageError("Only messages and people can be reported.") from None
        sent = await api.submit(SendReport(channel=channel, reason=reason, user=row.author, targets=(row.id, *targets)))
        return _reported(f"The message of {one_line(row.name)} is reported.", sent.record, reason)
    sent = await api.submit(SendReport(channel=channel, reason=reason, user=member.user, targets=tuple(targets)))
    return _reported(f"{one_line(member.name)} is reported.", sent.record, reason)


def _reported(said: str, record: RecordId | None, reason: str) -> Done:
    return Done(said=f"{said} {HONEST}", fields={"id": None if record is None else id_text(record), "reason": reason})


async def settle(api: NodeApi, channel: ChannelId, which: str, outcome: str, reason: str) -> Done:
    """By the number in the list of open ones, or the beginning of the id."""
    rows = (await api.reports(channel)).rows
    acted = outcome_of(outcome)
    word = which.strip().lower()
    if word.isascii() and word.isdigit() and len(word) < MIN_ID_CHARACTERS:
        found = [row for number, row in enumerate(rows, 1) if number == int(word)]
    else:
        found = [row for row in rows if len(word) >= MIN_ID_CHARACTERS and id_text(row.id).startswith(word)]
    if len(found) != 1:
        raise NotFound("There is no report of this number or id.", "/reports lists them.")
    await api.submit(SettleReport(channel=channel, report=found[0].id, acted=acted, reason=reason))
    about = f" about {one_line(found[0].name)}" if found[0].name else ""
    said = f"The report by {one_line(found[0].reporter_name)}{about} is settled: {'acted upon' if acted else 'dismissed'}."
    return Done(said=said, fields={"id": id_text(found[0].id), "acted": acted, "reason": reason})


def outcome_of(text: str) -> bool:
    """Whether something was done. `errors.UsageError`."""
    word = text.strip().lower()
    if word in OUTCOMES:
        return OUTCOMES[word]
    close = nearest(word, OUTCOMES)
    raise UsageError(f"A report is settled by done or dismiss, not by {one_line(word)[:20]!r}.", f"/reports 1 {close or 'done'}")


def report_lines(number: int, row: ReportRow) -> list[str]:
    """`1  2026-11-21 14:00  ann about bob: spam  [open]`, and the messages below."""
    whom = f" about {one_line(row.name)}" if row.name else ""
    said = f"{one_line(row.reporter_name)}{whom}: {one_line(row.reason)}"
    lines = [f"{number}  {local_time(row.time_ms)}  {said}  [{settled_words(row)}]"]
    for message in row.messages:
        text = one_line(message.text)[:QUOTED_CHARACTERS] if message.text else "(not here)"
        lines.append(f"   > {text}  ({id_text(message.id)[:8]})")
    return lines


def settled_words(row: ReportRow) -> str:
    """`open`, or by whom it was settled and how."""
    if row.state is ReportState.OPEN:
        return "open"
    done = "acted upon" if row.state is ReportState.ACTED else "dismissed"
    return f"{done} by {one_line(row.settled_by)}" + (f": {one_line(row.settled_reason)}" if row.settled_reason else "")


def report_fields(row: ReportRow) -> dict[str, Plain]:
    return {
        "id": id_text(row.id),
        "time": row.time_ms,
        "reporter": id_text(row.reporter),
        "reporter_name": row.reporter_name,
        "reason": row.reason,
        "user": None if row.user is None else id_text(row.user),
        "name": row.name,
        "messages": [{"id": id_text(each.id), "text": each.text, "here": each.here} for each in row.messages],
        "state": row.state.value,
        "settled_by": row.settled_by,
        "settled_reason": row.settled_reason,
    }


# The commands


async def report_somebody(call: Call) -> Outcome:
    whom, reason = call.first_word()
    if not reason:
        raise call.misused("A report says what is wrong: moderators see your words.")
    return (await report(call.api, call.need_channel(), whom, reason)).outcome()


async def reports(call: Call) -> Outcome:
    channel = call.need_channel()
    if call.words and call.words.lower() != "all":
        which, rest = call.first_word()
        outcome, _, reason = rest.partition(" ")
        if not outcome:
            raise call.misused()
        return (await settle(call.api, channel, which, outcome, reason.strip())).outcome()
    rows = (await call.api.reports(channel)).rows
    numbered = [(number, row) for number, row in enumerate(rows, 1) if call.words or row.state is ReportState.OPEN]
    lines = [line for number, row in numbered for line in report_lines(number, row)]
    settled = len(rows) - sum(row.state is ReportState.OPEN for row in rows)
    if not lines:
        lines = ["Nothing is reported here." + (f" {settled} settled: /reports all shows them." if settled else "")]
    else:
        lines += ["", "/reports N done [WHAT] or /reports N dismiss [WHY] settles one."]
    return Outcome(lines=tuple(lines), fields={"reports": [report_fields(row) for _, row in numbered]}, hang=3)
