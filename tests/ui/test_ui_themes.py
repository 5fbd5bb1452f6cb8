"""Themes: text that stands out, the user's own, what a terminal can show, trying one before it is taken."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.color import Color
from rich.style import Style
from seat import Sit, until
from twin import channel_id, populated

from multichat_tui.model.intents import ChangeSetting
from multichat_tui.node.api.settings import find_setting
from multichat_tui.ui.own_themes import STYLES, own_themes, parse_style
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.picker import PickerScreen
from multichat_tui.ui.preferences import Look
from multichat_tui.ui.themes import DARK, DESCRIBED, LIGHT, MONO, TERMINAL, THEMES, choose

DEV = channel_id("dev")
AA = 4.5
"""WCAG 2.2, success criterion 1.4.3."""
TEXTS = ("dim", "strong", "accent", "own", "good", "warn", "bad", "unread", "mention", "link")
TRUE_COLOUR = [name for name, palette in THEMES.items() if not palette.native]


def luminance(colour: Color) -> float:
    def linear(value: int) -> float:
        part = value / 255
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = colour.get_truecolor()
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def contrast(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    light, dark = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def drawn_styles(palette: Palette) -> Iterator[tuple[str, Style]]:
    """Every combination of text and what is behind it that the screens draw."""
    texts = (
        [(name, getattr(palette, name)) for name in TEXTS] + [("name", style) for style in palette.names] + [("plain", Style())]
    )
    for ground in ("ground", "side", "bar", "panel"):
        for name, style in texts:
            yield f"{name} on {ground}", getattr(palette, ground) + style
    for ground in ("ground", "panel", "side"):
        for name, style in texts:
            yield f"selected {name} on {ground}", getattr(palette, ground) + palette.selected + style
    for name, style in texts:
        yield f"current {name}", palette.side + style + palette.current
    yield "caret", palette.ground + palette.caret
    yield "marked", palette.ground + palette.marked


def test_the_measure_is_that_of_the_standard() -> None:
    assert contrast(Style(color="#000000", bgcolor="#ffffff")) == pytest.approx(21)
    assert contrast(Style(color="#777777", bgcolor="#ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", TRUE_COLOUR)
def test_every_text_stands_out_from_what_is_behind_it(name: str) -> None:
    weak = {what: round(contrast(style), 2) for what, style in drawn_styles(THEMES[name]) if contrast(style) < AA}
    assert weak == {}


def test_every_theme_can_be_set_and_is_described() -> None:
    assert set(find_setting("look").allowed) == {str(look) for look in Look} == set(DESCRIBED) == {*THEMES, "auto"}


@pytest.mark.parametrize(
    ("look", "no_color", "colours", "expected", "told"),
    [
        ("auto", False, 1 << 24, DARK, ""),
        ("auto", False, 256, DARK, ""),
        ("auto", False, 16, TERMINAL, ""),
        ("auto", True, 1 << 24, MONO, ""),
        ("auto", False, 0, MONO, ""),
        ("light", False, 256, LIGHT, ""),
        ("light", False, 16, TERMINAL, "light needs 256 colours"),
        ("light", True, 1 << 24, MONO, "light needs colours"),
        ("mono", False, 1 << 24, MONO, ""),
        ("terminal", False, 1 << 24, TERMINAL, ""),
        ("drak", False, 1 << 24, DARK, "Did you mean 'dark'?"),
    ],
)
def test_a_terminal_gets_what_it_can_show_and_is_told_why(
    look: str, no_color: bool, colours: int, expected: Palette, told: str
) -> None:
    palette, why = choose(look, {}, no_color=no_color, colours=colours)
    assert palette is expected
    assert told in why
    assert bool(why) == bool(told)


def test_an_own_theme_replaces_styles_of_its_base() -> None:
    made, complaints = own_themes({"mine": {"base": "light", "accent": "bold #aa0000", "names": ["red", "#00aa00"]}}, "c.toml")
    assert complaints == ()
    assert made["mine"].accent == Style.parse("bold #aa0000")
    assert made["mine"].ground == LIGHT.ground
    assert len(made["mine"].names) == 2


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"mine": {"acent": "red"}}, "c.toml: themes.mine: there is no style 'acent'. Did you mean 'accent'?"),
        ({"mine": {"accent": "rad"}}, "c.toml: themes.mine.accent: 'rad' is no style"),
        ({"mine": {"accent": 7}}, "c.toml: themes.mine.accent: '7' is no style"),
        ({"mine": {"accent": "link https://evil.example"}}, "is no style"),
        ({"mine": {"accent": "red\x1b[2J"}}, "is no style"),
        ({"mine": {"base": "lihgt"}}, "c.toml: themes.mine.base: there is no theme 'lihgt'. Did you mean 'light'?"),
        ({"mine": {"base": ["dark"]}}, "c.toml: themes.mine.base"),
        ({"mine": {"names": []}}, "c.toml: themes.mine.names needs a list"),
        ({"mine": {"names": ["red", 1]}}, "c.toml: themes.mine.names needs a list"),
        ({"mine": "red"}, "c.toml: themes.mine needs a table"),
        ({"dark": {}}, "c.toml: themes.dark: a theme's name"),
        ({"A B": {}}, "a theme's name"),
    ],
)
def test_a_fault_in_an_own_theme_names_file_key_and_the_nearest_and_spoils_nothing_else(
    table: dict[str, object], told: str
) -> None:
    made, complaints = own_themes(table, "c.toml")
    assert len(complaints) == 1
    assert told in complaints[0]
    assert complaints[0].isprintable()
    for palette in made.values():
        assert replace(palette, name=DARK.name) in (DARK, LIGHT)


def test_every_style_can_be_set() -> None:
    made, complaints = own_themes({"mine": dict.fromkeys(STYLES, "bold #123456 on #abcdef")}, "c.toml")
    assert complaints == ()
    assert all(getattr(made["mine"], name) == parse_style("bold #123456 on #abcdef") for name in STYLES)


async def test_a_theme_is_shown_before_it_is_taken_and_escape_brings_the_old_one_back(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24), themes={"mine": {"base": "light"}}) as seat:
        await seat.opened(DEV)
        await seat.write("/theme")
        await seat.press("enter")
        await until(lambda: isinstance(seat.app.screen, PickerScreen))
        await seat.press("u", "p", "backspace", "backspace", *"mine")
        await until(lambda: seat.app.palette.name == "own-mine")
        await seat.press("escape")
        await until(lambda: seat.app.palette is DARK)
        assert not any(isinstance(intent, ChangeSetting) and intent.key == "ui.look" for intent in seat.node.intents)


async def test_a_theme_that_is_taken_is_kept(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        await seat.write("/theme light")
        await seat.press("enter")
        await until(lambda: ChangeSetting(key="ui.look", value="light") in seat.node.intents)
        await seat.sees("The theme is light.")
        assert seat.app.palette is LIGHT
        await until(lambda: seat.app.preferences.look == "light")
        await seat.write("/theme lihgt")
        await seat.press("enter")
        await seat.sees("Did you mean 'light'?")
        assert seat.app.palette is LIGHT


async def test_a_theme_that_is_not_there_any_more_falls_back_and_says_so(sit: Sit) -> None:
    node = populated()
    node.stored_settings["ui.look"] = "gone"
    async with sit(node, size=(120, 24)) as seat:
        await seat.opened(DEV)
        await seat.sees("There is no theme 'gone'")
        assert seat.app.palette is DARK


async def test_a_broken_file_is_told_once_the_screens_are_there(sit: Sit) -> None:
    async with sit(populated(), size=(120, 24), themes={"x": {"acent": "red"}}, keys={"hlep": "F2"}) as seat:
        await seat.sees("config.toml: themes.x: there is no style 'acent'. Did you mean 'accent'? (1 more)")


async def test_no_color_in_the_environment_takes_the_colours(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with sit(populated()) as seat:
        await seat.sees("#dev")
        assert seat.app.palette is MONO
        colours = {segment.style.color for line in seat.main.timeline.lines() for segment in line.strip if segment.style}
        assert colours == {None}
