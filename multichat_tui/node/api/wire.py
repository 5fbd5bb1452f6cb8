"""The node's face as JSON: every intent, event, row and error, there and back, driven by their types.

An object of a union carries its class's name in snake case as `type`. Ids are 52 characters of lower-case base32, enums their
values, tuples arrays, a missing optional field its default. Reading ignores fields it does not know and refuses the rest with a
`errors.UsageError` that says where: what comes over a socket never raises anything else here.
"""

import json
import math
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from multichat_tui.model import errors
from multichat_tui.model.errors import IntentRefused, MultichatError, Refusal, UsageError
from multichat_tui.model.ids import ID_SIZE
from multichat_tui.model.limits import MAX_INTEGER
from multichat_tui.node.api.lookup import ID_CHARACTERS, id_text

T = TypeVar("T")
Json = Any
"""What `json` reads and writes. Checked by the types as it is read."""


def to_json(value: object) -> Json:
    """`value` as JSON can hold it. Dataclasses always carry their `type`; a `Snapshot` holds `as_of` and `rows`."""
    kind: type = type(value)
    return _writer(kind)(value)


def from_json(kind: object, value: Json) -> Any:
    """The value of type `kind` (a dataclass, a union, a tuple, an id ...) in `value`. `errors.UsageError`."""
    try:
        return _reader(kind)(value)
    except _Misfit as misfit:
        place = "".join(reversed(misfit.place)).lstrip(".")
        raise UsageError(f"{place or 'The value'}: {misfit.need}.") from None


def to_line(value: Json) -> bytes:
    """One line of JSON in ASCII, with its newline."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def from_line(line: bytes) -> dict[str, Json]:
    """The object in one line. `errors.UsageError` whatever else it is."""
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise UsageError("A line holds one JSON object.") from None
    if not isinstance(value, dict):
        raise UsageError("A line holds one JSON object.")
    return value


def error_to_json(error: MultichatError) -> Json:
    """An error as it goes over the wire: `code` is stable, `reason` stands with refusals."""
    fault = {"code": error.code, "message": error.message, "advice": error.advice}
    return fault | {"reason": error.reason.value} if isinstance(error, IntentRefused) else fault


def error_from_json(value: Json) -> MultichatError:
    """The error in `value`; a code that is unknown here becomes the base of all."""
    if not isinstance(value, dict):
        return MultichatError("The node answered with an error that cannot be read.")
    code, message, advice = (_plain(value.get(key)) for key in ("code", "message", "advice"))
    if code == IntentRefused.code:
        try:
            reason = Refusal(_plain(value.get("reason")))
        except ValueError:
            reason = Refusal.UNKNOWN
        return IntentRefused(reason, message, advice)
    kind = _errors().get(code, MultichatError)
    return kind(message or "Something went wrong in the node.", advice)


def type_name(kind: type) -> str:
    """`MessageAdded` is called `message_added`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


@cache
def _errors() -> Mapping[str, Callable[[str, str], MultichatError]]:
    """The errors of the tree by their code: the leaves, and no refusals, which are built with their reason."""
    found: dict[str, Callable[[str, str], MultichatError]] = {errors.NotFound.code: errors.NotFound}
    for kind in vars(errors).values():
        is_error = isinstance(kind, type) and issubclass(kind, MultichatError) and not issubclass(kind, IntentRefused)
        if is_error and not kind.__subclasses__():
            found[kind.code] = kind
    return found


Reader = Callable[[Json], Any]
"""Reads one value, or raises `_Misfit`."""


class _Misfit(Exception):
    """A value is not what is needed. The place is gathered on the way up, innermost first. Never leaves this module."""

    def __init__(self, need: str, place: str = "") -> None:
        super().__init__(need)
        self.need = need
        self.place = [place]


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _no_constant(name: str) -> Json:
    raise ValueError(name)


@cache
def _writer(kind: type) -> Callable[[Any], Json]:
    """The function that writes one class. Made once per class."""
    if kind in _AS_THEY_ARE:
        return lambda value: value
    if issubclass(kind, Enum):
        return lambda value: value.value
    if kind is bytes:
        return id_text
    if kind in (tuple, list):
        return lambda value: [to_json(entry) for entry in value]
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} does not go over the wire")
    named, names = type_name(kind), tuple(field.name for field in fields(kind))

    def write(value: Any) -> Json:
        written = {"type": named}
        for name in names:
            entry = getattr(value, name)
            written[name] = _writer(entry.__class__)(entry)
        return written

    return write


_AS_THEY_ARE = (str, int, float, bool, type(None))


@cache
def _reader(kind: Any) -> Reader:
    """The function that reads one type. Made once per type."""
    if isinstance(kind, NewType):
        return _id_reader if kind.__supertype__ is bytes else _reader(kind.__supertype__)
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union_reader(get_args(kind))
    if origin is tuple:
        return _tuple_reader(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_reader(kind)
    if is_dataclass(origin or kind):
        return _dataclass_reader(kind)
    raise TypeError(f"{kind} does not go over the wire")


def _bool_reader(value: Json) -> bool:
    if type(value) is not bool:
        raise _Misfit("true or false is needed")
    return value


def _int_reader(value: Json) -> int:
    if type(value) is not int or not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise _Misfit("an integer of 64 bits is needed")
    return value


def _float_reader(value: Json) -> float:
    if type(value) not in (int, float) or not -1e300 < value < 1e300 or not math.isfinite(value):
        raise _Misfit("a number is needed")
    return float(value)


def _text_reader(value: Json) -> str:
    if type(value) is not str:
        raise _Misfit("a text is needed")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _Misfit("a text of whole characters is needed") from None
    return value


def _id_reader(value: Json) -> bytes:
    # Many ids come with every event, and the standard library's base32 is slow.
    if type(value) is str and _ID.fullmatch(value):
        number = int(value.translate(_TO_DIGITS), 32)
        # The last character has unused bits: one id has one spelling.
        if number & _UNUSED_BITS == 0:
            return (number >> _UNUSED_BITS.bit_length()).to_bytes(ID_SIZE, "big")
    raise _Misfit("an id of 52 base32 characters is needed")


_ID = re.compile(f"[a-z2-7]{{{ID_CHARACTERS}}}")
_TO_DIGITS = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")
_UNUSED_BITS = 0b1111


def _null_reader(value: Json) -> None:
    if value is not None:
        raise _Misfit("null is needed")


_PLAIN: dict[Any, Reader] = {
    bool: _bool_reader,
    int: _int_reader,
    float: _float_reader,
    str: _text_reader,
    type(None): _null_reader,
}


def _enum_reader(kind: type[Enum]) -> Reader:
    def read(value: Json) -> Enum:
        try:
            return kind(value)
        except ValueError:
            raise _Misfit(f"one of {', '.join(str(member.value) for member in kind)} is needed") from None

    return read


def _each(read: Reader, entry: Json, number: int) -> Any:
    try:
        return read(entry)
    except _Misfit as misfit:
        misfit.place.append(f"[{number}]")
        raise


def _tuple_reader(entries: tuple[Any, ...]) -> Reader:
    if len(entries) == 2 and entries[1] is Ellipsis:
        one = _reader(entries[0])

        def read_many(value: Json) -> tuple[Any, ...]:
            if type(value) is not list:
                raise _Misfit("an array is needed")
            return tuple(_each(one, entry, number) for number, entry in enumerate(value))

        return read_many
    each = [_reader(entry) for entry in entries]

    def read_some(value: Json) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != len(each):
            raise _Misfit(f"an array of {len(each)} is needed")
        return tuple(_each(read, entry, number) for number, (read, entry) in enumerate(zip(each, value, strict=True)))

    return read_some


def _union_reader(members: tuple[Any, ...]) -> Reader:
    """Of dataclasses, told apart by `type`; or of one type and None."""
    real = [member for member in members if member is not type(None)]
    optional = len(real) < len(members)
    if len(real) == 1:
        one = _reader(real[0])
        return lambda value: None if value is None else one(value)
    by_name = {type_name(member): _reader(member) for member in real}

    def read(value: Json) -> Any:
        if value is None and optional:
            return None
        if type(value) is not dict:
            raise _Misfit("an object is needed")
        name = value.get("type")
        reader = by_name.get(name) if isinstance(name, str) else None
        if reader is None:
            raise _Misfit("it is unknown here", ".type")
        return reader(value)

    return read


def _dataclass_reader(kind: Any) -> Reader:
    made = cast(type, get_origin(kind) or kind)
    hints = get_type_hints(made)
    parameters = dict(zip(getattr(made, "__parameters__", ()), get_args(kind), strict=False))
    readers = {field.name: (_reader(parameters.get(hints[field.name], hints[field.name])), field) for field in fields(made)}

    def read(value: Json) -> Any:
        if type(value) is not dict:
            raise _Misfit("an object is needed")
        given = {}
        for name, (reader, field) in readers.items():
            if name in value:
                try:
                    given[name] = reader(value[name])
                except _Misfit as misfit:
                    misfit.place.append(f".{name}")
                    raise
            elif field.default is MISSING and field.default_factory is MISSING:
                raise _Misfit("it is missing", f".{name}")
        return made(**given)

    return read
