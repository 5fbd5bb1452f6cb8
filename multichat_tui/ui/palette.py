"""Colours. Each look is one `Palette` of finished styles; what a colour tells is always told by a sign or a word too."""

from dataclasses import dataclass

from rich.style import Style

from multichat_tui.ui.preferences import Look

PLAIN = Style()
"""Nothing of its own: what it is laid over shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """`ground`, `side` and `bar` are the backgrounds of timeline and composer, of side panes, of header and status line; the
    other styles are laid over one of them."""

    name: str
    dark: bool
    native: bool
    """Uses the terminal's own colours, or none."""
    ground: Style
    side: Style
    bar: Style
    panel: Style
    dim: Style
    faint: Style
    strong: Style
    accent: Style
    own: Style
    good: Style
    warn: Style
    bad: Style
    unread: Style
    mention: Style
    selected: Style
    current: Style
    link: Style
    caret: Style
    marked: Style
    names: tuple[Style, ...]

    def of_person(self, identifier: bytes) -> Style:
        """A stable colour for a key: two people of one name differ, a change of name changes nothing."""
        return self.names[int.from_bytes(identifier[:4], "big") % len(self.names)] if identifier else self.dim


def _ink(*colours: str, bold: bool = True) -> tuple[Style, ...]:
    return tuple(Style(color=colour, bold=bold) for colour in colours)


DARK = Palette(
    name="multichat-dark",
    dark=True,
    native=False,
    ground=Style(color="#d5dae3", bgcolor="#12151c"),
    side=Style(color="#aab2c0", bgcolor="#171b24"),
    bar=Style(color="#c3cad6", bgcolor="#1e2430"),
    panel=Style(color="#d5dae3", bgcolor="#1a1f2a"),
    dim=Style(color="#7d8797"),
    faint=Style(color="#4a5466"),
    strong=Style(color="#f2f5fa", bold=True),
    accent=Style(color="#7cc4ff"),
    own=Style(color="#c3cad6"),
    good=Style(color="#7fd992"),
    warn=Style(color="#f2c063"),
    bad=Style(color="#ff8278", bold=True),
    unread=Style(color="#ff9f5a", bold=True),
    mention=Style(color="#ffd479", bold=True),
    selected=Style(bgcolor="#26304a"),
    current=Style(color="#f2f5fa", bgcolor="#263a57", bold=True),
    link=Style(color="#7cc4ff", underline=True),
    caret=Style(color="#12151c", bgcolor="#7cc4ff"),
    marked=Style(color="#12151c", bgcolor="#b9c6dc"),
    names=_ink(
        "#7cc4ff", "#8fd694", "#f2a97e", "#d8a6f5", "#e8c872", "#6fd6cf",
        "#f59ab5", "#a9b8ff", "#b7d36b", "#ffb3a1", "#86d8f0", "#d9b98a",
    ),
)  # fmt: skip
LIGHT = Palette(
    name="multichat-light",
    dark=False,
    native=False,
    ground=Style(color="#23272f", bgcolor="#fbfbf9"),
    side=Style(color="#474f5c", bgcolor="#f0f1ee"),
    bar=Style(color="#333a45", bgcolor="#e3e6e6"),
    panel=Style(color="#23272f", bgcolor="#eef1f4"),
    dim=Style(color="#6a7380"),
    faint=Style(color="#a9b0b9"),
    strong=Style(color="#0b0d10", bold=True),
    accent=Style(color="#0a5fa8"),
    own=Style(color="#39424f"),
    good=Style(color="#1d7a36"),
    warn=Style(color="#8d5b00"),
    bad=Style(color="#b3261e", bold=True),
    unread=Style(color="#b44700", bold=True),
    mention=Style(color="#8a4b00", bold=True),
    selected=Style(bgcolor="#dfe7f3"),
    current=Style(color="#0b0d10", bgcolor="#cfdff2", bold=True),
    link=Style(color="#0a5fa8", underline=True),
    caret=Style(color="#fbfbf9", bgcolor="#0a5fa8"),
    marked=Style(color="#fbfbf9", bgcolor="#4a5a70"),
    names=_ink(
        "#0a5fa8", "#1d7a36", "#a0460f", "#7b3fa6", "#7a5c00", "#0b7570",
        "#a82a58", "#4450b8", "#527a00", "#a63b2a", "#106f8c", "#77592a",
    ),
)  # fmt: skip
TERMINAL = Palette(
    name="multichat-terminal",
    dark=True,
    native=True,
    ground=Style(),
    side=Style(),
    bar=Style(reverse=True),
    panel=Style(),
    dim=Style(dim=True),
    faint=Style(dim=True),
    strong=Style(bold=True),
    accent=Style(color="cyan"),
    own=Style(),
    good=Style(color="green"),
    warn=Style(color="yellow"),
    bad=Style(color="red", bold=True),
    unread=Style(color="yellow", bold=True),
    mention=Style(color="yellow", bold=True, underline=True),
    selected=Style(bold=True, underline=True),
    current=Style(reverse=True),
    link=Style(underline=True),
    caret=Style(reverse=True),
    marked=Style(reverse=True),
    names=_ink("cyan", "green", "yellow", "magenta", "blue", "cyan") + _ink("green", "magenta", "blue", bold=False),
)
MONO = Palette(
    name="multichat-mono",
    dark=True,
    native=True,
    ground=Style(),
    side=Style(),
    bar=Style(reverse=True),
    panel=Style(),
    dim=Style(dim=True),
    faint=Style(dim=True),
    strong=Style(bold=True),
    accent=Style(bold=True),
    own=Style(),
    good=Style(),
    warn=Style(bold=True),
    bad=Style(bold=True),
    unread=Style(bold=True),
    mention=Style(bold=True, underline=True),
    selected=Style(bold=True, underline=True),
    current=Style(reverse=True),
    link=Style(underline=True),
    caret=Style(reverse=True),
    marked=Style(reverse=True),
    names=(Style(bold=True),),
)


def choose(look: Look, *, no_color: bool, colours: int) -> Palette:
    """`colours`: how many the terminal shows (0 for none, 16, 256, or 2**24)."""
    match look:
        case Look.DARK:
            return DARK
        case Look.LIGHT:
            return LIGHT
        case Look.TERMINAL:
            return MONO if no_color else TERMINAL
        case Look.MONO:
            return MONO
        case Look.AUTO:
            if no_color or colours == 0:
                return MONO
            return TERMINAL if colours <= 16 else DARK
