"""Themes and keys as the user changes them while the screens run: tried, checked, and kept with the profile."""

from typing import TYPE_CHECKING, cast

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.intents import ChangeSetting
from multichat_tui.ui.actions import ACTIONS, KEYS, TITLES, Action, Scope, key_name, keys_of
from multichat_tui.ui.keyboard import KEPT, checked_keys, find_action, hidden_by, parse_key, sent_everywhere, taken_by
from multichat_tui.ui.panel import Page
from multichat_tui.ui.parts import Read
from multichat_tui.ui.preferences import BINDING, NO_KEYS, Look
from multichat_tui.ui.themes import DESCRIBED, unknown_theme

if TYPE_CHECKING:
    from multichat_tui.ui.app import MultichatApp
    from multichat_tui.ui.main import MainScreen

ID_CELLS = 22
KEY_CELLS = 26


def keys_page() -> Page:
    """Every action by its id, with its keys: what /bind shows."""
    lines: list[str] = ["/bind ACTION KEY... gives an action other keys, /unbind ACTION its own ones back.", ""]
    headings: set[int] = set()
    for scope in Scope:
        headings.add(len(lines))
        lines.append(TITLES[scope])
        for action in (each for each in ACTIONS if each.scope is scope):
            keys = ", ".join(key_name(key) for key in keys_of(action.id)) or "(none)"
            lines.append(f"  {action.id:<{ID_CELLS - 4}}  {keys:<{KEY_CELLS - 2}}  {action.title}")
        lines.append("")
    return Page(title="Keys", lines=tuple(lines[:-1]), headings=frozenset(headings), hang=ID_CELLS + KEY_CELLS)


class Dressing:
    """Of one screen. Keys are in force, and shown by help and palette, as soon as the node has kept them."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen

    @property
    def _app(self) -> "MultichatApp":
        return cast("MultichatApp", self._screen.app)

    # Themes

    @property
    def look(self) -> str:
        """The theme that is kept."""
        return self._app.preferences.look

    def themes(self) -> list[tuple[str, str]]:
        """(name, what it is), the user's own first."""
        own = [(name, "yours") for name in self._app.own_themes]
        return [*own, *((str(name), told) for name, told in DESCRIBED.items())]

    def preview(self, name: str) -> None:
        """Show it, without keeping it."""
        self._app.try_theme(name)

    async def theme(self, name: str) -> None:
        """Wear it and keep it."""
        wanted = name.strip().lower()
        if wanted not in {known for known, _ in self.themes()}:
            self._screen.front.say(unknown_theme(name.strip(), self._app.own_themes), bad=True)
            self.preview(self.look)
            return
        _, fault = self._app.palette_of(wanted)
        self.preview(wanted)
        if await self._keep("ui.look", wanted or Look.AUTO) and not fault:
            self._screen.front.say(f"The theme is {wanted}.")
        elif fault:
            self._screen.front.say(fault, bad=True)

    # Keys

    async def bind(self, words: str) -> None:
        """`ACTION` alone shows its keys; with keys behind it, it gets them."""
        name, _, rest = words.strip().partition(" ")
        action = find_action(name)
        if isinstance(action, str):
            self._screen.front.say(action, bad=True)
            return
        texts = _keys_in(rest)
        if not texts:
            keys = ", ".join(key_name(key) for key in keys_of(action.id)) or "no key"
            self._screen.front.say(f"{action.id}: {keys}  ({action.title}; {TITLES[action.scope].lower()})")
            return
        if texts == (NO_KEYS,):
            if action.id in KEPT:
                self._screen.front.say(f"{action.id} always has a key: without it you could be lost.", bad=True)
            elif await self._keep(BINDING + action.id, NO_KEYS):
                self._screen.front.say(f"{action.id} has no key now; the palette does it.")
            return
        checked = checked_keys(action, texts)
        if isinstance(checked, str):
            self._screen.front.say(checked, bad=True)
            return
        await self._give(action, checked)

    async def _give(self, action: Action, keys: tuple[str, ...]) -> None:
        told, warned = _told(action, keys)
        for key in keys:
            owner = taken_by(KEYS, action, key)
            if owner in KEPT and len(keys_of(owner)) == 1:
                self._screen.front.say(f"{key_name(key)} is the only key of {owner}: give {owner} another one first.", bad=True)
                return
        if await self._keep(BINDING + action.id, ",".join(keys)):
            self._screen.front.say(told, bad=warned)

    async def unbind(self, words: str) -> None:
        """Without a key: back to what it had. With one: without that one."""
        name, _, rest = words.strip().partition(" ")
        action = find_action(name)
        if isinstance(action, str):
            self._screen.front.say(action, bad=True)
            return
        texts = _keys_in(rest)
        if not texts:
            if await self._keep(BINDING + action.id, ""):
                keys = ", ".join(key_name(key) for key in action.keys)
                self._screen.front.say(f"{action.id} has its own keys again: {keys}.")
            return
        gone = {parse_key(text) for text in texts}
        left = tuple(key for key in keys_of(action.id) if key not in gone)
        if len(left) == len(keys_of(action.id)):
            self._screen.front.say(f"{rest.strip()[:40]} is no key of {action.id}.", bad=True)
        elif not left and action.id in KEPT:
            self._screen.front.say(f"{action.id} always has a key: without it you could be lost.", bad=True)
        elif await self._keep(BINDING + action.id, ",".join(left) or NO_KEYS):
            self._screen.front.say(f"{action.id}: {', '.join(key_name(key) for key in left) or 'no key'}.")

    async def _keep(self, key: str, value: str) -> bool:
        front = self._screen.front
        if front.api is None:
            front.say("Still opening: try again in a moment.", bad=True)
            return False
        try:
            await front.api.submit(ChangeSetting(key=key, value=value))
        except MultichatError as error:
            front.say(str(error), bad=True)
            return False
        front.want(Read.SETTINGS)
        return True


def _keys_in(words: str) -> tuple[str, ...]:
    """Keys parted by spaces; in double quotes two that are pressed one after the other."""
    found: list[str] = []
    for number, part in enumerate(words.split('"')):
        found += [part] if number % 2 and part.strip() else part.replace(",", " ").split() if not number % 2 else []
    return tuple(found)


def _told(action: Action, keys: tuple[str, ...]) -> tuple[str, bool]:
    """What the change means, and whether it is a warning."""
    told = [f"{action.id}: {', '.join(key_name(key) for key in keys)}."]
    warned = False
    for key in keys:
        if not sent_everywhere(key):
            told.append(f"{key_name(key)} is not sent by every terminal; tmux without extended keys does not.")
            warned = True
        if (owner := taken_by(KEYS, action, key)) is not None:
            told.append(f"{key_name(key)} was a key of {owner}.")
            warned = True
        elif action.scope is Scope.ANYWHERE and (hider := hidden_by(KEYS, key)) is not None:
            told.append(f"{key_name(key)} does {hider} in its own pane.")
            warned = True
    return " ".join(told), warned
