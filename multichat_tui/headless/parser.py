"""The command line, read. What the program will know later is recognised and says so, with exit code 2.

Which verbs there are, and what they take, stands in `verb_arguments`.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from multichat_tui import __version__
from multichat_tui.headless.verb_arguments import add_verbs
from multichat_tui.model.errors import UsageError

if TYPE_CHECKING:
    from multichat_tui.headless.grammar import Grammar

EXIT_CODES = (
    (0, "done"),
    (1, "refused"),
    (2, "usage"),
    (3, "no such channel, contact or message"),
    (4, "locked or wrong passphrase"),
    (5, "timed out"),
    (6, "profile busy and not answering"),
    (7, "damaged"),
    (8, "written by a newer version"),
    (9, "storage"),
    (70, "internal error"),
    (130, "interrupted"),
)
EPILOG = f"Exit codes: {', '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES)}."

LATER_VERBS = ("export", "backup", "restore")
"""Verbs of a later version."""


class _Parser(argparse.ArgumentParser):
    """Raises `UsageError` instead of ending the process, and takes no shortened options: scripts outlive abbreviations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"allow_abbrev": False}))

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See {self.prog} --help.")


class _Unasked:
    """Stands for a verb that a command line does not name: whatever is said of it is heard and forgotten."""

    def __getattr__(self, name: str) -> Any:
        return self._forget

    def _forget(self, *args: object, **kwargs: object) -> "_Unasked":
        return self


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The namespace of a command line. `verb` (and `action`) say what to do; no verb is the terminal's screens.

    `errors.UsageError`; SystemExit(0) after printing help or version.
    """
    namespace = _read(argv)
    for name, value in _DEFAULTS.items():
        if not hasattr(namespace, name):
            setattr(namespace, name, value)
    _refuse_later(namespace)
    if namespace.verb == "init":
        _check_init(namespace)
    return namespace


def _read(argv: Sequence[str]) -> argparse.Namespace:
    """The whole grammar is a tenth of a command's start, so only those verbs are built that are words of the line: whichever it
    names is among them. Who asks for help, and what cannot be read so, is answered by the whole."""
    if not any(_asks_for_help(word) for word in argv):
        try:
            return _build(frozenset(argv)).parse_args(argv)
        except UsageError:
            pass
    return _build().parse_args(argv)


def _asks_for_help(word: str) -> bool:
    """Perhaps: short options may stand in one word."""
    return word == "--help" or (word[:1] == "-" and word[1:2] != "-" and "h" in word)


def _check_init(args: argparse.Namespace) -> None:
    """`errors.UsageError` for what does not go together."""
    if not args.restore and args.name is None:
        raise UsageError("The following arguments are required: --name.", "See multichat init --help.")
    if not args.restore and (args.keep_devices or args.alone):
        raise UsageError("--keep-devices and --alone belong to --restore.", "See multichat init --help.")
    if args.alone and args.name is None:
        raise UsageError("With --alone there is nobody who knows the name: say it with --name.", "See multichat init --help.")


def _refuse_later(args: argparse.Namespace) -> None:
    """`errors.UsageError` for what is in the plan and not in this version."""
    asked = {
        "channel invite --role": args.verb == "channel" and args.action == "invite" and args.role is not None,
    } | {name: args.verb == name for name in LATER_VERBS}
    for what, meant in asked.items():
        if meant:
            raise UsageError(f"{what} comes with a later version.")


_DEFAULTS: dict[str, Any] = {
    "verb": None,
    "action": None,
    "home": None,
    "profile": None,
    "passphrase_file": None,
    "json": False,
    "verbose": False,
    "log_file": None,
    "listen": None,
    "lan": None,
    "connect": None,
    "line": False,
}


def _globals() -> _Parser:
    """Options that may stand before or after the verb: without defaults of their own, so that neither place hides the other."""
    parser = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = parser.add_argument_group("global options")
    group.add_argument("--home", metavar="DIR", help="keep everything below DIR (or MULTICHAT_HOME)")
    group.add_argument("--profile", metavar="NAME", help="which profile (or MULTICHAT_PROFILE; default: default)")
    group.add_argument(
        "--passphrase-file",
        metavar="F",
        help="the passphrase is the first line of F (or MULTICHAT_PASSPHRASE, which other programs of yours can see)",
    )
    group.add_argument("--json", action="store_true", help="one JSON object per line on standard output")
    group.add_argument("-v", "--verbose", action="store_true", help="log to standard error too")
    group.add_argument("--log-file", metavar="F", help="where to log")
    group.add_argument("--listen", metavar="HOST:PORT", help="where a node that is run listens (port 0: any)")
    group.add_argument("--no-lan", dest="lan", action="store_false", help="do not look around on this network")
    group.add_argument("--connect", metavar="HOST:PORT", action="append", help="look for peers there too; may be repeated")
    return parser


def _build(words: frozenset[str] | None = None) -> argparse.ArgumentParser:
    """The grammar, or as much of it as concerns lines of these words."""
    common = _globals()
    parser = _Parser(
        prog="multichat",
        description="Encrypted chat between people's own machines. Without a command: the screens of the terminal.",
        epilog=EPILOG,
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"multichat {__version__}")
    parser.add_argument(
        "--line",
        action="store_true",
        help="plain lines instead of screens: for screen readers, dumb terminals and pipes (or MULTICHAT_LINE)",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", parser_class=_Parser)

    def verb(name: str, help_text: str, *aliases: str, within: Any = verbs) -> Any:
        if within is verbs and words is not None and words.isdisjoint((name, *aliases)):
            return _Unasked()
        if help_text == argparse.SUPPRESS:  # argparse would list it with that very word
            hidden: argparse.ArgumentParser = within.add_parser(name, parents=[common])
            hidden.set_defaults(verb=name)
            return hidden
        made: argparse.ArgumentParser = within.add_parser(
            name, help=help_text, description=help_text[:1].upper() + help_text[1:] + ".", aliases=aliases, parents=[common]
        )
        made.set_defaults(**{"verb" if within is verbs else "action": name})
        return made

    def noun(name: str, help_text: str, *aliases: str) -> Any:
        made = verb(name, help_text, *aliases)
        return made.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)

    add_verbs(verb, noun)
    for name in LATER_VERBS:
        verb(name, "comes with a later version").add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def grammar() -> "Grammar":
    """What this parser takes, as a tree."""
    from multichat_tui.headless.grammar import grammar_of

    return grammar_of(_build(), _globals())
