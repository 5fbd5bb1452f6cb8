"""Resources: whatever records of a channel make and change, each of a type that says what may be done with it.

A type is one module here and its place in `TYPES`; nothing else has to know it. docs/resources.md shows how one is added.
"""

from collections.abc import Mapping
from types import MappingProxyType

from multichat_tui.channel.resources import message, poll, task
from multichat_tui.channel.resources.shape import ActShape, Field, Plain, ResourceType, Unfit
from multichat_tui.model.acts import Act, Message, UnknownAct
from multichat_tui.model.codec import Value
from multichat_tui.model.ids import RecordId
from multichat_tui.model.limits import MAX_ACTS, MAX_NAMED_ACTS
from multichat_tui.model.ranks import Permission
from multichat_tui.model.schema import Malformed, as_id, as_int, as_list
from multichat_tui.model.values import dataclass

TYPES: tuple[ResourceType, ...] = (message.TYPE, poll.TYPE, task.TYPE)
TARGET, INDEX, AFTER = 1, 2, 3
"""Keys that acts on resources have alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """An act whose shape is known. `target` is what it acts on, by the record and the act in it that made that; None: it makes a
    resource itself."""

    shape: ActShape
    values: Mapping[str, Plain]
    target: tuple[RecordId, int] | None = None
    after: tuple[RecordId, ...] = ()


class Registry:
    """Of these types. Two acts of one number, or two types of one name, are a mistake of the program."""

    def __init__(self, types: tuple[ResourceType, ...]) -> None:
        self.types = types
        self._made = {each.makes.number: each for each in types}
        self._named = {each.name: each for each in types}
        self._acts = {shape.number: shape for each in types for shape in each.acts}
        shapes = {shape for each in types for shape in (each.makes, *each.acts)}
        if len(self._made) + len(self._acts) != len(shapes) or len(self._named) != len(types):
            raise ValueError("two types of resources, or two acts, go by one name or number")

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of all acts that are known, ascending."""
        return tuple(sorted((*self._made, *self._acts)))

    def type_named(self, name: str) -> ResourceType | None:
        return self._named.get(name)

    def made_by(self, act: Act) -> ResourceType | None:
        """The type of what an act makes."""
        return self._made.get(_number(act))

    def knows(self, act: Act) -> bool:
        """Whether it is an act of a resource, well-formed or not."""
        return _number(act) in self._made or _number(act) in self._acts

    def read(self, act: Act) -> Read | None:
        """None: an act of another kind, or a malformed one, which has no effect."""
        if isinstance(act, Message):
            return Read(shape=message.MESSAGE, values={"text": act.text})
        if not isinstance(act, UnknownAct):
            return None
        made, shape = self._made.get(act.type), self._acts.get(act.type)
        try:
            if made is not None:
                return Read(shape=made.makes, values=_values(made.makes.fields, act.fields))
            if shape is None or TARGET not in act.fields:
                return None
            index = as_int(act.fields[INDEX], "index", MAX_ACTS - 1) if INDEX in act.fields else 0
            after = as_list(act.fields[AFTER], "after", MAX_NAMED_ACTS) if AFTER in act.fields else ()
            return Read(
                shape=shape,
                values=_values(shape.fields, act.fields),
                target=(RecordId(as_id(act.fields[TARGET], "target")), index),
                after=tuple(RecordId(as_id(entry, "after")) for entry in after),
            )
        except Malformed:
            return None

    def permission(self, act: Act) -> Permission | None:
        """What a content act needs. None: it is none that is known and well-formed."""
        read = self.read(act)
        return None if read is None else read.shape.permission

    def texts(self, act: Act) -> tuple[str, ...]:
        """All that people have written in an act."""
        read = self.read(act)
        values = () if read is None else tuple(read.values.values())
        return tuple(
            text for value in values for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)
        )

    def silent(self, act: Act) -> bool:
        """Whether an act shows only by what it changes."""
        return _number(act) in self._acts

    def targets(self, acts: tuple[Act, ...]) -> tuple[tuple[RecordId, int], ...]:
        """(record, number of the act) of all that these acts act on."""
        found = ((self.read(act), _number(act)) for act in acts if self.silent(act))
        return tuple((read.target[0], number) for read, number in found if read is not None and read.target is not None)


def write(
    shape: ActShape,
    values: Mapping[str, Plain],
    target: tuple[RecordId, int] | None = None,
    after: tuple[RecordId, ...] = (),
) -> UnknownAct:
    """An act as it stands in a record."""
    fields: dict[int, Value] = {}
    if target is not None:
        fields[TARGET] = target[0]
        if target[1]:
            fields[INDEX] = target[1]
        if after:
            fields[AFTER] = [*after]
    fields |= {field.key: field.write(values[field.name]) for field in shape.fields if field.name in values}
    return UnknownAct(type=shape.number, fields=MappingProxyType(fields))


def typed_values(shape: ActShape, words: Mapping[str, str]) -> Mapping[str, Plain] | Unfit:
    """What a user gives for an act's fields, by their names."""
    unknown = words.keys() - {field.name for field in shape.fields}
    if unknown:
        known = ", ".join(field.name for field in shape.fields)
        return Unfit(f"There is no {min(unknown)!r} in it; what it has: {known}.")
    found: dict[str, Plain] = {}
    for field in shape.fields:
        if field.name not in words:
            if field.optional:
                continue
            return Unfit(f"The {field.name} is missing.")
        value = field.typed(words[field.name])
        if isinstance(value, Unfit):
            return value
        found[field.name] = value
    return found


def _values(fields: tuple[Field, ...], written: Mapping[int, Value]) -> Mapping[str, Plain]:
    found = {}
    for field in fields:
        if field.key in written:
            found[field.name] = field.read(written[field.key])
        elif not field.optional:
            raise Malformed(f"{field.name}: it is missing")
    return found


def _number(act: Act) -> int:
    return act.type if isinstance(act, UnknownAct) else message.MESSAGE.number if isinstance(act, Message) else 0


REGISTRY = Registry(TYPES)


def registry() -> Registry:
    """Of the types that this program knows."""
    return REGISTRY
