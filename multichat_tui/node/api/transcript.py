"""Rows of a timeline as lines for people, safe to draw: for commands, line mode and whatever prints.

Nothing that others wrote begins a line of its own, moves the cursor, or can pass for another's message.
"""

import time
from collections.abc import Iterable
from itertools import groupby

from multichat_tui.model.searching import FoundRow
from multichat_tui.model.snapshots import Delivery, Gap, MessageRow, RowKind
from multichat_tui.model.text import visible
from multichat_tui.node.api.lookup import one_line

SAYS = {
    RowKind.CREATED: "made",
    RowKind.JOINED: "joined",
    RowKind.LEFT: "left",
    RowKind.REMOVED: "was removed",
    RowKind.TOPIC: "set the topic:",
    RowKind.RENAMED: "renamed the channel:",
    RowKind.INVITED: "made an invitation",
    RowKind.DEVICES: "",
    RowKind.MODERATED: "",
    RowKind.NEWER: "(needs a newer version)",
    RowKind.HELD: "(held back: their clock is ahead)",
}
ABSENT = {
    RowKind.MISSING: "{name} wrote something whose text has not come; others are asked for it",
    RowKind.REDACTED: "{name}: {text}",
    RowKind.EXPIRED: "{name}: {text}",
    RowKind.FOR_OTHERS: "{name}: a message to others",
}
"""Of messages whose text is not here."""
SIGNS = {
    Delivery.QUEUED: "…",
    Delivery.STORED: "▤",
    Delivery.SOME: "✓",
    Delivery.ALL: "✓✓",
    Delivery.READ: "◉",
    Delivery.FAILED: "✗",
    Delivery.ALONE: "·",
}
COUNTED = 10_000_000
"""Of more missing messages the number is somebody's claim."""
WORDS = {
    Delivery.QUEUED: "queued",
    Delivery.STORED: "stored at mailboxes",
    Delivery.SOME: "delivered to some",
    Delivery.ALL: "delivered to all",
    Delivery.READ: "read by all",
    Delivery.FAILED: "not delivered",
    Delivery.ALONE: "nobody else is here yet",
}
"""What a screen reader says in place of a sign."""


def message_lines(row: MessageRow) -> list[str]:
    """One row with its date; further lines of a text are indented."""
    when = local_time(row.time_ms)
    name = visible(row.name).replace("\n", " ")
    state = f"  [{SIGNS[row.state]}]" if row.mine and row.state in SIGNS else ""
    late = f"{'  (late)' if row.late else ''}{'  (edited)' if row.edited else ''}{'  (pinned)' if row.pinned else ''}"
    if row.ignored:
        return [f"{when}  * {ignored_words(1)}"]
    if row.kind is not RowKind.MESSAGE:
        return [f"{when}  * {_happened(row)}{late}"]
    below = (
        *map(one_line, (*row.lines, *row.deeds)),
        *filter(None, (row.hint,)),
        *((reactions_words(row),) if row.reactions else ()),
    )
    first, *rest = [line for text in (row.text, *below) for line in visible(text).split("\n")]
    return [f"{when}  {name}{_to(row)}: {first}{'' if rest else state + late}"] + [
        f"{'':20} {line}{state + late if number == len(rest) else ''}" for number, line in enumerate(rest, 1)
    ]


def ignored_words(count: int) -> str:
    """The line that stands for messages of people whom the user ignores."""
    return f"ignored: {count:,} {'message' if count == 1 else 'messages'}"


def spoken_lines(label: str, rows: Iterable[MessageRow], *, state: bool = True) -> list[str]:
    """As `spoken_line`; messages of people who are ignored are one line where they follow each other."""
    lines = []
    for ignored, group in groupby(rows, key=lambda row: row.ignored):
        if ignored:
            lines.append(f"{label} {ignored_words(len(list(group)))}")
        else:
            lines += [spoken_line(label, row, state=state) for row in group]
    return lines


def spoken_line(label: str, row: MessageRow, *, state: bool = True) -> str:
    """One row in exactly one line without any sign that has to be seen: `#dev 14:03 bob: hello`. `label` is the channel's.

    `state` says how far one's own message has come.
    """
    marks = [WORDS[row.state]] if state and row.mine and row.kind is RowKind.MESSAGE and row.state in WORDS else []
    marks += ["late"] if row.late else []
    marks += [f"disappears {local_time(row.expires_ms)}"] if row.expires_ms is not None else []
    deeds = row.deeds if row.kind is RowKind.MESSAGE else ()
    marks += [*(["edited"] if row.edited else []), *map(one_line, (*row.lines, *deeds))]
    marks += [row.hint] if row.hint else []
    marks += [f"reactions {reactions_words(row)}"] if row.reactions else []
    told = f"{one_line(row.name)}{_to(row)}: {one_line(row.text)}" if row.kind is RowKind.MESSAGE else _happened(row)
    return f"{label} {clock_time(row.time_ms)} {told}" + (f" ({', '.join(marks)})" if marks else "")


def addressed_words(row: MessageRow) -> str:
    """Whom alone a message is for; empty: all."""
    return f"to {', '.join(one_line(name) for name in row.to)}" if row.to else ""


def _to(row: MessageRow) -> str:
    return f" ({addressed_words(row)})" if row.to else ""


def absence_words(row: MessageRow) -> str:
    """What stands in place of a text that is not here."""
    return ABSENT[row.kind].format(name=one_line(row.name), text=one_line(row.text) or row.kind.value)


def reactions_words(row: MessageRow) -> str:
    """`👍 3 (you)  🎉 1`."""
    return "  ".join(f"{one_line(each.emoji)} {each.count}{' (you)' if each.mine else ''}" for each in row.reactions)


def _happened(row: MessageRow) -> str:
    """What is no message, in words."""
    if row.kind in ABSENT:
        return absence_words(row)
    name, text = one_line(row.name), one_line(row.text) if row.kind is not RowKind.HELD else ""
    if row.kind in (RowKind.DEVICES, RowKind.MODERATED):
        # This node's own words, with the name in them.
        return text
    if row.kind is RowKind.JOINED and text:
        # The text names whom it is about.
        return f"{text} {SAYS[row.kind]}" + (f" ({one_line(row.deeds[0])})" if row.deeds else "")
    if row.kind is RowKind.REMOVED and text:
        return f"{text} {SAYS[row.kind]} by {name}"
    if row.kind is RowKind.CREATED and not text:
        return f"{name} began the conversation"
    return f"{name} {SAYS[row.kind]} {text}".rstrip()


def gap_words(gap: Gap) -> str:
    """What a timeline says where messages are missing: how many, and what is done about it."""
    one = gap.missing == 1
    missing = f"{gap.missing:,}" if gap.missing <= COUNTED else f"over {COUNTED:,}"
    if gap.ets is None:
        told = f"{gap.waiting:,} {'message waits' if gap.waiting == 1 else 'messages wait'} for {missing} missing"
    elif gap.withheld:
        return f"{missing} earlier {'message is' if one else 'messages are'} not shown to newcomers"
    elif gap.paused:
        return f"{missing} older {'message' if one else 'messages'} not fetched: /older fetches more"
    else:
        told = f"{missing} older {'message' if one else 'messages'} missing"
    return f"{told}, asking {one_line(gap.asking)}" if gap.asking else f"{told}; nobody online has {'it' if one else 'them'}"


def local_time(time_ms: int) -> str:
    """`2026-11-21 01:47:32` in local time; what no calendar holds is shown as a number."""
    return _local(time_ms, "%Y-%m-%d %H:%M:%S")


def clock_time(time_ms: int) -> str:
    """`01:47` in local time."""
    return _local(time_ms, "%H:%M")


def clock_date(time_ms: int) -> str:
    """`2026-11-21` in local time."""
    return _local(time_ms, "%Y-%m-%d")


def _local(time_ms: int, form: str) -> str:
    try:
        return time.strftime(form, time.localtime(time_ms / 1000))
    except (OverflowError, ValueError, OSError):
        return str(time_ms)


EXCERPT_CHARACTERS = 160
"""Of a long message that was found, so much is shown around the first place."""
_BEFORE_PLACE = 40


def excerpt(text: str, places: tuple[tuple[int, int], ...], characters: int = EXCERPT_CHARACTERS) -> tuple[int, int]:
    """The range of a text that is shown of it: all that fits, else what is around the first place, from a word's beginning."""
    if len(text) <= characters:
        return 0, len(text)
    first = places[0][0] if places else 0
    begin = max(0, min(first - min(_BEFORE_PLACE, characters // 3), len(text) - characters))
    space = text.find(" ", begin, first) if begin else -1
    begin = space + 1 if space >= 0 else begin
    return begin, min(len(text), begin + characters)


def found_line(label: str, found: FoundRow) -> str:
    """One message that was found, in exactly one line: `2026-11-21 01:47:32  #dev  bob: hello`."""
    row = found.row
    begin, end = excerpt(row.text, found.places)
    told = f"{'…' if begin else ''}{one_line(row.text[begin:end])}{'…' if end < len(row.text) else ''}"
    return f"{local_time(row.time_ms)}  {label}  {one_line(row.name)}: {told}"
