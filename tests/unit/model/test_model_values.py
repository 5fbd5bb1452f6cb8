"""Our dataclasses beside those of the standard library: the same to whoever uses them, and cheap until then."""

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import ClassVar

import pytest

from multichat_tui.model import values


def shapes(dataclass):
    """One class of each kind that the program has, made by this decorator."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        """Has all that a field can have."""

        name: str
        secret: bytes = field(repr=False)
        kind: ClassVar[int] = 7
        size: int = 3
        seen: list[int] = field(default_factory=list, compare=False)
        mark: int = field(default=5, init=False)
        noted: dict[str, int] = field(default_factory=dict, hash=False)
        late: str = field(init=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "late", self.name * 2)

    @dataclass(frozen=True, slots=True)
    class Placed:
        one: int
        two: str = "b"

    @dataclass(slots=True, kw_only=True)
    class Open:
        one: int
        two: tuple[int, ...] = ()

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Own:
        one: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Empty:
        pass

    return Frozen, Placed, Open, Own, Empty


OURS, THEIRS = shapes(values.dataclass), shapes(dataclasses.dataclass)
GIVEN = (
    ((), {"name": "a", "secret": b"s"}),
    ((), {"name": "a", "secret": b"s", "size": 4, "seen": [1], "noted": {"x": 1}}),
    ((), {"name": "a"}),
    ((), {"name": "a", "secret": b"s", "mark": 6}),
    ((), {"name": "a", "secret": b"s", "other": 6}),
    ((1,), {}),
    ((1, "c"), {}),
    ((1,), {"two": "c"}),
    ((1, "c", 3), {}),
    ((), {"one": 1}),
    ((), {"one": 1, "two": (2,)}),
    ((), {}),
)


def outcome(what):
    """A value, or the error without the name of the class."""
    try:
        return what()
    except (TypeError, FrozenInstanceError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("which", range(len(OURS)), ids=[shape.__name__ for shape in OURS])
@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_it_is_made_shown_compared_and_hashed_as_the_library_does_it(which, given):
    placed, named = given

    def told(shape):
        one, other = shape(*placed, **named), shape(*placed, **named)
        first = next(iter(fields(shape)), None)
        return (
            repr(one),
            one == other,
            one == object(),
            one.__eq__(3),
            outcome(lambda: hash(one) == hash(other)),
            [(each.name, getattr(one, each.name)) for each in fields(one)],
            outcome(lambda: first and setattr(one, first.name, 9)),
            outcome(lambda: first and delattr(one, first.name)),
            shape.__match_args__,
            shape.__slots__,
        )

    assert outcome(lambda: told(OURS[which])) == outcome(lambda: told(THEIRS[which]))


def test_a_frozen_one_takes_no_new_attribute_either():
    with pytest.raises(FrozenInstanceError, match="unheard"):
        Kept(one=1, two=[]).unheard = 3


def test_what_differs_in_a_counted_field_alone_is_another():
    frozen = OURS[0]
    one = frozen(name="a", secret=b"s")
    assert one == replace(one, seen=[1])
    assert one != replace(one, secret=b"t")
    assert hash(one) == hash(replace(one, noted={"x": 1}))
    assert hash(one) != hash(replace(one, size=4))
    assert one.seen is not frozen(name="a", secret=b"s").seen


@values.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    one: int
    two: list[int]


def test_it_can_be_copied_and_kept():
    one = Kept(one=1, two=[2])
    deep = copy.deepcopy(one)
    assert deep == one
    assert deep.two is not one.two
    assert copy.copy(one).two is one.two
    assert pickle.loads(pickle.dumps(one)) == one


def test_what_breaks_the_rule_is_refused_when_it_is_written_down():
    with pytest.raises(TypeError, match="Loose is not a dataclass of its own"):

        @values.dataclass(slots=False)
        class Loose:
            one: int

    with pytest.raises(TypeError, match="Heir is not a dataclass of its own"):

        @values.dataclass(slots=True)
        class Heir(Kept):
            three: int


def written(method) -> bool:
    """Compiled from a text, not one of those that stand in for it."""
    return method.__code__.co_filename == "<string>"


def test_no_method_is_compiled_before_it_is_called():
    used, unused = shapes(values.dataclass)[:2]
    assert not any(written(method) for shape in (used, unused) for method in (shape.__init__, shape.__eq__, shape.__hash__))
    one = used(name="a", secret=b"")
    assert written(used.__init__)
    assert not written(used.__eq__)
    assert one == used(name="a", secret=b"")
    assert written(used.__eq__)
    assert not written(used.__hash__)
    assert not written(unused.__init__)
    assert all(written(method) for method in (shapes(dataclasses.dataclass)[0].__init__, THEIRS[0].__eq__))
