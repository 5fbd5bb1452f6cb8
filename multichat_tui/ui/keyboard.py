"""Which keys do what: defaults, presets, what the configuration file and the user have bound. Pure.

The rule it keeps: help, quit and the command palette always have a key that every terminal sends and that nothing takes away.
"""

import re
from collections.abc import Mapping
from typing import Any

from multichat_tui.model.values import dataclass
from multichat_tui.node.api.lookup import nearest
from multichat_tui.ui.actions import ACTIONS, BY_ID, Action, Keymap, Scope, key_name, keymap

Bindings = Mapping[str, tuple[str, ...]]
"""Keys by action id."""

KEPT = ("help", "quit", "palette")
"""Never without a key."""
MAX_KEYS = 6
"""Of one action; more fit into no help."""
MAIN_SCOPES = (Scope.COMPOSER, Scope.TIMELINE, Scope.LISTS, Scope.MEMBERS)
"""Where a key of its own hides one that works anywhere."""
WRITTEN = (Scope.COMPOSER, Scope.SEARCH, Scope.PICKER)
"""Where a bare character is text."""

PRESETS: Mapping[str, Bindings] = {
    "default": {},
    "emacs": {
        "left": ("left", "ctrl+b"),
        "right": ("right", "ctrl+f"),
        "up": ("up", "ctrl+p"),
        "down": ("down", "ctrl+n"),
        "erase.line-right": ("ctrl+k",),
        "history.previous": ("alt+p", "ctrl+up"),
        "history.next": ("alt+n", "ctrl+down"),
        "palette": ("alt+x",),
        "switcher": ("alt+g",),
        "channel.next": ("alt+down", "f8"),
        "view.page-up": ("pageup", "alt+v"),
        "view.page-down": ("pagedown", "ctrl+v"),
        "cursor.up": ("p", "up", "k"),
        "cursor.down": ("n", "down", "j"),
        "list.up": ("p", "up", "k"),
        "list.down": ("n", "down", "j"),
        "panel.up": ("p", "up", "k"),
        "panel.down": ("n", "down", "j"),
    },
    "vim": {
        "palette": ("ctrl+p", "colon"),
        "focus.composer": ("i",),
        "who": ("I",),
        "view.half-up": ("ctrl+u",),
        "view.half-down": ("ctrl+d",),
        "view.page-up": ("pageup", "ctrl+b"),
        "view.page-down": ("pagedown", "ctrl+f"),
        "pick.up": ("up", "ctrl+k", "ctrl+p"),
        "pick.down": ("down", "ctrl+j", "ctrl+n"),
    },
}
"""Readline's keys go back to the line in `emacs`; `vim` moves as vi does wherever nothing is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyboard:
    """`complaints` name what was left out or hides something, for people."""

    keys: Keymap
    complaints: tuple[str, ...] = ()


_PUNCTUATION = {
    "/": "slash", "_": "underscore", ":": "colon", "?": "question_mark", "+": "plus", "-": "minus", ".": "full_stop",
    ",": "comma", ";": "semicolon", "\\": "backslash", "!": "exclamation_mark", "#": "number_sign", "*": "asterisk",
    "=": "equals_sign", "'": "apostrophe", "@": "at", "&": "ampersand", "%": "percent_sign", "$": "dollar_sign",
    "(": "left_parenthesis", ")": "right_parenthesis", "<": "less_than_sign", ">": "greater_than_sign",
    "[": "left_square_bracket", "]": "right_square_bracket", "{": "left_curly_bracket", "}": "right_curly_bracket",
    "|": "vertical_line", "~": "tilde", "^": "circumflex_accent", "`": "grave_accent", '"': "quotation_mark",
}  # fmt: skip
_PARTS = {
    "c": "ctrl", "control": "ctrl", "m": "alt", "meta": "alt", "option": "alt", "s": "shift",
    "esc": "escape", "return": "enter", "ret": "enter", "spc": "space", "del": "delete", "ins": "insert",
    "pgup": "pageup", "pgdn": "pagedown", "pgdown": "pagedown", "bs": "backspace", **_PUNCTUATION,
}  # fmt: skip
_NAMED = (
    {"escape", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end", "up", "down", "left", "right"}
    | {"pageup", "pagedown", *_PUNCTUATION.values()}
    | {f"f{number}" for number in range(1, 13)}
)
_MODIFIERS = ("ctrl", "alt", "shift")
_PLAIN_TMUX = re.compile(
    r"""[^+\s] | \w+ | shift\+tab | alt\+(?:[a-z0-9]|enter|slash|shift\+u) | ctrl\+(?:[a-hjkln-z]|underscore|backslash)
    | (?:ctrl|alt|shift)\+(?:up|down|left|right|home|end) | alt\+page(?:up|down)""",
    re.VERBOSE,
)
"""What plain terminals have a sequence for that nothing else uses. Ctrl+I is Tab and Ctrl+M is Enter there."""


def parse_key(text: str) -> str | None:
    """A key as people write it ("Ctrl+K", "C-x C-e", "F9", "Alt+/"), as Textual names it. None: it is none."""
    parsed = [_parse_one(word) for word in text.split()]
    if not 1 <= len(parsed) <= 2 or None in parsed:
        return None
    return " ".join(key for key in parsed if key is not None)


def _parse_one(word: str) -> str | None:
    if len(word) == 1:
        return _PUNCTUATION.get(word, word)
    *modifiers, last = re.split(r"[+-](?=.)", word)
    named = [_PARTS.get(modifier.lower(), modifier.lower()) for modifier in modifiers]
    if any(modifier not in _MODIFIERS for modifier in named) or len(set(named)) != len(named):
        return None
    if len(last) == 1:
        key = _PUNCTUATION.get(last, last.lower() if named else last)
    else:
        key = _PARTS.get(last.lower(), last.lower())
        if key not in _NAMED:
            return None
    if "shift" in named and len(key) == 1 and not (set(named) == {"alt", "shift"} and key.isascii() and key.isalpha()):
        return None
    return "+".join([*(modifier for modifier in _MODIFIERS if modifier in named), key])


def sent_everywhere(key: str) -> bool:
    """Whether a plain terminal in tmux sends it, so that it can be told from other keys."""
    return all(_PLAIN_TMUX.fullmatch(each) is not None for each in key.split())


def find_action(text: str) -> Action | str:
    """The action of this id, or why there is none, with the nearest one."""
    wanted = text.strip().lower()
    found = BY_ID.get(wanted)
    if found is not None:
        return found
    close = nearest(wanted, BY_ID)
    return f"There is no action {text.strip()[:40]!r}." + (f" Did you mean {close!r}?" if close else " /bind lists them.")


def checked_keys(action: Action, texts: tuple[str, ...]) -> tuple[str, ...] | str:
    """The keys for an action, or why they cannot be."""
    if len(texts) > MAX_KEYS:
        return f"An action has at most {MAX_KEYS} keys."
    keys: list[str] = []
    for text in texts:
        key = parse_key(text)
        if key is None:
            return f'{text[:40]!r} is no key: write it like Ctrl+K, Alt+x, F9 or "Ctrl+X Ctrl+E".'
        if " " in key and (action.scope is not Scope.COMPOSER or not key.startswith(("ctrl+", "alt+"))):
            return f"{key_name(key)}: two keys in a row are for writing only, and begin with Ctrl or Alt."
        if action.scope in WRITTEN and is_text(key):
            return f"{key_name(key)} is text where {action.id} works: it could not be typed any more."
        if key not in keys:
            keys.append(key)
    return tuple(keys)


def is_text(key: str) -> bool:
    """Whether it types something where one writes."""
    return (len(key) == 1 and key.isprintable()) or key == "space" or key in _PUNCTUATION.values()


def keyboard(preset: str, *layers: Bindings) -> Keyboard:
    """Defaults, over them the preset, over it each layer. Where two actions claim a key, the later layer has it."""
    complaints: list[str] = []
    chosen = dict(PRESETS.get(preset, {}))
    if preset not in PRESETS:
        complaints.append(f"There are no keys called {preset[:40]!r}; there are {', '.join(PRESETS)}.")
    for layer in layers:
        for identifier, keys in layer.items():
            action = BY_ID.get(identifier)
            if action is None:
                complaints.append(f"There is no action {identifier[:40]!r}.")
                continue
            chosen.pop(identifier, None)
            chosen = {identifier: keys, **chosen}
            complaints += [
                f"{key_name(key)} for {identifier}: a terminal in plain tmux cannot send it"
                for key in keys
                if not sent_everywhere(key)
            ]
    made = keymap(chosen)
    complaints += _conflicts(made, chosen)
    complaints += _keep(made)
    return Keyboard(keys=made, complaints=tuple(dict.fromkeys(complaints)))


def _conflicts(made: Mapping[Scope, Mapping[str, str]], chosen: Bindings) -> list[str]:
    """Who lost a key to whom, where somebody chose so."""
    told = []
    for action in ACTIONS:
        for key in chosen.get(action.id, action.keys):
            holder = made[action.scope].get(key)
            if holder is not None and holder != action.id:
                told.append(f"{key_name(key)} is taken by {holder}, and not {action.id} any more")
    return told


def taken_by(keys: Keymap, action: Action, key: str) -> str | None:
    """The other action that has a key where this one works."""
    holder = keys[action.scope].get(key)
    return holder if holder != action.id else None


def hidden_by(keys: Keymap, key: str) -> str | None:
    """The action of one pane that hides what a key does anywhere."""
    return next((keys[scope][key] for scope in MAIN_SCOPES if key in keys[scope]), None)


def _keep(made: dict[Scope, dict[str, str]]) -> list[str]:
    """Give back the keys without which one would be lost."""
    told = []
    for identifier in KEPT:
        anywhere = made[Scope.ANYWHERE]
        mine = [key for key, action in anywhere.items() if action == identifier]
        if any(sent_everywhere(key) and not is_text(key) and hidden_by(made, key) is None for key in mine):  # works everywhere
            continue
        key = BY_ID[identifier].keys[0]
        for scope in MAIN_SCOPES:
            made[scope].pop(key, None)
        anywhere[key] = identifier
        told.append(f"{key_name(key)} stays with {identifier}: without it you could be lost")
    return told


def file_bindings(table: Mapping[str, Any], file: str) -> tuple[str, Bindings, tuple[str, ...]]:
    """(preset, or empty where none is named; keys by action; complaints) of the `keys` table of a configuration file.

    An action's id may stand in quotes or as dotted key, its keys as one text or a list of them.
    """
    preset, bindings, complaints = "", {}, []
    for name, value in _flat(table):
        if name == "preset":
            if isinstance(value, str) and value in PRESETS:
                preset = value
            else:
                complaints.append(f"{file}: keys.preset is one of {', '.join(PRESETS)}, not {str(value)[:24]!r}.")
            continue
        action = find_action(name)
        if isinstance(action, str):
            complaints.append(f"{file}: keys.{name[:40]}: {action}")
            continue
        texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else (None,)
        if any(not isinstance(text, str) for text in texts):
            complaints.append(f'{file}: keys.{name} needs a key like "F9", or a list of them.')
            continue
        keys = checked_keys(action, texts)
        if isinstance(keys, str):
            complaints.append(f"{file}: keys.{name}: {keys}")
        else:
            bindings[action.id] = keys
    return preset, bindings, tuple(complaints)


def _flat(table: Mapping[str, Any], before: str = "", depth: int = 0) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        if isinstance(value, Mapping) and depth < 2:
            found += _flat(value, f"{before}{key}.", depth + 1)
        else:
            found.append((before + key, value))
    return found
