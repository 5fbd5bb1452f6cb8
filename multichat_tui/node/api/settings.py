"""The settings of a profile that front ends keep with the node: one table of names, defaults, allowed values and help."""

from collections.abc import Callable, Iterable

from multichat_tui.model import depth, economy, keeping
from multichat_tui.model.errors import UsageError
from multichat_tui.model.limits import MAX_SETTING_CHARACTERS
from multichat_tui.model.regards import REQUESTS_SETTING, WhoComesIn
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.lookup import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`allowed` empty: any printable text that `check` takes; it raises ValueError with the form that is needed."""

    key: str
    default: str
    allowed: tuple[str, ...]
    help: str
    check: Callable[[str], object] | None = None

    @property
    def choice(self) -> str:
        """What it may be, in words."""
        if self.check is not None:
            try:
                self.check("")
            except ValueError as error:
                return str(error)
        return ", ".join(self.allowed) or "any text"


LOG_LEVEL = "log"
LOCK_IDLE = "lock.idle"
LOCK_COMMANDS = "lock.commands"
MAX_IDLE_MS = 24 * 60 * 60 * 1000
_UNITS_MS = {"s": 1000, "m": 60 * 1000, "h": 60 * 60 * 1000}


def idle_ms(text: str) -> int:
    """`off` (0), or a span of 10 seconds to a day. ValueError names the form that is needed."""
    word = text.strip().lower()
    if word == "off":
        return 0
    number, unit = word[:-1], word[-1:]
    counted = unit in _UNITS_MS and number.isascii() and number.isdigit() and len(number) < 6
    span_ms = int(number) * _UNITS_MS[unit] if counted else 0
    if not 10_000 <= span_ms <= MAX_IDLE_MS:
        raise ValueError("off, or 10s to 24h, as 90s, 10m, 1h")
    return span_ms


SETTINGS: tuple[Setting, ...] = (
    Setting(key="ui.signs", default="auto", allowed=("auto", "unicode", "ascii"), help="signs to draw with; auto: by locale"),
    Setting(
        key="ui.alert",
        default="bell",
        allowed=("off", "bell", "osc9", "osc777"),
        help="how a mention or a direct message calls: the bell alone, or a notification of the terminal too",
    ),
    Setting(
        key="ui.look",
        default="auto",
        allowed=("auto", "dark", "light", "night", "paper", "contrast", "terminal", "mono"),
        help="the theme; auto: dark, fewer colours where the terminal has fewer, none with NO_COLOR; /theme shows them",
    ),
    Setting(
        key="ui.keys",
        default="default",
        allowed=("default", "emacs", "vim"),
        help="the keys to begin with; /bind changes single ones",
    ),
    Setting(key="ui.mouse", default="on", allowed=("on", "off"), help="whether the mouse is used"),
    Setting(
        key="line.hold",
        default="off",
        allowed=("on", "off"),
        help="line mode shows what others write only when Enter is pressed, so that nothing breaks a line being typed",
    ),
    Setting(
        key="receipts",
        default="on",
        allowed=("on", "off"),
        help="tell authors through others that their messages have arrived; off: only those you are linked with learn it",
    ),
    Setting(
        key="receipts.read",
        default="on",
        allowed=("on", "off"),
        help="say to the members of a channel what you have read there, unless receipts are off or it has over 64 devices",
    ),
    Setting(
        key=REQUESTS_SETTING,
        default=WhoComesIn.VOUCHED.value,
        allowed=tuple(WhoComesIn),
        help="who may write to you first beside contacts: those whom they vouch for (vouched), or none (contacts); all others "
        "ask, or (nobody) cannot even ask",
    ),
    Setting(
        key="history",
        default="on",
        allowed=("on", "off"),
        help="keep what you enter, by channel and encrypted, so that a key brings it back after a restart; off forgets all of it",
    ),
    Setting(
        key=keeping.SETTING,
        default=keeping.ALL,
        allowed=(),
        help="for how many days texts are kept here once they have come, such as 90d; others keep theirs; all: for good",
        check=keeping.parse_keeping,
    ),
    Setting(
        key=depth.SETTING,
        default=depth.ALL,
        allowed=(),
        help="how far back history is fetched by itself: all, a number of messages, or days (30d); /older fetches more",
        check=depth.parse_depth,
    ),
    Setting(
        key=economy.MODE_SETTING,
        default=economy.Mode.USUAL.value,
        allowed=tuple(economy.Mode),
        help="metered: beyond the local network only what somebody waits for; low-power: links from time to time only, "
        "and when you write",
    ),
    Setting(
        key=economy.EVERY_SETTING,
        default=economy.DEFAULT_EVERY,
        allowed=(),
        help="with low-power: how often this node looks whether there is something for it, such as 15m or 2h",
        check=economy.parse_every,
    ),
    Setting(
        key=economy.PATHS_SETTING,
        default=economy.Paths.ALL.value,
        allowed=tuple(economy.Paths),
        help="whom this node calls: all, or near: only addresses of this machine and of private networks",
    ),
    Setting(
        key=LOG_LEVEL,
        default="info",
        allowed=("info", "debug"),
        help="how much the node writes into its log file; /log shows it",
    ),
    Setting(
        key=LOCK_IDLE,
        default="off",
        allowed=(),
        help="lock a terminal by itself after so long without a key, such as 10m or 1h; off: never",
        check=idle_ms,
    ),
    Setting(
        key=LOCK_COMMANDS,
        default="allow",
        allowed=("allow", "refuse"),
        help="while the terminal that runs the node is locked: whether commands and further terminals may attach to it",
    ),
    Setting(key="ui.clock", default="%H:%M", allowed=(), help="the time column, as a strftime format"),
)


def find_setting(key: str) -> Setting:
    """The setting called `key`; also by what stands behind its dot. `errors.UsageError` names the nearest one."""
    wanted = key.strip().lower()
    for setting in SETTINGS:
        if wanted and wanted in (setting.key, setting.key.partition(".")[2]):
            return setting
    close = nearest(wanted, [s.key for s in SETTINGS])
    advice = f"Did you mean {close!r}?" if close else f"There are: {', '.join(s.key for s in SETTINGS)}."
    raise UsageError(f"There is no setting {key.strip()[:60]!r}.", advice)


def checked_value(setting: Setting, value: str) -> str:
    """`value` as it is kept. `errors.UsageError` if the setting does not allow it."""
    text = value.strip()
    if setting.allowed:
        for allowed in setting.allowed:
            if text.lower() == allowed:
                return allowed
        raise UsageError(f"{setting.key} cannot be {text[:60]!r}.", f"It can be: {', '.join(setting.allowed)}.")
    if not text or len(text) > MAX_SETTING_CHARACTERS or not text.isprintable():
        raise UsageError(f"{setting.key} needs a value of 1 to {MAX_SETTING_CHARACTERS} printable characters.")
    if setting.check is not None:
        try:
            setting.check(text)
        except ValueError as error:
            raise UsageError(f"{setting.key} cannot be {text[:60]!r}.", f"It can be: {error}.") from None
    return text


def effective(stored: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Every known setting with its value: as stored, or the default. What a newer version has stored is left out."""
    known = dict(stored)
    return {setting.key: known.get(setting.key, setting.default) for setting in SETTINGS}
