"""QR codes of links, drawn with characters: two modules to a half block, or two letters to a module where there are no blocks.

The only user of the library that makes them; it is imported when a code is wanted. Dark modules are what is drawn: front ends
draw them black on white, whatever the terminal's own colours are, as not every reader takes an inverted code.
"""

from multichat_tui.model.errors import UsageError
from multichat_tui.model.limits import MAX_LINK_CHARACTERS
from multichat_tui.model.values import dataclass

QUIET_MODULES = 2
"""Of light around it. The standard asks for four, in print; readers of screens are content with two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """`modules`: rows of a square, true is dark, with the quiet zone."""

    modules: tuple[tuple[bool, ...], ...]

    def lines(self, *, ascii_only: bool = False) -> tuple[str, ...]:
        """Half blocks, two rows to a line; or `##` and spaces, one row to a line."""
        if ascii_only:
            return tuple("".join("##" if dark else "  " for dark in row) for row in self.modules)
        rows = list(self.modules)
        if len(rows) % 2:
            rows.append((False,) * len(rows[0]))
        return tuple(
            "".join(_BLOCKS[above, below] for above, below in zip(rows[n], rows[n + 1], strict=True))
            for n in range(0, len(rows), 2)
        )


_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def qr_code(text: str) -> QrCode:
    """The smallest code of a link. `errors.UsageError` for what fits in none."""
    import segno  # 20 ms, only where a code is wanted

    compact = "".join(text.split())
    if not compact or len(compact) > MAX_LINK_CHARACTERS:
        raise UsageError("That is too long for a QR code." if compact else "There is no link to draw.")
    try:
        made = segno.make(compact, error="l", boost_error=False, micro=False)
    except ValueError:
        raise UsageError("That does not fit into a QR code.") from None
    return QrCode(modules=tuple(tuple(bool(dark) for dark in row) for row in made.matrix_iter(border=QUIET_MODULES)))


def needs(lines: tuple[str, ...]) -> tuple[int, int]:
    """(columns, rows) of the drawing."""
    return max(len(line) for line in lines), len(lines)
