"""Safe text and names, case by case."""

import pytest

from multichat_tui.model.ids import UserId, fingerprint, short
from multichat_tui.model.lookalikes import skeleton
from multichat_tui.model.text import clean_name, describe_ms, display_names, duration, mentions, visible

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "two\nlines",
        "Grüße, Привет, γειά, 你好, 안녕, שלום",
        "हिन्दी क्‍ष",  # a joiner after a virama
        "می‌خواهم",  # a non-joiner between Arabic letters
        "👨‍👩‍👧‍👦 ❤️ 1️⃣ 🏳️‍🌈 👍🏽 🇩🇪",
        ENGLAND,
        "葛󠄀城",  # an ideograph with its variant
        "Z͑̓a",
        "a\u00a0b\u3000c",
    ],
)
def test_text_of_the_world_is_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("\x1b[31mred\x1b]0;title\x07", "␛[31mred␛]0;title␇"),
        ("\x9b31m", "\\u{9b}31m"),
        ("a\tb", "a    b"),
        ("a\r\nb\rc", "a\nb␍c"),
        ("\x00\x7f\x85", "␀␡\\u{85}"),
        ("\u202etxt.exe", "\\u{202e}txt.exe"),
        ("\u2066a\u2069\u200e\u061c", "\\u{2066}a\\u{2069}\\u{200e}\\u{61c}"),
        ("a\u2028b\u2029c", "a\\u{2028}b\\u{2029}c"),
        ("\ufeffa\u00adb\u200bc", "\\u{feff}a\\u{ad}b\\u{200b}c"),
        ("pay\u200dpal", "pay\\u{200d}pal"),
        ("1\u200d2", "1\\u{200d}2"),
        ("a\ufe0f", "a\\u{fe0f}"),
        ("\ue000\U000f0000\ud800\uffff", "\\u{e000}\\u{f0000}\\u{d800}\\u{ffff}"),
        ("\u3164\u115f\u034f", "\\u{3164}\\u{115f}\\u{34f}"),
        ("\U0001f3f4\U000e0078\U000e007f", "\U0001f3f4\\u{e0078}\\u{e007f}"),
        ("H" + "\u0335" * 40 + "i", "H" + "\u0335" * 4 + "i"),
        ("\u0301\n\u0301", "◌\u0301\n◌\u0301"),
        ("क" + "\u094d\u200d" * 9, "क" + "\u094d\u200d" * 4 + "\\u{200d}" + "\u094d\u200d" * 4),
    ],
)
def test_what_could_deceive_is_shown(text: str, drawn: str) -> None:
    assert visible(text) == drawn
    assert visible(drawn) == drawn


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada   Lovelace \n", "Ada Lovelace"),
        ("A\u030angstro\u0308m", "Ångström"),
        ("小林", "小林"),
        ("a" * 48, "a" * 48),
        ("🦊", "🦊"),
        ("~home", "~home"),
        ("C++", "C++"),
    ],
)
def test_a_name_is_kept_in_its_one_form(text: str, name: str) -> None:
    assert clean_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a" * 49,
        "a" * 10_000,
        "a\nb",
        "a\tb",
        "#general",
        "@ada",
        "/quit",
        "+v",
        "＃general",
        "\x1b[1mada",
        "ada\u202e",
        "\u3164",
        "\u2800",
        "\u0301",
        "a\u00a0b",
        "ada~x7ab",
        "ada～x7ab",
        "ada ∼x7ab",
        "\ud800",
        "e" + "\u0301" * 6,
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    assert clean_name(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "alice"),
        ("alice", "\u0430lice"),
        ("ALICE", "\u0391LICE"),
        ("Alice", "A1ice"),
        ("Alice", "AIice"),
        ("bob", "b0b"),
        ("modern", "modem"),
        ("wendy", "vvendy"),
        ("zoe", "zoë"),
        ("admin", "ａｄｍｉｎ"),
        ("admin", "𝐚𝐝𝐦𝐢𝐧"),
        ("scope", "ѕсоре"),
        ("O'Hara", "O’Hara"),
        ("a-b", "a–b"),
        ("straße", "STRASSE"),
        ("paypal", "pay\u200dpal"),
        ("TOM", "\u13a2O\u13b7"),
    ],
)
def test_look_alikes_share_a_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"), [("ada", "adam"), ("bob", "rob"), ("a b", "ab"), ("小林", "小森"), ("иван", "ivan"), ("n", "h")]
)
def test_names_that_differ_to_the_eye_keep_apart(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def user(first: int, second: int = 0) -> UserId:
    return UserId(bytes((first, second)) * 16)


def test_look_alikes_both_get_their_key() -> None:
    ada, false_ada, bob = user(1), user(2), user(3)
    shown = display_names({ada: "Ada", false_ada: "\u0410da", bob: "Bob"})
    assert shown == {ada: f"Ada~{short(ada)[:4]}", false_ada: f"\u0410da~{short(false_ada)[:4]}", bob: "Bob"}


def test_keys_made_to_begin_alike_are_shown_further() -> None:
    ada = UserId(bytes(31) + b"\x01")
    false_ada = UserId(bytes(31) + b"\x02")
    assert display_names({ada: "ada", false_ada: "ada"}) == {
        person: f"ada~{fingerprint(person).replace(' ', '')}" for person in (ada, false_ada)
    }


def test_nobody_can_call_themselves_what_another_is_shown_as() -> None:
    ada, other, mallory = user(1), user(2), user(3)
    before = display_names({ada: "ada", other: "Ada"})
    after = display_names({ada: "ada", other: "Ada", mallory: before[ada]})
    assert after[ada] == before[ada]
    assert after[mallory] == short(mallory)
    nameless = display_names({ada: ""})
    both = display_names({ada: "", mallory: nameless[ada]})
    assert both == {ada: f"{short(ada)}~{short(ada)[:4]}", mallory: f"{short(ada)}~{short(mallory)[:4]}"}


@pytest.mark.parametrize(
    ("text", "name", "meant"),
    [
        ("hey @Ada!", "ada", True),
        ("ADA, look", "Ada", True),
        ("adamant", "ada", False),
        ("@adam", "ada", False),
        ("mail x@ada.example", "ada", False),
        ("ada", "", False),
        ("say C++ again", "C++", True),
        ("see Ada Lovelace there", "ada lovelace", True),
        ("a.c", "abc", False),
        ("STRASSE", "straße", True),
        ("cafe\u0301 opens", "café", True),
        ("@🦊 hi", "🦊", True),
    ],
)
def test_a_mention_is_the_name_as_a_word(text: str, name: str, meant: bool) -> None:
    assert mentions(text, name) is meant


@pytest.mark.parametrize(
    ("text", "length_ms"),
    [("90s", 90_000), ("15m", 900_000), ("1h", 3_600_000), (" 7D ", 604_800_000), ("2 w", 1_209_600_000)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length_ms: int) -> None:
    assert duration(text) == length_ms


@pytest.mark.parametrize("text", ["", "1", "h", "0s", "-1h", "1.5h", "1h30m", "1y", "٣h", "9" * 15 + "w", "9" * 400 + "s"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert duration(text) is None


@pytest.mark.parametrize(
    ("ms", "told"),
    [(0, "0s"), (350, "350ms"), (90_000, "1m 30s"), (3_600_000, "1h"), (3_605_000, "1h"), (604_800_000, "1w"), (-5_000, "-5s")],
)
def test_a_length_of_time_is_told_in_two_units(ms: int, told: str) -> None:
    assert describe_ms(ms) == told
