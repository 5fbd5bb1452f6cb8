"""The command line's grammar as a tree that other texts are made from: shell completion, the manual page, the list of commands.

Read from the parser itself, so that none of them can fall behind it.
"""

import argparse

from multichat_tui.headless.completed import CHANNELS, FILES, PEOPLE
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.commands.auditing import KINDS
from multichat_tui.node.api.commands.moderating import PERMISSIONS, ROLES

LATER = "comes with a later version"
"""How the parser describes what is recognised only to be refused."""
_COMPLETED = {
    "CH": (CHANNELS,),
    "CH|@CONTACT": (CHANNELS, PEOPLE),
    "CONTACT": (PEOPLE,),
    "PERSON": (PEOPLE,),
    "PERSON|ID": (PEOPLE,),
    "F": (FILES,),
    "FILE": (FILES,),
    "DIR": (FILES,),
}

_KNOWN = {"ROLE": ROLES, "PERMISSION": PERMISSIONS, "KIND": KINDS}
"""What words of these names are, where the parser leaves the check to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """`names` are `-x` and `--long`; `value` is what stands for its value in help, empty for a switch."""

    names: tuple[str, ...]
    value: str
    choices: tuple[str, ...]
    help: str
    repeats: bool

    @property
    def completed(self) -> tuple[str, ...]:
        return _COMPLETED.get(self.value, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A positional argument."""

    name: str
    choices: tuple[str, ...]
    help: str
    repeats: bool
    completed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`path` is what is typed, such as `("pair", "invite")`; the program itself has an empty one. `options` are its own."""

    path: tuple[str, ...]
    aliases: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    words: tuple[Word, ...]
    children: tuple["Command", ...]

    @property
    def usage(self) -> str:
        """`pair invite [--expires SPAN]`, without the global options."""
        parts = [*self.path]
        for option in self.options:
            parts.append(f"[{'|'.join(option.names)}{f' {option.value}' if option.value else ''}]")
        for word in self.words:
            parts.append(f"{word.name}{' ...' if word.repeats else ''}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """`everywhere`: the options that may stand before or after any command."""

    root: Command
    everywhere: tuple[Option, ...]

    def commands(self) -> tuple[Command, ...]:
        """Those that do something, in the parser's order."""
        return tuple(leaf for child in self.root.children for leaf in (child.children or (child,)))


def grammar_of(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> Grammar:
    """The grammar of a parser whose commands all take the options of `common`."""
    everywhere = (*_options(common, frozenset()), *(each for each in _options(parser, frozenset()) if "--help" in each.names))
    known = frozenset(name for option in everywhere for name in option.names)
    return Grammar(root=_command(parser, (), (), "", known), everywhere=everywhere)


def _command(
    parser: argparse.ArgumentParser, path: tuple[str, ...], aliases: tuple[str, ...], text: str, known: frozenset[str]
) -> Command:
    words, children = [], list[Command]()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            children = _children(action, path, known)
        elif not action.option_strings and action.help != argparse.SUPPRESS:
            name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
            words.append(
                Word(
                    name=name,
                    choices=tuple(str(choice) for choice in action.choices or ()) or _KNOWN.get(name, ()),
                    help=action.help or "",
                    repeats=action.nargs in ("+", "*"),
                    completed=_words_of(path, name),
                )
            )
    return Command(
        path=path, aliases=aliases, help=text, options=_options(parser, known), words=tuple(words), children=tuple(children)
    )


def _words_of(path: tuple[str, ...], name: str) -> tuple[str, ...]:
    """`NAME` is a person where the command is about contacts, and something new elsewhere."""
    if name == "NAME" and path[:1] == ("contact",):
        return (PEOPLE,)
    return _COMPLETED.get(name, ())


def _children(
    action: "argparse._SubParsersAction[argparse.ArgumentParser]", path: tuple[str, ...], known: frozenset[str]
) -> list[Command]:
    texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
    names: dict[int, list[str]] = {}
    for name, parser in action.choices.items():
        names.setdefault(id(parser), []).append(name)
    found = []
    for first, *aliases in names.values():
        text = texts.get(first, "")
        if text and text not in (LATER, argparse.SUPPRESS):
            found.append(_command(action.choices[first], (*path, first), tuple(aliases), text, known))
    return found


def _options(parser: argparse.ArgumentParser, known: frozenset[str]) -> tuple[Option, ...]:
    found = []
    for action in parser._actions:
        names = tuple(action.option_strings)
        if not names or action.help == argparse.SUPPRESS or known.intersection(names):
            continue
        takes = action.nargs != 0
        value = action.metavar if isinstance(action.metavar, str) else ""
        choices = tuple(str(choice) for choice in action.choices or ()) if takes else ()
        found.append(
            Option(
                names=names,
                value=(value or "|".join(choices) or action.dest.upper()) if takes else "",
                choices=choices,
                help=action.help or "",
                repeats=isinstance(action, argparse._AppendAction),
            )
        )
    return tuple(found)
