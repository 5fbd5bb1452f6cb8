"""The manual page as roff, and the list of commands as Markdown, both made from the grammar."""

from multichat_tui.headless.grammar import Command, Grammar, Option, Word
from multichat_tui.headless.parser import EXIT_CODES
from multichat_tui.node.api.commands import COMMANDS

DESCRIPTION = (
    "Multichat is a terminal chat client on a peer-to-peer network without any server. Two machines on one network find each "
    "other by themselves and talk over end-to-end encrypted links. Without a command it shows its screens; with --line, or where "
    "TERM is dumb, it reads and writes plain lines.",
    "If a program of the same profile runs already, commands attach to it; otherwise they run a node for as long as they need "
    "one.",
)
ENVIRONMENT = (
    ("MULTICHAT_HOME", "as --home"),
    ("MULTICHAT_PROFILE", "as --profile"),
    ("MULTICHAT_PASSPHRASE", "the passphrase; other programs of the same user can see it"),
    ("MULTICHAT_PASSPHRASE_FILE", "as --passphrase-file"),
    ("MULTICHAT_LISTEN, MULTICHAT_CONNECT", "as --listen and --connect; several addresses are separated by commas"),
    ("MULTICHAT_LAN", "off: as --no-lan"),
    ("MULTICHAT_LINE", "on: as --line"),
    ("MULTICHAT_LOG_FILE", "as --log-file"),
    ("NO_COLOR", "no colours"),
)


def manual_page(grammar: Grammar, version: str) -> str:
    """`multichat.1`, for man(1)."""
    lines = [
        f'.TH MULTICHAT 1 "" "multichat {_escaped(version)}" "User Commands"',
        ".SH NAME",
        r"multichat \- encrypted chat between people's own machines",
        ".SH SYNOPSIS",
        ".B multichat",
        r"[\fIOPTIONS\fR] [\fICOMMAND\fR ...]",
        ".SH DESCRIPTION",
    ]
    for number, paragraph in enumerate(DESCRIPTION):
        lines += ([".PP"] if number else []) + [_escaped(paragraph)]
    lines.append(".SH COMMANDS")
    for command in grammar.commands():
        lines += _man_command(command)
    lines += [".SH OPTIONS", "These may stand before or after a command."]
    for option in (*(o for o in grammar.root.options), *grammar.everywhere):
        lines += _man_option(option)
    lines += [".SH SLASH COMMANDS", r"Typed in the screens or in line mode, or given to \fBmultichat do\fR."]
    for slash in COMMANDS:
        lines += [".TP", rf"\fB{_escaped(slash.usage)}\fR", _escaped(f"{slash.summary[:1].upper()}{slash.summary[1:]}.")]
    lines.append(".SH ENVIRONMENT")
    for name, meaning in ENVIRONMENT:
        lines += [".TP", rf"\fB{_escaped(name)}\fR", _escaped(f"{meaning[:1].upper()}{meaning[1:]}.")]
    lines += [".SH FILES", ".TP", r"\fBconfig.toml\fR", "The configuration; \\fBmultichat config path\\fR says where, "]
    lines += [r"\fBmultichat config show\fR what is in force."]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_CODES:
        lines += [".TP", rf"\fB{code}\fR", _escaped(f"{meaning[:1].upper()}{meaning[1:]}.")]
    return "\n".join(lines) + "\n"


def _man_command(command: Command) -> list[str]:
    lines = [".TP", rf"\fB{_escaped(command.usage)}\fR", _escaped(f"{command.help[:1].upper()}{command.help[1:]}.")]
    described = [line for option in command.options for line in _man_option(option)]
    described += [line for word in command.words if word.help or word.choices for line in _man_word(word)]
    return [*lines, ".RS", *described, ".RE"] if described else lines


def _man_option(option: Option) -> list[str]:
    names = ", ".join(rf"\fB{_escaped(name)}\fR" for name in option.names)
    value = rf" \fI{_escaped(option.value)}\fR" if option.value else ""
    return [".TP", names + value, _escaped(_sentence(option.help))]


def _man_word(word: Word) -> list[str]:
    return [".TP", rf"\fI{_escaped(word.name)}\fR", _escaped(_sentence(word.help or f"one of {', '.join(word.choices)}"))]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _escaped(text: str) -> str:
    """Text as roff shows it: nothing in it is a request or an escape."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    return rf"\&{text}" if text.startswith(".") else text


def command_list(grammar: Grammar) -> str:
    """docs/commands.md."""
    lines = [
        "# Commands",
        "",
        "Made from the program by `python -m tests.documents`; a test fails when it is behind.",
        "",
        "## From the shell",
        "",
        "| command | does |",
        "|---|---|",
    ]
    lines += [f"| `multichat {_cell(command.usage)}` | {_cell(command.help)} |" for command in grammar.commands()]
    lines += [
        "",
        "## Options",
        "",
        "They may stand before or after a command; `--` ends them.",
        "",
        "| option | means |",
        "|---|---|",
    ]
    for option in (*grammar.root.options, *grammar.everywhere):
        value = f" {option.value}" if option.value else ""
        lines.append(f"| `{_cell(', '.join(option.names) + value)}` | {_cell(option.help)} |")
    lines += ["", "## Slash commands", ""]
    lines.append('In the screens and in line mode, and from the shell with `multichat do -c CHANNEL "/command ..."`.')
    lines += ["", "| command | does | also |", "|---|---|---|"]
    for slash in COMMANDS:
        lines.append(f"| `{_cell(slash.usage)}` | {_cell(slash.summary)} | {', '.join(f'`/{a}`' for a in slash.aliases)} |")
    lines += ["", "## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
