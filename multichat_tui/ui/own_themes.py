"""Themes of the user's own, from the configuration file: a known one with some of its styles replaced.

A fault in one is told with the key and the nearest valid one, and leaves that style as the base has it: a broken theme never
keeps anybody out.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from rich.errors import StyleSyntaxError
from rich.style import Style

from multichat_tui.node.api.lookup import nearest
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.themes import DARK, THEMES

MAX_OWN_THEMES = 32
"""Each is parsed at every start."""
MAX_NAMES_COLOURS = 32
STYLES = tuple(field.name for field in fields(Palette) if field.name not in ("name", "dark", "native", "names"))
"""What a theme may set, beside `base` and `names`."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
_STYLE = re.compile(r"(?:(?:bold|dim|italic|underline|reverse|on|not|#[0-9a-fA-F]{6}|[a-z]+[a-z0-9_]*)\s*)+")
_WORDS_OF_RICH = ("link", "blink", "conceal", "frame", "encircle")
"""What Rich reads as more than a look."""


def own_themes(tables: Mapping[str, Any], file: str) -> tuple[dict[str, Palette], tuple[str, ...]]:
    """(the themes by name, complaints). `tables` is the `themes` table of the file."""
    made: dict[str, Palette] = {}
    complaints: list[str] = []
    for name, table in list(tables.items())[:MAX_OWN_THEMES]:
        where = f"{file}: themes.{name[:24]}"
        if _NAME.fullmatch(name) is None or name in (*THEMES, "auto"):
            complaints.append(f"{where}: a theme's name is of small letters, digits and dashes, and none that there is already.")
        elif not isinstance(table, Mapping):
            complaints.append(f"{where} needs a table of styles.")
        else:
            made[name], told = _theme(name, table, where)
            complaints += told
    return made, tuple(complaints)


def _theme(name: str, table: Mapping[str, Any], where: str) -> tuple[Palette, list[str]]:
    complaints: list[str] = []
    wanted = table.get("base", "dark")
    base = THEMES.get(wanted) if isinstance(wanted, str) else None
    if base is None:
        close = nearest(wanted, map(str, THEMES)) if isinstance(wanted, str) else None
        advice = f"Did you mean {close!r}?" if close else f"It is one of {', '.join(THEMES)}."
        complaints.append(f"{where}.base: there is no theme {str(wanted)[:24]!r}. {advice}")
    changes: dict[str, Any] = {}
    for key, value in table.items():
        if key == "base":
            continue
        if key == "names":
            listed = value[:MAX_NAMES_COLOURS] if isinstance(value, list) else []
            styles = [style for style in map(parse_style, listed) if style is not None]
            if listed and len(styles) == len(listed):
                changes["names"] = tuple(styles)
            else:
                complaints.append(f'{where}.names needs a list of styles, like ["#7cc4ff", "bold green"].')
        elif key not in STYLES:
            close = nearest(key, (*STYLES, "base", "names"))
            advice = f"Did you mean {close!r}?" if close else f"There are: {', '.join(STYLES)}."
            complaints.append(f"{where}: there is no style {key[:24]!r}. {advice}")
        elif (style := parse_style(value)) is None:
            examples = '"#7cc4ff", "bold red" or "#fff8e0 on #102030"'
            complaints.append(f"{where}.{key}: {str(value)[:24]!r} is no style; write it like {examples}.")
        else:
            changes[key] = style
    return replace(base or DARK, name=f"own-{name}", **changes), complaints


def parse_style(text: Any) -> Style | None:
    """A style as people write it; None: it is none."""
    if not isinstance(text, str) or len(text) > 80 or _STYLE.fullmatch(text.strip()) is None:
        return None
    if any(word in _WORDS_OF_RICH for word in text.split()):
        return None
    try:
        return Style.parse(text)
    except StyleSyntaxError:
        return None
