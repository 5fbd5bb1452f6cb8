"""The log of the node in a panel that follows it: the newest line first. It holds no texts, keys or names."""

from collections.abc import AsyncIterator, Sequence

from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.panel import Page, PanelScreen

LOG_HANG = 4
Log = tuple[str, tuple[str, ...]]
"""Where it is, and its last lines, the newest first."""


def log_page(path: str, lines: Sequence[str]) -> Page:
    """`y` copies what is shown, to be sent to somebody who helps."""
    told = lines or (
        "Nothing has been logged there yet.",
        "A node logs when it starts, is linked, meets trouble or ends; after /set log debug every step.",
        "This page shows it as it comes.",
    )
    head = (f"{path}  (the newest first; /set log debug logs more, /set log info less)", "")
    return Page(title="Log", lines=(*head, *told), hang=LOG_HANG)


class LogScreen(PanelScreen):
    """`follow` gives the log each time that there is more. The newest lines stay in view unless one has scrolled down."""

    def __init__(self, log: Log, follow: AsyncIterator[Log], palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(log_page(*log), palette, glyphs)
        self._follow = follow
        self._unseen = False

    def on_mount(self) -> None:
        self.run_worker(self._read())

    async def _read(self) -> None:
        async for path, lines in self._follow:
            page = log_page(path, lines)
            if page == self.page:
                continue
            self.page = page
            self.lines.show(page)
            self._unseen = not self.lines.at_top
            self.fit()
            self.moved()

    def moved(self) -> None:
        self._unseen = self._unseen and not self.lines.at_top
        self.hint("newer lines above" if self._unseen else "following" if self.lines.at_top else "")
