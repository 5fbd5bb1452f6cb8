"""Text that strangers choose: what is drawn is safe, and nobody's shown name can be taken for another's."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from model_strategies import ids

from multichat_tui.model.limits import MAX_NAME_CHARACTERS
from multichat_tui.model.lookalikes import skeleton
from multichat_tui.model.text import MAX_JOINERS, MAX_MARKS, clean_name, describe_ms, display_names, duration, mentions, visible

NASTY = (
    "\0\x07\x1b\x7f\x80\x9b\t\r\n ab1#~@"
    "\u00ad\u0301\u034f\u0488\u05bf\u061c\u0628\u064e\u06cc\u0915\u094d\u115f\u180e\u200b\u200c\u200d\u200e\u202e\u2028\u2029\u2066"
    "\u20dd\u20e3\u25cc\u2764\u2800\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff9\ufffe\ue000\ud800\udfff"
    "\U0001f1e6\U0001f3f4\U0001f3fb\U0001f468\U0001faff\U000e0001\U000e0067\U000e0062\U000e007f\U000e0100\U000e01ef\u8fbb\U0010ffff"
)
nasty_text = st.one_of(
    st.text(st.sampled_from(NASTY), max_size=30),
    st.text(max_size=30),
    st.text(st.one_of(st.sampled_from(NASTY), st.characters()), max_size=30),
)
KEPT_FORMATS = {"\u200c", "\u200d", *(chr(0xE0000 + code) for code in range(0x20, 0x80))}


@settings(max_examples=1500)
@given(nasty_text)
def test_what_is_drawn_has_no_control_characters_and_stays_as_it_is(text: str) -> None:
    drawn = visible(text)
    assert visible(drawn) == drawn
    for char in drawn:
        category = unicodedata.category(char)
        assert char == "\n" or category not in ("Cc", "Zl", "Zp", "Cs", "Co", "Cn"), ascii(drawn)
        assert category != "Cf" or char in KEPT_FORMATS, ascii(drawn)


@settings(max_examples=1500)
@given(nasty_text)
def test_marks_neither_pile_up_nor_stand_alone(text: str) -> None:
    marks = 0
    before = "\n"
    for char in visible(text):
        selector = "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0100"
        if unicodedata.category(char) in ("Mn", "Me") and not selector:
            marks += 1
            assert marks <= MAX_MARKS
            assert before != "\n"
        elif char not in "\u200c\u200d" and not selector:
            marks = 0
        before = char


@settings(max_examples=500)
@given(nasty_text, nasty_text)
def test_joiners_stand_only_between_what_they_join(one: str, other: str) -> None:
    drawn = visible(one + "\u200d" + other)
    for at, char in enumerate(drawn):
        if char not in "\u200c\u200d":
            continue
        before = drawn[at - 1]
        joined = drawn[at + 1 : at + 2]
        assert unicodedata.combining(before) == 9 or (joined and (before > "\u0600" or before == "\ufe0f") and joined > "\u0600")


def test_a_chain_of_joined_emoji_ends() -> None:
    drawn = visible("\u200d".join("\U0001f468" * 20))
    assert drawn.count("\u200d") < 20
    assert max(len(part) for part in drawn.split("\\u{200d}")) == 2 * MAX_JOINERS + 1


@settings(max_examples=1500)
@given(nasty_text)
def test_a_name_that_may_be_chosen_is_short_visible_and_stays_itself(text: str) -> None:
    name = clean_name(text)
    if name is not None:
        assert clean_name(name) == name
        assert visible(name) == name
        assert 1 <= len(name) <= MAX_NAME_CHARACTERS
        assert name == name.strip()
        assert "\n" not in name
        assert name[0] not in "#@/+"
        assert skeleton(name)


@given(st.text(st.characters(max_codepoint=126), max_size=30))
def test_plain_letters_have_the_same_skeleton_by_the_short_way(text: str) -> None:
    """An invisible character sends the text the long way round, and leaves nothing of itself."""
    assert skeleton(text) == skeleton(text + "\u200b")


words = st.sampled_from(
    [
        "alice",
        "Alice",
        "\u0410lice",
        "a1ice",
        "AL\u0456CE",
        "bob",
        "b0b",
        "bob~",
        "bob~aaaa",
        "",
        " ",
        "\u202ebob",
        "#bob",
        "modem",
        "modern",
    ]
)


@settings(max_examples=500)
@given(st.dictionaries(ids(), st.one_of(words, nasty_text), max_size=6), st.data())
def test_no_two_people_are_shown_alike(people: dict[bytes, str], data: st.DataObject) -> None:
    shown = display_names(people)
    assert list(shown) == list(people)
    assert all(visible(name) == name and "\n" not in name and name for name in shown.values())
    assert len({skeleton(name) for name in shown.values()}) == len(people)
    if shown:
        # Somebody joins who calls themselves exactly what another is shown as, or whose key begins the same.
        victim = data.draw(st.sampled_from(sorted(people)))
        rival = victim[:5] + data.draw(ids())[5:]
        everybody = display_names({**people, rival: shown[victim]})
        assert len({skeleton(name) for name in everybody.values()}) == len({*people, rival})


@given(st.one_of(words, nasty_text).filter(lambda text: clean_name(text) is not None))
def test_whoever_has_no_look_alike_is_shown_by_the_chosen_name(text: str) -> None:
    assert display_names({b"a" * 32: text}) == {b"a" * 32: clean_name(text)}


@given(nasty_text, nasty_text)
def test_a_name_between_spaces_is_a_mention(name: str, rest: str) -> None:
    cleaned = clean_name(name)
    if cleaned is not None:
        assert mentions(f"{rest} @{cleaned} {rest}", cleaned)
        assert mentions(f"{rest} {cleaned.upper()}", cleaned.upper())


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    length_ms = duration(text)
    assert length_ms is None or length_ms > 0


@given(st.integers(1, 10_000), st.sampled_from("smhdw"))
def test_a_length_of_time_is_told_to_within_a_seventh(count: int, unit: str) -> None:
    length_ms = duration(f"{count}{unit}")
    assert length_ms is not None
    told_ms = [duration(part) for part in describe_ms(length_ms).split()]
    assert 1 <= len(told_ms) <= 2
    assert 0 <= length_ms - sum(ms or 0 for ms in told_ms) < length_ms / 7


def test_every_code_point_of_the_planes_in_use_can_be_drawn() -> None:
    """Each alone, and after an emoji."""
    for first in (*range(0, 0x20000, 0x1000), 0x3F000, 0xE0000, 0xF0000, 0x10F000):
        for before in ("", "\u2764"):
            drawn = visible("\n".join(before + chr(code) for code in range(first, first + 0x1000)))
            assert visible(drawn) == drawn
            kept = KEPT_FORMATS | {"\n"}
            assert all(char.isprintable() or char in kept or unicodedata.category(char) == "Zs" for char in drawn)
