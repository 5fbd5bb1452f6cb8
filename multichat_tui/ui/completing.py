"""Completion of the word at the caret: commands, people, channels. Pure: words in, words out."""

import re
from collections.abc import Callable, Mapping, Sequence

from multichat_tui.model.values import dataclass
from multichat_tui.node.api.commands.shape import FILES, NAMES
from multichat_tui.node.api.queries import FILTERS, quoted

_LAST_PART = re.compile(r"""(?:^|(?<=\s))(\w+:"[^"]*|\S*)\Z""")
"""The last word of a search, or a filter whose value stands in quotes that are still open."""

_WORD = re.compile(r"""\"[^"]*"|\S+""")
_WORDS = re.compile(r"""(?P<before>\s*(?:(?:"[^"]*"|[^\s"]\S*)\s+)*)(?P<last>"[^"]*|[^\s"]\S*|)""")
"""What stands behind a command: whole words, and the one at the caret, which may be a name whose quotes are still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The words that fit, best first, for the range `begin`..`end` of the text."""

    begin: int
    end: int
    words: tuple[str, ...]


def complete(
    text: str,
    caret: int,
    *,
    people: Sequence[str],
    channels: Sequence[str],
    commands: Sequence[str],
    takes: Mapping[str, Sequence[Sequence[str]]] | None = None,
    paths: Callable[[str], Sequence[str]] = lambda start: (),
) -> Completion | None:
    """`people` and `channels` without their signs, `commands` with the slash. None: there is no word, or nothing fits.

    At the start of the text a name gets ": " (it addresses somebody), elsewhere a space; after a command it stands bare.
    `takes`: for commands, with the slash, what their words may be (`commands.shape.Command.takes`); for a command with its first
    word, those behind that. `paths`: what files there are that begin so, as they are typed.
    """
    argument = _argument(text[:caret], people, takes or {}, paths)
    if argument is not None:
        return argument
    begin = caret
    while begin > 0 and not text[begin - 1].isspace():
        begin -= 1
    word = text[begin:caret]
    if not word:
        return None
    if word.startswith("/") and begin == 0:
        words = [command + " " for command in commands if command.startswith(word.lower())]
    elif word.startswith("#"):
        words = ["#" + name + " " for name in _fitting(word[1:], channels)]
    else:
        sign = "@" if word.startswith("@") else ""
        after = ": " if begin == 0 and not sign else " "
        words = [sign + name + after for name in _fitting(word[len(sign) :], people)]
    return Completion(begin=begin, end=caret, words=tuple(dict.fromkeys(words))) if words else None


def _argument(
    before: str,
    people: Sequence[str],
    takes: Mapping[str, Sequence[Sequence[str]]],
    paths: Callable[[str], Sequence[str]],
) -> Completion | None:
    """The word of a command that takes certain ones there, all of them where none is begun; a name with spaces gets quotes. None:
    it is no such word."""
    head, space, rest = before.partition(" ")
    first, behind, further = rest.lstrip(" ").partition(" ")
    if behind and f"{head} {first}".lower() in takes:
        head, rest = f"{head} {first}", further
    known = takes.get(head.lower(), ()) if space else ()
    match = _WORDS.fullmatch(rest)
    number = 0 if match is None else len(_WORD.findall(match["before"]))
    if match is None or number >= len(known):
        return None
    last = match["last"]
    if known[number] == NAMES:
        sign = "@" if last.startswith("@") else ""
        words = [sign + name if sign and " " not in name else quoted(name) for name in _fitting(last.lstrip('"@'), people)]
    elif known[number] == FILES:
        words = list(paths(last.lstrip('"')))
    else:
        start = last.lstrip('"').casefold()
        words = [word for word in known[number] if word.lstrip('"').casefold().startswith(start)]
    begin = len(before) - len(last)
    return Completion(begin=begin, end=len(before), words=tuple(dict.fromkeys(map(_ended, words)))) if words else None


def _ended(word: str) -> str:
    """With the space behind it; none behind a directory, in which one goes on."""
    return word if word.endswith("/") else f"{word} "


def complete_query(text: str, caret: int, *, people: Sequence[str], channels: Sequence[str]) -> Completion | None:
    """In a search: the name of a filter, and behind `from:` and `in:` a person or a channel (with its sign)."""
    word = _LAST_PART.search(text[:caret])[1]  # type: ignore[index]  # it fits the empty text too
    begin = caret - len(word)
    name, colon, value = word.partition(":")
    known = {"from": ("me", *people), "in": tuple(channels)}.get(name.lower(), ()) if colon else ()
    if known:
        bare = value.strip('"')
        fitting = _fitting(bare, known)
        if not fitting and bare[:1] not in "#@":
            fitting = [sign + each for sign in "#@" for each in _fitting(bare, [k[1:] for k in known if k[:1] == sign])]
        words = [f"{name}:{quoted(each)} " for each in fitting]
    else:
        words = [f"{each}:" for each in FILTERS if word and not colon and each.startswith(word.lower())]
    return Completion(begin=begin, end=caret, words=tuple(dict.fromkeys(words))) if words else None


def _fitting(start: str, names: Sequence[str]) -> list[str]:
    folded = start.casefold()
    return [name for name in names if name.casefold().startswith(folded)]
