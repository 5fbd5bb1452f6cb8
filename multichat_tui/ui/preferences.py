"""What a user may choose about the screens: in the configuration file before they start, as settings of the profile later."""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Any

from multichat_tui.model.values import dataclass
from multichat_tui.node.api.settings import idle_ms


class Signs(StrEnum):
    """Which set of signs to draw with. AUTO: by the locale."""

    AUTO = "auto"
    UNICODE = "unicode"
    ASCII = "ascii"


class Alert(StrEnum):
    """How a mention or a direct message calls. BELL is BEL alone; the others add an OSC 9 or OSC 777 notification."""

    OFF = "off"
    BELL = "bell"
    OSC9 = "osc9"
    OSC777 = "osc777"


class Look(StrEnum):
    """The themes that come with the program. AUTO: dark, the terminal's colours where there are sixteen, none with NO_COLOR."""

    AUTO = "auto"
    DARK = "dark"
    LIGHT = "light"
    NIGHT = "night"
    PAPER = "paper"
    CONTRAST = "contrast"
    TERMINAL = "terminal"
    MONO = "mono"


BINDING = "ui.bind."
"""Settings of this name and an action's id hold the keys that the user has bound, parted by commas; `none` for no key."""
NO_KEYS = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """`themes` and `keys` are as the configuration file has them, by its keys: `own_themes` and `file_bindings` read them."""

    signs: Signs = Signs.AUTO
    alert: Alert = Alert.BELL
    look: str = Look.AUTO
    """A theme of the program or of the user."""
    mouse: bool = True
    clock: str = "%H:%M"
    """strftime format of the time column; what is wider than eight cells is cut."""
    lock_idle_ms: int = 0
    """Without a key for so long, the terminal locks; 0: never."""
    preset: str = "default"
    """The keys to begin with: default, emacs or vim."""
    bound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By action id: what the user has bound."""
    themes: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)
    file: str = "config.toml"
    """The configuration file, as complaints name it."""

    def changed(self, key: str, value: str) -> "Preferences":
        """With one setting of the profile applied.

        What is unknown or not allowed changes nothing: the settings table has judged it already, or a newer version wrote it.
        """
        try:
            match key:
                case "ui.signs":
                    return replace(self, signs=Signs(value))
                case "ui.alert":
                    return replace(self, alert=Alert(value))
                case "ui.look":
                    return replace(self, look=value)
                case "ui.mouse":
                    return replace(self, mouse=value.lower() in ("on", "yes", "true", "1"))
                case "ui.clock":
                    return replace(self, clock=value)
                case "lock.idle":
                    return replace(self, lock_idle_ms=idle_ms(value))
                case "ui.keys":
                    return replace(self, preset=value)
        except ValueError:
            return self
        if key.startswith(BINDING) and value:
            keys = () if value == NO_KEYS else tuple(key for key in value.split(",") if key)
            return replace(self, bound={**self.bound, key.removeprefix(BINDING): keys})
        return self
