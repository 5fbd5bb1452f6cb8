"""What the command palette offers: every action that can be done from the main screen, and every slash command."""

from collections.abc import Sequence

from multichat_tui.node.api.commands import COMMANDS, Command
from multichat_tui.ui.actions import ACTIONS, TITLES, Action, Scope, key_name, keys_of
from multichat_tui.ui.fuzzy import best
from multichat_tui.ui.palette import PLAIN, Palette
from multichat_tui.ui.picker import Choice

OVERLAYS = frozenset({Scope.PANEL, Scope.SEARCH, Scope.CONSOLE, Scope.SWEEP, Scope.PICKER})
"""Their actions are about what lies over the screen: there is none of it when the palette opens."""

Entry = Action | Command


def entries() -> list[Entry]:
    """Commands first: they are what has no key."""
    return [*COMMANDS, *(action for action in ACTIONS if action.scope not in OVERLAYS)]


def entry_key(entry: Entry) -> tuple[str, str]:
    return ("command", entry.name) if isinstance(entry, Command) else ("action", entry.id)


def command_of(name: str) -> Command:
    """The command that a picked key names."""
    return next(command for command in COMMANDS if command.name == name)


def needs_words(command: Command) -> bool:
    """Whether it can do nothing without an argument."""
    rest = command.usage.partition(" ")[2]
    return bool(rest) and not rest.startswith("[")


def offer(query: str, recent: Sequence[tuple[str, str]], palette: Palette) -> list[Choice]:
    """The lines for what is typed; what was used lately first."""
    lately = {key: place for place, key in enumerate(recent)}
    ordered = sorted(entries(), key=lambda entry: lately.get(entry_key(entry), len(lately)))
    return [_choice(entry, palette) for entry in best(query, ordered, _text)]


def _text(entry: Entry) -> str:
    if isinstance(entry, Command):
        return " ".join((entry.usage, entry.summary, *entry.aliases))
    return f"{entry.title} {entry.id}"


def _choice(entry: Entry, palette: Palette) -> Choice:
    if isinstance(entry, Command):
        left = ((entry.usage, palette.strong), ("  " + entry.summary, palette.dim))
        return Choice(key=entry_key(entry), left=left, gives_way=True)
    keys = keys_of(entry.id)
    where = () if entry.scope is Scope.ANYWHERE else ((f"  {TITLES[entry.scope].lower()}", palette.faint),)
    right = ((", ".join(key_name(key) for key in keys[:2]) + " ", palette.accent),) if keys else ()
    return Choice(key=entry_key(entry), left=((entry.title, PLAIN), *where), right=right)
