"""The `dataclass` of this program: that of the standard library, but its methods are written when they are first used.

The standard library writes and compiles six methods for each class while it is imported, about a millisecond a class; the program
has hundreds of them, and a command uses few. Here `__init__`, `__eq__` and `__hash__` are written by their first call, and what
need not be quick is shared by all classes. To readers, type checkers, `fields` and `replace` they are what they look like.

The rule: always slots, no inheritance between dataclasses, no `InitVar`; a method that the class defines itself stays.
"""

from dataclasses import MISSING, Field, FrozenInstanceError, fields
from dataclasses import dataclass as shaped_by_the_library
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, slots, frozen=False, kw_only=False):
        """As `dataclasses.dataclass` with these parameters, `slots` among them. TypeError for a class that breaks the rule."""

        def shape(cls):
            return _with_methods(cls, slots, frozen, kw_only)

        return shape


def _with_methods(cls: type, slots: bool, frozen: bool, kw_only: bool) -> Any:
    if not slots or any(hasattr(base, "__dataclass_fields__") for base in cls.__bases__):
        raise TypeError(f"{cls.__qualname__} is not a dataclass of its own with slots")
    defined = dict(vars(cls))
    if "__doc__" not in defined or defined["__doc__"] is None:
        cls.__doc__ = cls.__qualname__  # else the library composes one from the signature, which costs as much as a method
    made: Any = shaped_by_the_library(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    methods: dict[str, Any] = {"__init__": _first_init(made), "__repr__": _repr, "__eq__": _first_eq(made)}
    if frozen:
        methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
        methods |= {"__getstate__": _state, "__setstate__": _restore}
    for name, method in methods.items():
        if name not in defined:
            setattr(made, name, method)
    # A class that defines `__eq__` alone has `__hash__ = None` from the language itself.
    if defined.get("__hash__") is None and ("__hash__" not in defined or "__eq__" in defined):
        made.__hash__ = _first_hash(made) if frozen else None
    return made


# Methods that their first call writes


def _first_init(cls: Any) -> Any:
    def __init__(self: Any, *given: Any, **named: Any) -> None:
        cls.__init__ = written = _written_init(cls)
        written(self, *given, **named)

    return __init__


def _first_eq(cls: Any) -> Any:
    def __eq__(self: Any, other: object) -> Any:
        cls.__eq__ = written = _written_eq(cls)
        return written(self, other)

    return __eq__


def _first_hash(cls: Any) -> Any:
    def __hash__(self: Any) -> int:
        cls.__hash__ = written = _written_hash(cls)
        return int(written(self))

    return __hash__


def _written_init(cls: Any) -> Any:
    """Sets the slots by themselves: a frozen class refuses every other way."""
    known: dict[str, Any] = {"_absent": MISSING}
    places: list[str] = []
    names: list[str] = []
    body: list[str] = []
    for each in fields(cls):
        name = each.name
        known[f"_set_{name}"] = vars(cls)[name].__set__
        if each.default_factory is not MISSING:
            known[f"_new_{name}"] = each.default_factory
            value, default = f"_new_{name}()", "=_absent"
            if each.init:
                value = f"{value} if {name} is _absent else {name}"
        elif each.default is not MISSING:
            known[f"_default_{name}"] = each.default
            value, default = name if each.init else f"_default_{name}", f"=_default_{name}"
        else:
            value, default = name, ""
        if each.init:
            (names if each.kw_only else places).append(name + default)
        if each.init or default:
            body.append(f"_set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    words = ", ".join(["self", *places, *(["*", *names] if names else [])])
    return _written(cls, "__init__", words, body or ["pass"], known)


def _written_eq(cls: Any) -> Any:
    ours, theirs = (_tuple_of(whose, [each for each in fields(cls) if each.compare]) for whose in ("self", "other"))
    body = ["if other.__class__ is self.__class__:", f"    return {ours} == {theirs}", "return NotImplemented"]
    return _written(cls, "__eq__", "self, other", body, {})


def _written_hash(cls: Any) -> Any:
    counted = [each for each in fields(cls) if (each.compare if each.hash is None else each.hash)]
    return _written(cls, "__hash__", "self", [f"return hash({_tuple_of('self', counted)})"], {})


def _tuple_of(whose: str, which: list[Field[Any]]) -> str:
    return "(" + "".join(f"{whose}.{each.name}, " for each in which) + ")"


def _written(cls: Any, name: str, words: str, body: list[str], known: dict[str, Any]) -> Any:
    """A function made of text, all of it ours and names of fields, which are identifiers."""
    lines = "".join(f"    {line}\n" for line in body)
    exec(f"def {name}({words}):\n{lines}", known)  # noqa: S102  # as the library does
    method = known[name]
    method.__qualname__ = f"{cls.__qualname__}.{name}"
    method.__module__ = cls.__module__
    return method


# Methods that all classes share


def _repr(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({shown})"


def _refuse_to_set(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
