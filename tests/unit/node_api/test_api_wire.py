"""The wire form: every type there and back, and nothing but refusals for what is malformed."""

import contextlib
import json
import types
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import NewType, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multichat_tui.headless.protocol import METHODS
from multichat_tui.model import errors
from multichat_tui.model.errors import IntentRefused, MultichatError, NotFound, Refusal, UsageError
from multichat_tui.model.events import Event, MessageAdded
from multichat_tui.model.intents import Accepted, Intent, SendMessage
from multichat_tui.model.limits import MAX_INTEGER
from multichat_tui.model.snapshots import Snapshot
from multichat_tui.node.api.wire import error_from_json, error_to_json, from_json, from_line, to_json, to_line, type_name

FEW = settings(max_examples=25, deadline=None)
EACH = settings(max_examples=8, deadline=None)
"""There are some hundred types."""
"""There are many types: few examples of each."""
IDS = st.binary(min_size=32, max_size=32)
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


def values(kind):
    """A hypothesis strategy for any type that goes over the wire."""
    origin = get_origin(kind)
    if isinstance(kind, NewType):
        return IDS
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(-MAX_INTEGER - 1, MAX_INTEGER)
    if kind is float:
        return st.floats(allow_nan=False, allow_infinity=False, min_value=-1e200, max_value=1e200)
    if kind is str:
        return TEXTS
    if kind is type(None):
        return st.none()
    if origin in (Union, types.UnionType):
        return st.one_of(*(values(member) for member in get_args(kind)))
    if origin is tuple:
        entries = get_args(kind)
        if entries[-1] is Ellipsis:
            return st.lists(values(entries[0]), max_size=3).map(tuple)
        return st.tuples(*(values(entry) for entry in entries))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    made = origin or kind
    assert is_dataclass(made), kind
    hints = get_type_hints(made)
    parameters = dict(zip(getattr(made, "__parameters__", ()), get_args(kind), strict=False))
    return st.builds(made, **{f.name: values(parameters.get(hints[f.name], hints[f.name])) for f in fields(made)})


EVERYTHING = [*get_args(Intent), *get_args(Event), Accepted, *(method.result for method in METHODS.values())]


@pytest.mark.parametrize("kind", EVERYTHING, ids=str)
@EACH
@given(data=st.data())
def test_every_type_comes_back_as_it_was(kind, data):
    value = data.draw(values(kind))
    line = to_line({"value": to_json(value)})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_json(kind, from_line(line)["value"]) == value


@FEW
@given(data=st.data())
def test_unions_are_told_apart_by_their_type(data):
    for union in (Intent, Event):
        value = data.draw(values(union))
        assert from_json(union, to_json(value)) == value
        assert to_json(value)["type"] == type_name(type(value))


@FEW
@given(value=values(SendMessage), extra=st.dictionaries(st.text(max_size=5).map(lambda s: "x-" + s), st.integers()))
def test_unknown_fields_are_ignored(value, extra):
    assert from_json(Intent, to_json(value) | extra) == value


@pytest.mark.parametrize("kind", [*get_args(Intent), *get_args(Event)], ids=str)
@EACH
@given(data=st.data())
def test_a_missing_required_field_is_refused_by_name(kind, data):
    value = to_json(data.draw(values(kind)))
    for field in fields(kind):
        if field.default is MISSING:
            cut = {name: entry for name, entry in value.items() if name != field.name}
            with pytest.raises(UsageError, match=f"{field.name}: it is missing"):
                from_json(kind, cut)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@FEW
@given(data=st.data(), garbage=JSON)
def test_a_garbled_field_is_a_refusal_or_a_value_and_nothing_else(data, garbage):
    kind = data.draw(st.sampled_from(EVERYTHING))
    value = to_json(data.draw(values(kind)))
    name = data.draw(st.sampled_from([*value, "type"]))
    with contextlib.suppress(UsageError):
        assert isinstance(from_json(kind, value | {name: garbage}), get_origin(kind) or kind)


@FEW
@given(garbage=JSON)
def test_garbage_in_place_of_a_whole_value_is_a_refusal(garbage):
    for kind in (Intent, Event, Snapshot[tuple[str, ...]]):
        with pytest.raises(UsageError):
            from_json(kind, garbage)


@FEW
@given(st.binary(max_size=200))
def test_any_line_is_an_object_or_a_refusal(line):
    try:
        assert isinstance(from_line(line), dict)
    except UsageError:
        return


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
        b'{"a":1} x',
    ],
    ids=range(9),
)
def test_hostile_lines_are_refused(line):
    with pytest.raises(UsageError):
        from_line(line)


def test_half_a_surrogate_pair_is_refused():
    request = json.loads('{"type":"set_name","name":"\\ud800"}')
    with pytest.raises(UsageError, match="name"):
        from_json(Intent, request)


def test_numbers_beyond_64_bits_are_refused():
    with pytest.raises(UsageError, match="expires_in_ms"):
        from_json(Intent, {"type": "invite_contact", "expires_in_ms": 2**63})


@pytest.mark.parametrize("word", ["", "a" * 51, "a" * 53, "A" * 52, "1" * 52, "a" * 51 + "b", "é" * 52])
def test_an_id_has_one_spelling(word):
    with pytest.raises(UsageError, match="channel"):
        from_json(Intent, {"type": "leave_channel", "channel": word})


def test_true_is_no_number_and_one_is_no_truth():
    with pytest.raises(UsageError):
        from_json(int, True)
    with pytest.raises(UsageError):
        from_json(bool, 1)


def _all_errors(kind=MultichatError):
    for sub in kind.__subclasses__():
        if sub.__module__ == errors.__name__:
            yield sub
            yield from _all_errors(sub)


PLAIN_ERRORS = [kind for kind in _all_errors() if kind not in (errors.StoreError, IntentRefused)]


@pytest.mark.parametrize("kind", PLAIN_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_is_rebuilt_with_its_words_and_exit_code(kind):
    back = error_from_json(to_and_from_text(error_to_json(kind("What happened.", "What to do."))))
    assert type(back) is kind
    assert (back.message, back.advice, back.exit_code) == ("What happened.", "What to do.", kind.exit_code)


@pytest.mark.parametrize("reason", Refusal)
def test_refusals_keep_their_reason(reason):
    back = error_from_json(to_and_from_text(error_to_json(IntentRefused(reason, "No.", "Do this."))))
    assert type(back) is IntentRefused
    assert (back.reason, back.message, back.advice) == (reason, "No.", "Do this.")
    assert error_from_json(error_to_json(NotFound("None."))).reason is Refusal.UNKNOWN


@FEW
@given(garbage=JSON)
def test_any_error_object_becomes_an_error(garbage):
    assert isinstance(error_from_json(garbage), MultichatError)
    assert isinstance(error_from_json({"code": garbage, "message": garbage, "reason": garbage}), MultichatError)


def test_events_carry_their_snake_case_name():
    assert type_name(MessageAdded) == "message_added"


def to_and_from_text(value):
    return json.loads(json.dumps(value))
