"""The node's face as JSON: every intent, event, row and error, there and back, driven by their types.

An object of a union carries its class's name in snake case as `type`. Ids are 52 characters of lower-case base32, enums their
values, tuples arrays, a missing optional field its default. Reading ignores fields it does not know and refuses the rest with a
`errors.UsageError` that says where: what comes over a socket never raises anything else here.
"""

import base64
import binascii
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
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return id_text(value)
    if isinstance(value, tuple | list):
        return [to_json(entry) for entry in value]
    if is_dataclass(value):
        kind: type = type(value)
        return {"type": type_name(kind)} | {name: to_json(getattr(value, name)) for name in _field_names(kind)}
    raise TypeError(f"{type(value).__name__} does not go over the wire")


def from_json(kind: object, value: Json) -> Any:
    """The value of type `kind` (a dataclass, a union, a tuple, an id ...) in `value`. `errors.UsageError`."""
    return _reader(kind)(value, "")


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


Reader = Callable[[Json, str], Any]
"""Reads a value at a place, named for the refusal."""


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _refuse(place: str, need: str) -> UsageError:
    return UsageError(f"{place.lstrip('.') or 'The value'}: {need}.")


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


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


def _bool_reader(value: Json, place: str) -> bool:
    if type(value) is not bool:
        raise _refuse(place, "true or false is needed")
    return value


def _int_reader(value: Json, place: str) -> int:
    if type(value) is not int or not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise _refuse(place, "an integer of 64 bits is needed")
    return value


def _float_reader(value: Json, place: str) -> float:
    if type(value) not in (int, float) or not -1e300 < value < 1e300 or not math.isfinite(value):
        raise _refuse(place, "a number is needed")
    return float(value)


def _text_reader(value: Json, place: str) -> str:
    if type(value) is not str:
        raise _refuse(place, "a text is needed")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _refuse(place, "a text of whole characters is needed") from None
    return value


def _id_reader(value: Json, place: str) -> bytes:
    if type(value) is str and len(value) == ID_CHARACTERS:
        try:
            identifier = base64.b32decode(value.upper().encode("ascii") + b"====")
        except (binascii.Error, ValueError):
            identifier = b""
        # The last character has unused bits: one id has one spelling.
        if len(identifier) == ID_SIZE and id_text(identifier) == value:
            return identifier
    raise _refuse(place, "an id of 52 base32 characters is needed")


def _null_reader(value: Json, place: str) -> None:
    if value is not None:
        raise _refuse(place, "null is needed")


_PLAIN: dict[Any, Reader] = {
    bool: _bool_reader,
    int: _int_reader,
    float: _float_reader,
    str: _text_reader,
    type(None): _null_reader,
}


def _enum_reader(kind: type[Enum]) -> Reader:
    def read(value: Json, place: str) -> Enum:
        try:
            return kind(value)
        except ValueError:
            raise _refuse(place, f"one of {', '.join(str(member.value) for member in kind)} is needed") from None

    return read


def _tuple_reader(entries: tuple[Any, ...]) -> Reader:
    if len(entries) == 2 and entries[1] is Ellipsis:
        one = _reader(entries[0])

        def read_many(value: Json, place: str) -> tuple[Any, ...]:
            if type(value) is not list:
                raise _refuse(place, "an array is needed")
            return tuple(one(entry, f"{place}[{number}]") for number, entry in enumerate(value))

        return read_many
    each = [_reader(entry) for entry in entries]

    def read_some(value: Json, place: str) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != len(each):
            raise _refuse(place, f"an array of {len(each)} is needed")
        return tuple(read(entry, f"{place}[{n}]") for n, (read, entry) in enumerate(zip(each, value, strict=True)))

    return read_some


def _union_reader(members: tuple[Any, ...]) -> Reader:
    """Of dataclasses, told apart by `type`; or of one type and None."""
    real = [member for member in members if member is not type(None)]
    optional = len(real) < len(members)
    if len(real) == 1:
        one = _reader(real[0])
        return lambda value, place: None if value is None else one(value, place)
    by_name = {type_name(member): _reader(member) for member in real}

    def read(value: Json, place: str) -> Any:
        if value is None and optional:
            return None
        if type(value) is not dict:
            raise _refuse(place, "an object is needed")
        name = value.get("type")
        reader = by_name.get(name) if isinstance(name, str) else None
        if reader is None:
            raise _refuse(f"{place}.type", "it is unknown here")
        return reader(value, place)

    return read


def _dataclass_reader(kind: Any) -> Reader:
    made = cast(type, get_origin(kind) or kind)
    hints = get_type_hints(made)
    parameters = dict(zip(getattr(made, "__parameters__", ()), get_args(kind), strict=False))
    readers = {field.name: (_reader(parameters.get(hints[field.name], hints[field.name])), field) for field in fields(made)}

    def read(value: Json, place: str) -> Any:
        if type(value) is not dict:
            raise _refuse(place, "an object is needed")
        given = {}
        for name, (reader, field) in readers.items():
            if name in value:
                given[name] = reader(value[name], f"{place}.{name}")
            elif field.default is MISSING and field.default_factory is MISSING:
                raise _refuse(f"{place}.{name}", "it is missing")
        return made(**given)

    return read
