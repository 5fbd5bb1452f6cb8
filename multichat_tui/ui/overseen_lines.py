"""How the moderation console is drawn: its tabs, rows, sheets. Pure functions from its state to lines."""

from datetime import datetime

from multichat_tui.model.moderation import DeedRow, DeedState, ReportRow, ReportState, RosterRow
from multichat_tui.model.snapshots import WaitingRow
from multichat_tui.node.api.commands.auditing import STATE_WORDS
from multichat_tui.node.api.commands.reporting import settled_words
from multichat_tui.ui.actions import hint
from multichat_tui.ui.cells import Piece, clip, one_line, pad, width
from multichat_tui.ui.entries import local_time
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.oversight import TABS, Oversight, Row, Tab
from multichat_tui.ui.palette import PLAIN, Palette
from multichat_tui.ui.sweeping import REASONS, Deed, Sweep

WIDE_CELLS = 60
"""From here on rows have all their columns."""
TITLES = {Tab.REPORTS: "Reports", Tab.WAITING: "Waiting", Tab.PEOPLE: "People", Tab.LOG: "Log"}
Line = list[Piece]


def tab_pieces(state: Oversight, cells: int, palette: Palette, glyphs: Glyphs) -> list[Piece]:
    """`Moderation #dev | 1 Reports (2) | 2 Waiting | 3 People (50) | 4 Log`; with less room numbers alone for the rest."""
    counts = {
        Tab.REPORTS: state.open_reports,
        Tab.WAITING: len(state.waiting),
        Tab.PEOPLE: sum(not row.me for row in state.people),
    }
    label = f" Moderation {state.label} " if cells >= WIDE_CELLS else " "
    pieces: list[Piece] = [(label, palette.strong)]
    for number, tab in enumerate(TABS, 1):
        count = f" ({counts[tab]})" if counts.get(tab) else ""
        style = palette.current if tab is state.tab else palette.dim
        title = f" {TITLES[tab]}" if cells >= WIDE_CELLS or tab is state.tab else ""
        pieces += [(glyphs.bar, palette.faint), (f" {number}{title}{count} ", style)]
    return pieces


def told_pieces(state: Oversight, now_ms: int, palette: Palette) -> tuple[list[Piece], list[Piece]]:
    """The filter, and how much it shows."""
    rows, marked = len(state.rows(now_ms)), state.count_marked(now_ms)
    left: list[Piece] = [(f" {one_line(state.filter_words())}", palette.dim)]
    right: list[Piece] = [(f" {rows} of {state.total()}{'+' if state.more and state.tab is Tab.LOG else ''} ", palette.dim)]
    if marked:
        right.append((f" {marked} marked ", palette.strong + palette.accent))
    return left, right


def row_line(state: Oversight, row: Row, cells: int, palette: Palette, glyphs: Glyphs) -> Line:
    """One row, within `cells`; its mark first."""
    mark: Piece = ("x " if state.marked(row) else "  ", palette.accent + palette.strong)
    room = max(4, cells - 2)
    match row:
        case RosterRow():
            return [mark, *_person(row, room, palette, glyphs)]
        case WaitingRow():
            link = f"by a link of {one_line(row.inviter)}" if row.inviter else "by a link that is not valid any more"
            told = f" {_moment(row.asked_ms)} {link}"
            name = pad(one_line(row.name), min(24, max(8, room - len(told))), glyphs.more)
            return [mark, (name, palette.of_person(row.user)), (clip(told, max(0, room - width(name)), glyphs.more), palette.dim)]
        case ReportRow():
            return [mark, *_report(row, room, palette, glyphs)]
        case DeedRow():
            return [mark, *_deed(row, room, palette, glyphs)]


def _moment(time_ms: int) -> str:
    """`14:03` of today, else `11-20 14:03`."""
    moment = local_time(time_ms)
    today = datetime.now().astimezone().date()
    return moment.strftime("%H:%M" if moment.date() == today else "%m-%d %H:%M")


def _person(row: RosterRow, cells: int, palette: Palette, glyphs: Glyphs) -> Line:
    when, wrote = _moment(row.joined_ms), f"{row.messages} msg"
    style = palette.of_person(row.user)
    if cells < WIDE_CELLS:
        told = f" {when} {wrote}"
        return [(pad(one_line(row.name), max(1, cells - len(told)), glyphs.more), style), (told, palette.dim)]
    came = f"by {one_line(row.admitted_by)}" + (" (open link)" if row.link_open else "") if row.admitted_by else ""
    fixed = f" {pad(row.role, 10)} {when:<11} {wrote:>9}  "
    name = pad(one_line(row.name), 24, glyphs.more)
    return [(name, style), (fixed, palette.dim), (clip(came, max(0, cells - 24 - len(fixed)), glyphs.more), palette.faint)]


def _report(row: ReportRow, cells: int, palette: Palette, glyphs: Glyphs) -> Line:
    whom = f" about {one_line(row.name)}" if row.name else ""
    said = f"{_moment(row.time_ms)} {one_line(row.reporter_name)}{whom}: {one_line(row.reason)}"
    quoted = one_line(row.messages[0].text) if row.messages else ""
    more = f" (and {len(row.messages) - 1} more)" if len(row.messages) > 1 else ""
    state = "" if row.state is ReportState.OPEN else f" [{settled_words(row)}]"
    style = PLAIN if row.state is ReportState.OPEN else palette.dim
    body = clip(said, cells, glyphs.more)
    rest = max(0, cells - len(body))
    tail = state or (f" {glyphs.quote} {quoted}{more}" if quoted else "")
    return [(body, style), (clip(tail, rest, glyphs.more), palette.dim)]


STATE_MARKS = {
    DeedState.IN_EFFECT: " ",
    DeedState.LIFTED: "-",
    DeedState.REVERTED: "!",
    DeedState.REFUSED: "!",
    DeedState.PROVISIONAL: "?",
}


def _deed(row: DeedRow, cells: int, palette: Palette, glyphs: Glyphs) -> Line:
    said = f"{_moment(row.time_ms)} {STATE_MARKS[row.state]} {one_line(row.said)}"
    reason = f": {one_line(row.reason)}" if row.reason else ""
    style = {DeedState.REVERTED: palette.bad, DeedState.REFUSED: palette.bad, DeedState.LIFTED: palette.dim}.get(row.state, PLAIN)
    return [(clip(said + reason, cells, glyphs.more), style)]


def detail_lines(row: Row | None) -> list[str]:
    """What more there is to say of the row under the cursor; wrapped by the caller."""
    match row:
        case DeedRow():
            worth = STATE_WORDS[row.state] + (f": {one_line(row.by)}" if row.by else "")
            told = [f"{one_line(row.said)}{': ' + one_line(row.reason) if row.reason else ''}", f"Now: {worth}."]
            if row.undo:
                told.append(f"{hint('console.undo')} would {one_line(row.undo)}. {row.stays}".rstrip())
            elif row.stays:
                told.append(row.stays)
            return told
        case ReportRow():
            quoted = [f"> {one_line(each.text) or '(not here)'}" for each in row.messages[:3]]
            whom = f" about {one_line(row.name)}" if row.name else ""
            return [f"{one_line(row.reporter_name)} reports{whom}: {one_line(row.reason)}", *quoted]
        case WaitingRow():
            link = f"by a link of {one_line(row.inviter)}" if row.inviter else "by a link that is not valid any more"
            return [f"{one_line(row.name)} asks to be let in, {link}", f"Their key: {row.fingerprint}"]
        case RosterRow():
            came = f"by a link of {one_line(row.admitted_by)}" if row.admitted_by else "as a founder"
            open_link = ", still open (the log closes it)" if row.link_open else ""
            return [f"{one_line(row.name)}, {row.role}: came {came}{open_link}"]
        case _:
            return []


def empty_lines(state: Oversight) -> list[str]:
    """Where nothing is shown: what there is to do."""
    if state.pattern or (state.tab is Tab.PEOPLE and state.wrote):
        return ["Nobody fits this filter.", f"{hint('console.clear')} takes it away."]
    match state.tab:
        case Tab.REPORTS:
            settled = len(state.reports) - state.open_reports
            told = f" {hint('console.wrote')} shows the {settled} that are settled." if settled else ""
            return [
                f"Nothing is reported.{told}",
                f"Members report with {hint('moderate')} on a message, or /report NAME REASON.",
            ]
        case Tab.WAITING:
            return ["Nobody waits to be let in.", "Where everybody who has a link comes in at once, nobody does."]
        case Tab.PEOPLE:
            return [f"Nobody {state.filter_words()}.", f"{hint('console.span')} looks further back."]
        case Tab.LOG:
            return ["Nothing was done in this time.", f"{hint('console.span')} looks further back."]


def sheet_lines(plan: Sweep, palette: Palette) -> list[Line]:
    """What is being put together: the choices, then what each step will do."""
    lines: list[Line] = [[(plan.title, palette.strong), (f": {one_line(plan.reason) or 'no reason given'}", palette.accent)]]
    if plan.timed:
        lines.append([(f"{hint('sweep.span')} ", palette.strong), (f"lasts {plan.span}", PLAIN)])
    reasons = "  ".join(f"{number} {word}" for number, word in enumerate(REASONS, 1))
    lines.append([("Why: ", PLAIN), (reasons, palette.strong), (f"  {hint('sweep.reason')} in your own words", palette.dim)])
    said = "tells all in the channel" if plan.announce else "tells nobody but the log"
    lines.append([(f"{hint('sweep.announce')} ", palette.strong), (said, PLAIN)])
    lines.append([("", PLAIN)])
    if plan.deed is not Deed.REDACT:
        going = f"takes away what they have written: {plan.going} here" if plan.redact else "leaves what they have written"
        lines.insert(-1, [(f"{hint('sweep.redact')} ", palette.strong), (going, PLAIN)])
    refused = f", {plan.refused} would be refused" if plan.refused else ""
    lines.append([(f"What it will do ({len(plan.steps) - plan.refused}{refused}):", palette.dim)])
    for step in sorted(plan.steps, key=lambda step: not step.refused):
        if step.refused:
            lines.append([(f"  will not {step.said}: {one_line(step.refused)}", palette.bad)])
        else:
            lines.append([(f"  {step.said}{step.also}", PLAIN)])
    return lines
