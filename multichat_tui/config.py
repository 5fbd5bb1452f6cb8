"""Settings of one run: made once, frozen, from arguments over environment over the configuration file over defaults.

The file is TOML, `config.toml` in the user's configuration directory or below `--home`. An unknown key in it is an error that
names the file, the key and the nearest known one: a mistyped setting never passes for one that is in force.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from platformdirs import PlatformDirs

from multichat_tui.model.errors import StorageFailed, UsageError
from multichat_tui.model.limits import MAX_PASSPHRASE_BYTES
from multichat_tui.model.values import dataclass

APP = "multichat"
MAX_CONFIG_BYTES = 256 * 1024
DEFAULT_PROFILE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a run finds and keeps its files. With a home, all of them lie below it."""

    config_file: Path
    profile: Path
    """The profile's directory: keys, database, lock."""
    log_file: Path
    logs: Path
    """The directory that is made for logs where no file is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`passphrase` is None when no source was named; `listen` None lets the network choose."""

    profile: str
    paths: Paths
    listen: str | None
    lan: bool
    connect: tuple[str, ...]
    passphrase: str | None = field(repr=False)
    json: bool
    verbose: bool
    line: bool
    """Plain lines instead of screens."""
    theme: str | None = None
    themes: Mapping[str, object] = field(default_factory=dict)
    keys: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What the command line said; None (or empty) where it said nothing."""

    home: str | None = None
    profile: str | None = None
    passphrase_file: str | None = None
    listen: str | None = None
    lan: bool | None = None
    connect: tuple[str, ...] = ()
    log_file: str | None = None
    json: bool = False
    verbose: bool = False
    line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSetting:
    """One key of the configuration file. `environment` and `argument` say the same for one run; `default` is for people."""

    key: str
    kind: type
    environment: str
    argument: str
    default: str
    help: str
    example: str


FILE_SETTINGS: tuple[FileSetting, ...] = (
    FileSetting(
        key="profile",
        kind=str,
        environment="MULTICHAT_PROFILE",
        argument="--profile",
        default="default",
        help="which profile is used: letters, digits, dash, dot and underscore, at most 48 of them",
        example='"work"',
    ),
    FileSetting(
        key="passphrase_file",
        kind=str,
        environment="MULTICHAT_PASSPHRASE_FILE",
        argument="--passphrase-file",
        default="none: the passphrase is asked for",
        help="a file whose first line is the passphrase",
        example='"~/.multichat-passphrase"',
    ),
    FileSetting(
        key="listen",
        kind=str,
        environment="MULTICHAT_LISTEN",
        argument="--listen",
        default="every address, a port that is free",
        help="where a node listens, as HOST:PORT; port 0 is any that is free",
        example='"0.0.0.0:4700"',
    ),
    FileSetting(
        key="lan",
        kind=bool,
        environment="MULTICHAT_LAN",
        argument="--no-lan",
        default="true",
        help="whether to look for contacts on the local network",
        example="false",
    ),
    FileSetting(
        key="connect",
        kind=list,
        environment="MULTICHAT_CONNECT",
        argument="--connect",
        default="nowhere else",
        help="where to look for peers too, as HOST:PORT",
        example='["friend.example:4700", "[2001:db8::5]:4700"]',
    ),
    FileSetting(
        key="line",
        kind=bool,
        environment="MULTICHAT_LINE",
        argument="--line",
        default="false; true where TERM is dumb",
        help="plain lines instead of screens",
        example="true",
    ),
    FileSetting(
        key="log_file",
        kind=str,
        environment="MULTICHAT_LOG_FILE",
        argument="--log-file",
        default="a file in the state directory, named for the profile",
        help="where to log; three files of one megabyte at most",
        example='"/var/log/multichat.log"',
    ),
    FileSetting(
        key="verbose",
        kind=bool,
        environment="",
        argument="--verbose",
        default="false",
        help="whether commands log to standard error too",
        example="true",
    ),
)
"""Every key of the configuration file. docs/configuration.md is made from this."""
_SCREEN_KEYS: dict[str, type] = {"theme": str, "themes": dict, "keys": dict}
"""The screens' own (docs/themes-and-keys.md): they name a fault in these tables, and start without what is faulty."""
_FILE_KEYS = {setting.key: setting.kind for setting in FILE_SETTINGS} | _SCREEN_KEYS


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A setting of this run: its value as text, and where that was said: an argument, an environment variable, the file."""

    key: str
    value: str
    source: str


def config_path(arguments: Arguments, environment: Mapping[str, str]) -> Path:
    """Where the configuration file is looked for, whether or not it is there."""
    home = _home(arguments, environment)
    return (home or PlatformDirs(APP, appauthor=False).user_config_path) / "config.toml"


def _home(arguments: Arguments, environment: Mapping[str, str]) -> Path | None:
    named = arguments.home or environment.get("MULTICHAT_HOME") or ""
    return Path(os.path.expanduser(named)).absolute() if named else None


def in_force(arguments: Arguments, environment: Mapping[str, str]) -> tuple[InForce, ...]:
    """Every setting of this run with its source. Secrets are not in it: of a passphrase only where it comes from."""
    settings = load(arguments, environment)
    written = read_file(config_path(arguments, environment))
    values = {
        "profile": settings.profile,
        "passphrase_file": arguments.passphrase_file
        or environment.get("MULTICHAT_PASSPHRASE_FILE")
        or _text(written, "passphrase_file")
        or "",
        "listen": settings.listen or "",
        "lan": _word(settings.lan),
        "connect": ", ".join(settings.connect),
        "line": _word(settings.line),
        "log_file": str(settings.paths.log_file),
        "verbose": _word(settings.verbose),
    }
    given = {
        "profile": arguments.profile,
        "passphrase_file": arguments.passphrase_file,
        "listen": arguments.listen,
        "lan": arguments.lan is not None,
        "connect": arguments.connect,
        "line": arguments.line,
        "log_file": arguments.log_file,
        "verbose": arguments.verbose,
    }
    found = []
    for setting in FILE_SETTINGS:
        source = "default"
        if given[setting.key]:
            source = setting.argument
        elif setting.environment and environment.get(setting.environment):
            source = setting.environment
        elif setting.key in written:
            source = "file"
        elif setting.key == "line" and settings.line:
            source = "TERM"
        found.append(InForce(key=setting.key, value=values[setting.key], source=source))
    return tuple(found)


def _word(value: bool) -> str:
    return "true" if value else "false"


def load(arguments: Arguments, environment: Mapping[str, str]) -> Settings:
    """The settings of this run. `errors.UsageError` for what is malformed, `errors.StorageFailed` for an unreadable file."""
    home = _home(arguments, environment)
    dirs = PlatformDirs(APP, appauthor=False)
    config_file = config_path(arguments, environment)
    written = read_file(config_file)

    profile = arguments.profile or environment.get("MULTICHAT_PROFILE") or _text(written, "profile") or DEFAULT_PROFILE
    _check_profile(profile)
    listen = arguments.listen or environment.get("MULTICHAT_LISTEN") or _text(written, "listen")
    if listen is not None:
        check_address(listen, "listen")
    connect = arguments.connect or _words(environment.get("MULTICHAT_CONNECT")) or _list(written, "connect")
    for address in connect:
        check_address(address, "connect")
    log_file = arguments.log_file or environment.get("MULTICHAT_LOG_FILE") or _text(written, "log_file")
    profiles = home / "profiles" if home is not None else dirs.user_data_path / "profiles"
    logs = home / "log" if home is not None else dirs.user_log_path
    return Settings(
        profile=profile,
        paths=Paths(
            config_file=config_file,
            profile=profiles / profile,
            log_file=Path(os.path.expanduser(log_file)).absolute() if log_file else logs / f"{profile}.log",
            logs=logs,
        ),
        listen=listen,
        lan=_first_set(arguments.lan, _switch(environment, "MULTICHAT_LAN"), _flag(written, "lan"), True),
        connect=connect,
        passphrase=_passphrase(arguments, environment, written),
        json=arguments.json,
        verbose=arguments.verbose or bool(_flag(written, "verbose")),
        line=_first_set(arguments.line or None, _switch(environment, "MULTICHAT_LINE"), _flag(written, "line"), False)
        or environment.get("TERM") == "dumb",
        theme=_text(written, "theme"),
        themes=_table(written, "themes"),
        keys=_table(written, "keys"),
    )


def read_file(path: Path) -> dict[str, object]:
    """The checked content of a configuration file; empty if there is none."""
    try:
        with path.open("rb") as file:
            encoded = file.read(MAX_CONFIG_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise StorageFailed(f"{path} cannot be read: {error.strerror}.", "Mend its permissions, or name a --home.") from None
    return parse_file(path, encoded)


def parse_file(path: Path, encoded: bytes) -> dict[str, object]:
    """The checked content of the configuration file that holds `encoded`. `errors.UsageError` names what is off in it."""
    if len(encoded) > MAX_CONFIG_BYTES:
        raise UsageError(f"{path} is larger than a configuration file can be.")
    try:
        written = tomllib.loads(encoded.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}.") from None
    for key, value in written.items():
        expected = _FILE_KEYS.get(key)
        if expected is None:
            close = difflib.get_close_matches(key, _FILE_KEYS, n=1, cutoff=0.5)
            advice = f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(_FILE_KEYS)}."
            raise UsageError(f"{path}: there is no setting {key!r}.", advice)
        if type(value) is not expected:
            raise UsageError(f"{path}: {key} needs {_IN_WORDS[expected]}.")
    if any(type(entry) is not str for entry in _list(written, "connect")):
        raise UsageError(f"{path}: connect needs a list of HOST:PORT texts.")
    try:
        if "profile" in written:
            _check_profile(str(written["profile"]))
        for key in ("listen", "connect"):
            for address in (written[key],) if isinstance(written.get(key), str) else _list(written, key):
                check_address(str(address), key)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.advice) from None
    return written


_IN_WORDS = {str: "a text", bool: "true or false", list: "a list of HOST:PORT texts", dict: "a table"}


def check_address(address: str, what: str) -> None:
    """`errors.UsageError` unless `address` is HOST:PORT ([HOST]:PORT for IPv6)."""
    host, sign, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    good = (
        bool(sign and bare)
        and (":" not in bare or bare != host)
        and bare.isprintable()
        and not any(c.isspace() or c in "[]" for c in bare)
        and port.isascii()
        and port.isdigit()
        and len(port) <= 5
        and int(port) <= 65535
    )
    if not good:
        raise UsageError(f"{what} needs HOST:PORT, not {address[:80]!r}.", "An IPv6 address stands in brackets.")


def _check_profile(name: str) -> None:
    if not (0 < len(name) <= 48 and name.isascii() and all(c.isalnum() or c in "-_." for c in name) and name[0] != "."):
        raise UsageError(f"{name[:60]!r} cannot be a profile's name.", "Use letters, digits, dash and underscore.")


def _passphrase(arguments: Arguments, environment: Mapping[str, str], written: Mapping[str, object]) -> str | None:
    if arguments.passphrase_file:
        return _passphrase_in(arguments.passphrase_file)
    if "MULTICHAT_PASSPHRASE" in environment:
        return environment["MULTICHAT_PASSPHRASE"]
    named = environment.get("MULTICHAT_PASSPHRASE_FILE") or _text(written, "passphrase_file")
    return _passphrase_in(named) if named else None


def _passphrase_in(name: str) -> str:
    """The first line of a file; `-` is no file."""
    path = Path(os.path.expanduser(name))
    try:
        with path.open("rb") as file:
            line = file.read(MAX_PASSPHRASE_BYTES + 3).split(b"\n", 1)[0].removesuffix(b"\r")
    except OSError as error:
        raise UsageError(f"The passphrase file {path} cannot be read: {error.strerror}.") from None
    if len(line) > MAX_PASSPHRASE_BYTES:
        raise UsageError(f"The passphrase in {path} is too long.")
    try:
        passphrase = line.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"The passphrase in {path} is no UTF-8.") from None
    if not passphrase:
        raise UsageError(f"The passphrase file {path} begins with an empty line.")
    return passphrase


def _switch(environment: Mapping[str, str], name: str) -> bool | None:
    value = environment.get(name, "").strip().lower()
    if value in ("", "1", "on", "yes", "true", "0", "off", "no", "false"):
        return None if not value else value in ("1", "on", "yes", "true")
    raise UsageError(f"{name} is on or off, not {value[:40]!r}.")


def _first_set(*values: bool | None) -> bool:
    return next(value for value in values if value is not None)


def _text(written: Mapping[str, object], key: str) -> str | None:
    value = written.get(key)
    return value if isinstance(value, str) and value else None


def _flag(written: Mapping[str, object], key: str) -> bool | None:
    value = written.get(key)
    return value if isinstance(value, bool) else None


def _list(written: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = written.get(key)
    return tuple(value) if isinstance(value, list) else ()


def _table(written: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = written.get(key)
    return {str(name): entry for name, entry in value.items()} if isinstance(value, dict) else {}


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split()) if text else ()
