"""Text from people on its way to the screen: widths add up, nothing spills over, and no control character comes out."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from random import Random

from rich.cells import get_character_cell_size

from multichat_tui.model import text as text_room
from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId
from multichat_tui.model.snapshots import Delivery, MessageRow, RowKind
from multichat_tui.model.text import clean_name, display_names, visible
from multichat_tui.node.api.transcript import message_lines, spoken_line
from multichat_tui.ui import glyphs
from multichat_tui.ui.cells import clip, drawn, pad, sober, width, wrap
from multichat_tui.ui.drawing import Quote, Surroundings, paint
from multichat_tui.ui.entries import Message, Notice
from multichat_tui.ui.themes import THEMES

NASTY = (
    "\0\x07\x08\t\n\r\x1b\x7f\x85\x9b\xad\u0300\u0301\u0338\u034f\u0489\u061c\u0e31\u0e33\u115f\u1160\u17b5\u180e\u200b\u200c\u200d\u200e\u200f"
    "\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u206f\u3000\u3099\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff9\ufffc\ufffd\U0001f3fb\U0001f3ff\U0001f468"
    "\U0001f1e6\U0001f1ff\U0001f3f4\U000e0067\U000e007f\U000e0100\U0010ffff\ud800\udfffaZ 09#*@/~<>[]:.\u2714\u2764\u5b57\ud7a3\u0627\u0644\u094d\u0915"
    "\u0600\u06dd\u070f\u08e2\u1d173\U0001d173\u0cc0\u2e3a\u2e3b\ufdfd\u12031"
)
"""What has broken terminals before."""
FORBIDDEN = {"Cc", "Cs", "Co", "Zl", "Zp"}
SHOWN_CF = {"\u200c", "\u200d"}


class RenderingTarget:
    """The first byte and the length are the seed of the surroundings (width, kind, signs); an even one: UTF-8 follows, else
    places in NASTY."""

    name = "rendering"

    def __init__(self) -> None:
        # One input asks a dozen times for the same; the answer is a function of the text alone.
        self._visible = text_room._visible
        text_room._visible = lru_cache(maxsize=64)(self._visible)

    def seeds(self) -> Sequence[bytes]:
        texts = [
            b"hello",
            b"https://example.org/x?y=(z), and more",
            b"a\nb\n\nc",
            "grün 字 ✔️ 👨‍👩‍👧".encode(),
            b"\x1b[2J\x9b1m",
            b"x" * 300,
            b"word " * 80,
        ]
        return [bytes([number]) + text for number, text in enumerate(texts * 2)] + [
            bytes([number]) + bytes(range(number, number + 90)) for number in range(1, 30, 2)
        ]

    def words(self) -> Sequence[bytes]:
        return [*(char.encode("utf-8", "replace") for char in NASTY), b"https://", b"\n" * 3, b" " * 9, b"\xff\xfe", b"\r\n"]

    def play(self, case: bytes) -> str:
        seed, rest = (case[0] if case else 0), case[1:120]
        text = rest.decode("utf-8", "surrogateescape") if seed % 2 == 0 else "".join(NASTY[byte % len(NASTY)] for byte in rest)
        rng = Random(case[:1] + bytes([len(rest)]))
        _plain(text)
        cells = rng.choice((2, 3, 17, 40, 79, 200))
        _measured(text, cells)
        return _painted(text, rng) if rng.random() < 0.9 else f"plain {visible(text) == text} {len(wrap(sober(text), cells)) > 1}"

    def close(self) -> None:
        text_room._visible = self._visible


def _plain(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown, "not idempotent"
    check_drawable(shown.replace("\n", ""))
    name = clean_name(text)
    names = display_names({UserId(bytes([n]) * 32): told for n, told in enumerate((text, text, name or "ann", "ann"))})
    assert len(set(names.values())) == len(names)
    for told in names.values():
        check_drawable(told)


def check_drawable(text: str) -> None:
    bad = [] if text.isascii() and text.isprintable() else [hex(ord(char)) for char in set(text) if not _may_be_drawn(char)]
    assert not bad, f"may not be drawn: {bad[:5]}"


@lru_cache(maxsize=4096)
def _may_be_drawn(char: str) -> bool:
    category = unicodedata.category(char)
    return category not in FORBIDDEN and (category != "Cf" or _kept(char))


def _kept(char: str) -> bool:
    """Joiners that shape letters, and the tags of the three flags."""
    return char in SHOWN_CF or "\U000e0061" <= char <= "\U000e007f"


def _measured(text: str, cells: int) -> None:
    shown = sober(text)
    spans = wrap(shown, cells)
    at = 0
    for begin, end in spans:
        assert at <= begin <= end <= len(shown), "lines overlap"
        assert shown[at:begin] in ("", " ", "\n"), "text is lost between two lines"
        assert width(shown[begin:end]) <= cells, "a line is too wide"
        at = end
    assert shown[at:] in ("", " ", "\n")
    line = shown.replace("\n", " ")
    assert width(clip(line, cells)) <= cells
    assert width(pad(line, cells)) == cells
    assert len(drawn(text)) == len(text)
    assert not any(unicodedata.category(char) == "Cc" and char != "\n" for char in drawn(text))


def _painted(text: str, rng: Random) -> str:
    kind = rng.choice((RowKind.MESSAGE, RowKind.MESSAGE, RowKind.MESSAGE, RowKind.HELD, *RowKind))
    author = UserId(bytes([rng.randrange(3)]) * 32)
    name = display_names({author: text})[author]
    reply = RecordId(bytes(32)) if rng.random() < 0.3 else None
    row = MessageRow(
        id=RecordId(bytes(32)), channel=ChannelId(bytes(32)), arrival=1, ets=1, time_ms=rng.choice((0, 1_700_000_000_000, 2**48 - 1)),
        author=author, device=DeviceId(bytes(32)), name=name, kind=kind, text=text, mine=rng.random() < 0.5,
        state=rng.choice(tuple(Delivery)), delivered=1, total=2, late=rng.random() < 0.3, reply_to=reply, subject=author,
    )  # fmt: skip
    cells = rng.choice((20, 33, 61, 120))
    around = Surroundings(
        width=cells,
        palette=rng.choice(_PALETTES),
        glyphs=rng.choice(_GLYPHS),
        my_name=rng.choice(("ann", "", name)),
        clock=rng.choice(("%H:%M", "%c", "%Y-%m-%d %H:%M:%S")),
        name_of=lambda who: name,
        quote_of=lambda record: Quote(name=name, text=text, author=author),
        now_ms=lambda: 1_700_000_000_000,
    )
    entry = Message(row=row, follows=rng.random() < 0.5) if kind in (RowKind.MESSAGE, RowKind.HELD) else Notice(rows=(row,))
    strips = paint(entry, around, unfolded=rng.random() < 0.5, under_cursor=rng.random() < 0.5)
    assert strips
    for strip in strips:
        told = "".join(segment.text for segment in strip)
        check_drawable(told)
        assert sum(map(get_character_cell_size, told)) == cells == strip.cell_length, "not as wide as the pane"
        for segment in strip:
            link = segment.style.link if segment.style is not None else None
            assert link is None or (link.isascii() and link.isprintable())
    for line in (*message_lines(row), spoken_line("#dev", row)):
        check_drawable(line)
        assert "\n" not in line
    return f"{kind} {min(len(strips), 30)} {visible(text) == text} {sober(text) == visible(text)}"


_PALETTES = tuple(THEMES.values())
_GLYPHS = tuple(value for value in vars(glyphs).values() if isinstance(value, glyphs.Glyphs))
assert _GLYPHS
