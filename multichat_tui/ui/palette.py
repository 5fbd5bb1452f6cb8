"""What is drawn with: one `Palette` of finished styles. What a colour tells is always told by a sign or a word too."""

from rich.style import Style

from multichat_tui.model.values import dataclass

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
