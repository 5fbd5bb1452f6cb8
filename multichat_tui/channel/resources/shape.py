"""What a type of resource is: how its acts are written, what its logic allows, and what follows from those that were allowed.

A type is data and pure functions. It knows no store, no clock and no network; everything in it gives the same on every node.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import Enum
from typing import TypeAlias

from multichat_tui.model.codec import Value
from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.ranks import Permission
from multichat_tui.model.schema import Malformed, as_bool, as_int, as_list, as_text
from multichat_tui.model.text import encodable
from multichat_tui.model.values import dataclass

Plain: TypeAlias = str | int | bool | tuple[str, ...]
"""What a field of an act holds."""
LINE = " | "
"""Parts the entries of a field that has several, as a user types them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an act: how it is written (`key`, from 4 on, as 1 to 3 belong to all acts), strictly read, typed by people.

    `read` raises `schema.Malformed`. `typed` makes the value of a user's words, or a sentence that says what is wrong with them.
    """

    name: str
    key: int
    read: Callable[[Value], Plain]
    write: Callable[[Plain], Value]
    typed: Callable[[str], "Plain | Unfit"]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Unfit:
    """What a user has typed cannot be a field's value, for this reason."""

    reason: str


def text_field(name: str, key: int, most: int) -> Field:
    """A text of 1 to `most` characters."""

    def typed(words: str) -> Plain | Unfit:
        words = words.rstrip()
        if not words.strip():
            return Unfit(f"The {name} is empty.")
        if len(words) > most or not encodable(words):
            return Unfit(f"The {name} has at most {most} characters.")
        return words

    return Field(
        name=name, key=key, read=lambda value: as_text(value, name, most, 1), write=lambda plain: _text(plain), typed=typed
    )


def texts_field(name: str, key: int, least: int, most: int, characters: int) -> Field:
    """`least` to `most` different texts, each of 1 to `characters` characters."""

    def read(value: Value) -> Plain:
        found = tuple(as_text(entry, name, characters, 1) for entry in as_list(value, name, most, least))
        if len(set(found)) < len(found):
            raise Malformed(f"{name}: one twice")
        return found

    def typed(words: str) -> Plain | Unfit:
        found = tuple(" ".join(entry.split()) for entry in words.split(LINE.strip()))
        if not least <= len(found) <= most or not all(found) or len(set(found)) < len(found):
            return Unfit(f"There have to be {least} to {most} different {name}, with {LINE.strip()} between them.")
        if any(len(entry) > characters or not encodable(entry) for entry in found):
            return Unfit(f"Each of the {name} has at most {characters} characters.")
        return found

    return Field(name=name, key=key, read=read, write=lambda plain: list(_texts(plain)), typed=typed)


def number_field(name: str, key: int, most: int, *, optional: bool = False) -> Field:
    """0 to `most`; people count from 1."""

    def typed(words: str) -> Plain | Unfit:
        number = int(words) - 1 if words.isascii() and words.isdigit() and len(words) < 10 else -1
        return number if 0 <= number <= most else Unfit(f"The {name} is a number from 1 to {most + 1}.")

    return Field(
        name=name,
        key=key,
        read=lambda value: as_int(value, name, most),
        write=lambda plain: _number(plain),
        typed=typed,
        optional=optional,
    )


def choice_field(name: str, key: int, words: tuple[str, ...]) -> Field:
    """One of these words, written as its number."""

    def typed(word: str) -> Plain | Unfit:
        return word if word in words else Unfit(f"The {name} is one of {', '.join(words)}.")

    return Field(
        name=name,
        key=key,
        read=lambda value: words[as_int(value, name, len(words) - 1)],
        write=lambda plain: words.index(_text(plain)),
        typed=typed,
    )


def flag_field(name: str, key: int) -> Field:
    def typed(word: str) -> Plain | Unfit:
        return word == "yes" if word in ("yes", "no") else Unfit(f"{name.capitalize()} is yes or no.")

    return Field(name=name, key=key, read=lambda value: as_bool(value, name), write=lambda plain: plain is True, typed=typed)


def _text(plain: Plain) -> str:
    assert isinstance(plain, str)
    return plain


def _texts(plain: Plain) -> tuple[str, ...]:
    assert isinstance(plain, tuple)
    return plain


def _number(plain: Plain) -> int:
    assert isinstance(plain, int)
    return plain


class Contest(Enum):
    """Which of several acts counts where they contend for the same thing."""

    LAST = "last"
    """What no other one follows; of several such the last in display order (ets, id): whoever spoke last is right."""
    FIRST = "first"
    """Each act consumes what was there before it and makes what is there after it. Of several that consume the same one, the
    first in display order counts, and what builds on the others does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One act of a record as logics see it. `rank` and `moderates` are the author's, in the state that the record cites."""

    shape: "ActShape"
    record: RecordId
    index: int
    ets: int
    time_ms: int
    user: UserId
    rank: int
    moderates: bool
    values: Mapping[str, Plain]
    after: tuple[RecordId, ...] = ()
    """Records whose acts on the same thing it follows."""

    @property
    def order(self) -> tuple[int, RecordId, int]:
        """Display order."""
        return (self.ets, self.record, self.index)

    @property
    def slot(self) -> str:
        """What it contends for."""
        return self.shape.slot(self)

    def text(self, name: str) -> str:
        return _text(self.values.get(name, ""))

    def texts(self, name: str) -> tuple[str, ...]:
        return _texts(self.values.get(name, ()))

    def number(self, name: str) -> int | None:
        return _number(self.values[name]) if name in self.values else None

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True


Rule: TypeAlias = "Callable[[Deed, Deed, Deed | None], str | None]"
"""(the act, the one that made the resource, the one that counted in the act's own past or None) -> why not, in words; None: it is
accepted. Pure: of the same three it says the same on every node, for ever."""


def always(deed: Deed, made: Deed, before: Deed | None) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActShape:
    """`number` is its type on the wire, `name` what intents call it, `doing` what somebody does with it, for refusals."""

    number: int
    name: str
    doing: str
    permission: Permission
    fields: tuple[Field, ...] = ()
    slot: Callable[[Deed], str] = field(default=lambda deed: deed.shape.name)
    contest: Contest = Contest.LAST
    own: bool = False
    """Only who made the resource does it."""
    rule: Rule = always


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What a resource is: the act that made it, what counts of the others by what they contend for, and all that were accepted,
    in display order."""

    made: Deed
    slots: Mapping[str, Deed]
    heads: Mapping[str, tuple[Deed, ...]]
    """By what they contend for: accepted ones that no other one follows. A further act names these."""
    accepted: tuple[Deed, ...] = ()

    def of(self, shape: ActShape) -> tuple[Deed, ...]:
        """What counts of one shape, in display order."""
        return tuple(sorted((deed for deed in self.slots.values() if deed.shape is shape), key=lambda deed: deed.order))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What stands in the timeline: `text` as its author wrote it, and below it lines about its state."""

    text: str
    lines: tuple[str, ...] = ()
    hint: str = ""
    """What this user can do about it now, by which command; in words of the type alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandShape:
    """A slash command that makes a resource (`act` is the name of the type's own act) or acts on one.

    `fields` turns what stands behind the command into the act's fields. The resource that is acted on is named by the beginning
    of its id, or is the newest of this type in the channel.
    """

    name: str
    usage: str
    summary: str
    act: str
    fields: Callable[[str], Mapping[str, str]]
    said: str
    """What is answered, with `{what}` for what it was done to or what was made."""
    wants: str = ""
    """Of acts on any resource: the newest one that is `pinned`, or that one has `reacted` to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """`noun` names one in sentences: `a poll`."""

    name: str
    noun: str
    makes: ActShape
    acts: tuple[ActShape, ...]
    show: Callable[[Present, UserId, Callable[[UserId], str]], Shown]
    """(what it is, who looks, what people are called)."""
    words: Callable[[Present], str]
    """What it is found by."""
    commands: tuple[CommandShape, ...] = ()

    def act(self, name: str) -> ActShape | None:
        return next((shape for shape in self.acts if shape.name == name), None)
