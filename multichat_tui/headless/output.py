"""What commands print: results on standard output, everything meant for people beside them on standard error.

With JSON one object per line; otherwise tidy text in which nothing that others wrote can move the cursor.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from multichat_tui.model.snapshots import MessageRow
from multichat_tui.model.text import visible
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.lookup import id_text
from multichat_tui.node.api.wire import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """`json_lines`: for programs. The streams are the process's own unless a test gives others."""

    json_lines: bool
    stdout: TextIO
    stderr: TextIO

    def result(self, fields: Mapping[str, Any], *lines: str) -> None:
        """One result: its fields for programs, or its lines for people (already safe to draw)."""
        if self.json_lines:
            self.object(fields)
        else:
            for line in lines:
                print(line, file=self.stdout)
            self.stdout.flush()

    def object(self, fields: Mapping[str, Any]) -> None:
        """One JSON object in a line, whatever the format asked for."""
        print(json.dumps(fields, separators=(", ", ": "), allow_nan=False), file=self.stdout, flush=True)

    def draw(self, lines: Sequence[str]) -> None:
        """Black on white on a terminal, for people; nothing with JSON."""
        if self.json_lines:
            return
        colours = self.stdout.isatty()
        for line in lines:
            print(f"\x1b[30;107m{line}\x1b[0m" if colours else line, file=self.stdout)
        self.stdout.flush()

    def note(self, text: str) -> None:
        """For people, on standard error."""
        print(visible(text), file=self.stderr, flush=True)


def standard_output(json_lines: bool) -> Output:
    return Output(json_lines=json_lines, stdout=sys.stdout, stderr=sys.stderr)


def plain(value: object) -> Any:
    """A row's fields by name, as programs get them: without the wire's type names."""
    return _untyped(to_json(value))


def event_fields(event: object) -> dict[str, Any]:
    """An event as programs get it: `event` is its name."""
    fields = to_json(event)
    return {"event": fields.pop("type")} | {name: _untyped(entry) for name, entry in fields.items()}


def _untyped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _untyped(entry) for name, entry in value.items() if name != "type"}
    if isinstance(value, list):
        return [_untyped(entry) for entry in value]
    return value


def message_fields(row: MessageRow) -> dict[str, Any]:
    """One row of a timeline. `time` is in UTC milliseconds, and so is `expires`: when it is gone, null if it stays."""
    return {
        "id": id_text(row.id),
        "channel": id_text(row.channel),
        "author": id_text(row.author),
        "name": row.name,
        "time": row.time_ms,
        "kind": row.kind.value,
        "text": row.text,
        "mine": row.mine,
        "state": row.state.value,
        "stored": row.stored,
        "copies": row.copies,
        "delivered": row.delivered,
        "total": row.total,
        "edited": row.edited,
        "reply_to": id_text(row.reply_to) if row.reply_to is not None else None,
        "thread": None,
        "reactions": [{"emoji": each.emoji, "count": each.count, "mine": each.mine} for each in row.reactions],
        "pinned": row.pinned,
        "resource": row.resource or None,
        "lines": list(row.lines),
        "late": row.late,
        "expires": row.expires_ms,
        "deeds": list(row.deeds),
        "ignored": row.ignored,
        "to": list(row.to),
        "subject": id_text(row.subject) if row.subject is not None else None,
    }


def counted(number: int, noun: str) -> str:
    """`1 member`, `2 members`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns side by side, two spaces apart."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
