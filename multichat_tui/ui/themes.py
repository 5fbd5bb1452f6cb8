"""The themes that come with the program, and which one a terminal can show.

Every text of those with colours of their own stands out from what is behind it by 4.5 : 1 at least (WCAG 2.2, AA).
"""

from collections.abc import Mapping

from rich.style import Style

from multichat_tui.node.api.lookup import nearest
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.preferences import Look


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
    dim=Style(color="#929cac"),
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
    dim=Style(color="#58616e"),
    faint=Style(color="#a9b0b9"),
    strong=Style(color="#0b0d10", bold=True),
    accent=Style(color="#0a5fa8"),
    own=Style(color="#39424f"),
    good=Style(color="#18692d"),
    warn=Style(color="#8d5b00"),
    bad=Style(color="#b3261e", bold=True),
    unread=Style(color="#a33f00", bold=True),
    mention=Style(color="#8a4b00", bold=True),
    selected=Style(bgcolor="#dfe7f3"),
    current=Style(color="#0b0d10", bgcolor="#cfdff2", bold=True),
    link=Style(color="#0a5fa8", underline=True),
    caret=Style(color="#fbfbf9", bgcolor="#0a5fa8"),
    marked=Style(color="#fbfbf9", bgcolor="#4a5a70"),
    names=_ink(
        "#0a5fa8", "#18692d", "#a0460f", "#7b3fa6", "#7a5c00", "#08655f",
        "#a82a58", "#4450b8", "#456700", "#a63b2a", "#106f8c", "#77592a",
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
NIGHT = Palette(
    name="multichat-night",
    dark=True,
    native=False,
    ground=Style(color="#d8d4cc", bgcolor="#000000"),
    side=Style(color="#b4afa6", bgcolor="#0a0a0a"),
    bar=Style(color="#cfcabf", bgcolor="#1a1a1a"),
    panel=Style(color="#d8d4cc", bgcolor="#111111"),
    dim=Style(color="#99938a"),
    faint=Style(color="#57534d"),
    strong=Style(color="#ffffff", bold=True),
    accent=Style(color="#e0b060"),
    own=Style(color="#c4bfb5"),
    good=Style(color="#8fc97a"),
    warn=Style(color="#e8b84f"),
    bad=Style(color="#ff7b6b", bold=True),
    unread=Style(color="#ff9a5c", bold=True),
    mention=Style(color="#ffd479", bold=True),
    selected=Style(bgcolor="#2b2618"),
    current=Style(color="#ffffff", bgcolor="#3a3018", bold=True),
    link=Style(color="#e0b060", underline=True),
    caret=Style(color="#000000", bgcolor="#e0b060"),
    marked=Style(color="#000000", bgcolor="#cfcabf"),
    names=_ink("#e0b060", "#8fc97a", "#e89a7a", "#c9a6e8", "#d9cf70", "#74c7bd", "#ef94b0", "#a3b0f0"),
)
PAPER = Palette(
    name="multichat-paper",
    dark=False,
    native=False,
    ground=Style(color="#2e2a25", bgcolor="#f7f1e3"),
    side=Style(color="#4d463c", bgcolor="#efe7d5"),
    bar=Style(color="#3b352d", bgcolor="#e4dac4"),
    panel=Style(color="#2e2a25", bgcolor="#f1e9d8"),
    dim=Style(color="#655c4e"),
    faint=Style(color="#a89d89"),
    strong=Style(color="#14110d", bold=True),
    accent=Style(color="#7a3e12"),
    own=Style(color="#453e34"),
    good=Style(color="#3b5f1c"),
    warn=Style(color="#7a4a00"),
    bad=Style(color="#a02417", bold=True),
    unread=Style(color="#963700", bold=True),
    mention=Style(color="#7a3e00", bold=True),
    selected=Style(bgcolor="#e6dcc6"),
    current=Style(color="#14110d", bgcolor="#d9cbad", bold=True),
    link=Style(color="#7a3e12", underline=True),
    caret=Style(color="#f7f1e3", bgcolor="#7a3e12"),
    marked=Style(color="#f7f1e3", bgcolor="#5c5243"),
    names=_ink("#7a3e12", "#3b5f1c", "#8c2f4e", "#5a3d8a", "#66500a", "#16605a", "#2a4f8f", "#7d3a1f"),
)
CONTRAST = Palette(
    name="multichat-contrast",
    dark=True,
    native=False,
    ground=Style(color="#ffffff", bgcolor="#000000"),
    side=Style(color="#ffffff", bgcolor="#000000"),
    bar=Style(color="#000000", bgcolor="#ffffff"),
    panel=Style(color="#ffffff", bgcolor="#000000"),
    dim=Style(),
    faint=Style(),
    strong=Style(bold=True),
    accent=Style(bold=True),
    own=Style(),
    good=Style(),
    warn=Style(bold=True),
    bad=Style(bold=True, underline=True),
    unread=Style(bold=True),
    mention=Style(bold=True, underline=True),
    selected=Style(color="#000000", bgcolor="#ffff00", bold=True),
    current=Style(color="#000000", bgcolor="#ffffff", bold=True),
    link=Style(underline=True),
    caret=Style(color="#000000", bgcolor="#ffff00"),
    marked=Style(color="#000000", bgcolor="#ffff00"),
    names=(Style(bold=True),),
)

THEMES: Mapping[str, Palette] = {
    Look.DARK: DARK,
    Look.LIGHT: LIGHT,
    Look.NIGHT: NIGHT,
    Look.PAPER: PAPER,
    Look.CONTRAST: CONTRAST,
    Look.TERMINAL: TERMINAL,
    Look.MONO: MONO,
}
DESCRIBED: Mapping[str, str] = {
    Look.AUTO: "dark, or fewer colours where the terminal has fewer",
    Look.DARK: "blue on slate",
    Look.LIGHT: "blue on white",
    Look.NIGHT: "amber on black",
    Look.PAPER: "brown on cream",
    Look.CONTRAST: "white on black, as strong as it gets",
    Look.TERMINAL: "the terminal's own sixteen colours",
    Look.MONO: "no colour",
}


def choose(look: str, own: Mapping[str, Palette], *, no_color: bool, colours: int) -> tuple[Palette, str]:
    """The palette, and why it is not the one that was asked for. `colours`: how many the terminal shows (0, 16, 256 or 2**24)."""
    if look == Look.MONO:
        return MONO, ""
    if no_color or colours == 0:
        quiet = look in (Look.AUTO, Look.TERMINAL)
        told = "" if quiet else f"{look} needs colours, and there are none here (NO_COLOR, or the terminal)"
        return MONO, told
    if look == Look.TERMINAL:
        return TERMINAL, ""
    if colours <= 16:
        return TERMINAL, "" if look == Look.AUTO else f"{look} needs 256 colours; this terminal has {colours}: its own are used"
    if look == Look.AUTO:
        return DARK, ""
    found = own.get(look) or THEMES.get(look)
    if found is None:
        return DARK, unknown_theme(look, own)
    return found, ""


def unknown_theme(name: str, own: Mapping[str, Palette]) -> str:
    """That there is none, with the nearest one."""
    known = [*own, *map(str, THEMES), str(Look.AUTO)]
    close = nearest(name, known)
    return f"There is no theme {name[:40]!r}. " + (f"Did you mean {close!r}?" if close else f"There are: {', '.join(known)}.")
