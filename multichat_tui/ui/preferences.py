"""What a user may choose about the screens, before they start. Later changes come as settings of the profile."""

from dataclasses import dataclass, replace
from enum import StrEnum


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
    """AUTO: dark, sixteen terminal colours where there are no more, none with NO_COLOR."""

    AUTO = "auto"
    DARK = "dark"
    LIGHT = "light"
    TERMINAL = "terminal"
    MONO = "mono"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    signs: Signs = Signs.AUTO
    alert: Alert = Alert.BELL
    look: Look = Look.AUTO
    mouse: bool = True
    clock: str = "%H:%M"
    """strftime format of the time column; what is wider than eight cells is cut."""

    def changed(self, key: str, value: str) -> "Preferences":
        """With one setting of the profile applied (`ui.signs`, `ui.alert`, `ui.look`, `ui.mouse`, `ui.clock`).

        What is unknown or not allowed changes nothing: the settings table has judged it already, or a newer version wrote it.
        """
        try:
            match key:
                case "ui.signs":
                    return replace(self, signs=Signs(value))
                case "ui.alert":
                    return replace(self, alert=Alert(value))
                case "ui.look":
                    return replace(self, look=Look(value))
                case "ui.mouse":
                    return replace(self, mouse=value.lower() in ("on", "yes", "true", "1"))
                case "ui.clock":
                    return replace(self, clock=value)
        except ValueError:
            return self
        return self
