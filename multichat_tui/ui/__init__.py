"""The terminal's screens. The only room that knows Textual; it sees the node through `node.api` and nothing else.

`run_tui` is the door. Importing this package imports no Textual: the screens are loaded when they are run.
"""

from collections.abc import AsyncIterator

from multichat_tui.node.api.launch import Launcher
from multichat_tui.ui.preferences import Preferences

__all__ = ["Preferences", "faults_of", "run_tui"]


def run_tui(launcher: Launcher, *, preferences: Preferences | None = None, guide: AsyncIterator[str] | None = None) -> int:
    """Run the screens until the user quits, then stop what the launcher started. Returns the exit code of the process.

    What `guide` says stands in a line of its own above everything, each until the next.
    """
    from multichat_tui.ui.app import run

    return run(launcher, preferences or Preferences(), guide)


def faults_of(preferences: Preferences) -> tuple[str, ...]:
    """What the screens would leave out of a configuration file, for people."""
    from multichat_tui.ui.keyboard import file_bindings, keyboard
    from multichat_tui.ui.own_themes import own_themes
    from multichat_tui.ui.themes import choose

    themes, faults = own_themes(preferences.themes, preferences.file)
    preset, bound, more = file_bindings(preferences.keys, preferences.file)
    _, no_theme = choose(preferences.look, themes, no_color=False, colours=1 << 24)
    return (
        *faults,
        *more,
        *keyboard(preset or preferences.preset, bound).complaints,
        *((f"{preferences.file}: theme: {no_theme}",) if no_theme else ()),
    )
