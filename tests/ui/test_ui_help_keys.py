"""Every action: in the help, with a key, done by something; keys as plain terminals send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seat import Sit, until
from textual import events
from textual._xterm_parser import XTermParser
from twin import TwinNode, channel_id, populated

from multichat_tui.node.api.launch import ProfileState
from multichat_tui.ui.actions import ACTIONS, KEYS, Scope, key_name, keymap
from multichat_tui.ui.keys import SEQUENCES, GuardedParser, PasteGuard, teach_parser
from multichat_tui.ui.panel import help_page

DEV = channel_id("dev")


@pytest.mark.parametrize("scope", list(Scope))
def test_the_help_lists_every_action_with_its_keys_the_focused_pane_first(scope: Scope) -> None:
    page = help_page(scope)
    text = "\n".join(page.lines)
    for action in ACTIONS:
        assert any(action.title in line and key_name(action.keys[0]) in line for line in page.lines), action.id
    assert "(here)" in page.lines[0]
    assert text.count("(here)") == 1


def test_ids_are_unique_and_no_key_stands_for_two_actions_of_a_scope() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for scope in Scope:
        keys = [key for action in ACTIONS if action.scope is scope for key in action.keys]
        assert len(keys) == len(set(keys)) == len(KEYS[scope])


def test_a_key_can_be_rebound_by_the_id_of_its_action() -> None:
    made = keymap({"channel.next": ("f9",)})
    assert made[Scope.ANYWHERE]["f9"] == "channel.next"
    assert "ctrl+n" not in made[Scope.ANYWHERE]


@pytest.mark.parametrize(("size", "focus"), [((80, 24), "Writing"), ((120, 40), "Writing"), ((40, 10), "Writing")])
async def test_f1_shows_the_help_of_the_focused_pane(sit: Sit, size: tuple[int, int], focus: str) -> None:
    async with sit(populated(), size=size) as seat:
        await seat.opened(DEV)
        await seat.press("f1")
        await seat.sees(f"{focus}  (here)")
        await seat.press("pagedown", "j", "k", "escape", "shift+up", "f1")
        await seat.sees("Timeline cursor  (here)")
        await seat.press("escape")
        await until(lambda: seat.app.screen is seat.main)


async def test_every_action_is_done_by_something(sit: Sit) -> None:
    async with sit(populated(), size=(120, 40)) as seat:
        await seat.opened(DEV)
        main = seat.main
        seat.launcher.passphrase = None  # a lock does not open for Escape
        for action in ACTIONS:
            if action.scope is Scope.ANYWHERE and action.id != "quit":
                main.perform(action.id)
            elif action.scope is Scope.COMPOSER:
                main.composer.load("some words", main.composer.place)
                assert main.composer.perform(action.id)
            elif action.scope is Scope.TIMELINE:
                main.timeline.focus()
                main.timeline.perform(action.id)
            elif action.scope is Scope.LISTS:
                main.channels.perform(action.id)
            await seat.pilot.pause()
            while seat.app.screen is not main:
                await seat.press("escape")


async def test_a_printable_key_goes_to_the_composer_when_nothing_else_uses_it(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await seat.sees("Welcome")
        await seat.press("h", "i")
        assert seat.main.composer.text == "hi"


@pytest.mark.parametrize(("sequence", "key"), list(SEQUENCES.items()))
def test_escape_and_a_character_is_alt_at_once(sequence: str, key: str) -> None:
    teach_parser()
    parser = XTermParser()
    read = [event.key for event in parser.feed(sequence) if isinstance(event, events.Key)]
    assert read == [key]


@pytest.mark.parametrize(
    ("sequence", "key"),
    [
        ("\x1b[1;3A", "alt+up"),
        ("\x1b[1;3H", "alt+home"),
        ("\x1b[1;2A", "shift+up"),
        ("\x1b[1;5A", "ctrl+up"),
        ("\x1bOP", "f1"),
        ("\x1b[5~", "pageup"),
        ("\r", "enter"),
        ("\n", "ctrl+j"),
        ("\x1f", "ctrl+underscore"),
        ("\x1b[49;3u", "alt+1"),
        ("\x1b[13;2u", "shift+enter"),
    ],
)
def test_the_patch_leaves_other_sequences_alone(sequence: str, key: str) -> None:
    teach_parser()
    parser = XTermParser()
    read = [event.key for event in parser.feed(sequence) if isinstance(event, events.Key)]
    assert read == [key]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize("inner", ["one\x1b1two\rthree", "\x1b[20\x1b[200~\r", "a\x1b\x1b\rb", "x\x1b[20", "\x1b"])
def test_a_paste_with_escapes_in_it_is_one_paste_and_presses_no_key(inner: str, size: int) -> None:
    teach_parser()
    parser = GuardedParser()
    stream = f"a\x1b[200~{inner}\x1b[201~z"
    read = [event for at in range(0, len(stream), size) for event in parser.feed(stream[at : at + size])]
    assert [event.text for event in read if isinstance(event, events.Paste)] == [inner.replace("\x1b", "")]
    assert [event.key for event in read if isinstance(event, events.Key)] == ["a", "z"]


@given(st.text(alphabet="\x1b[20~1a", max_size=30), st.integers(1, 9))
def test_the_guard_changes_nothing_outside_of_pastes(text: str, size: int) -> None:
    guard = PasteGuard()
    cleaned = "".join(guard.clean(text[at : at + size]) for at in range(0, len(text), size))
    before = text.partition("\x1b[200~")[0]
    assert cleaned.startswith(before)
    assert cleaned == text or "\x1b[200~" in text


async def test_closing_a_panel_twice_closes_nothing_else(sit: Sit) -> None:
    async with sit(TwinNode(), state=ProfileState.NEW) as seat:
        await seat.press(*"jo", "enter", "enter", "enter")
        await seat.sees("Write these 24 words down")
        number = int(seat.text.split("Type word ")[1].split()[0])
        await seat.press(*f"word{number}", "enter")
        await until(lambda: seat.app.screen is seat.main)
        await seat.press("f1")
        await seat.sees("(here)")
        panel = seat.app.screen
        for _ in range(3):
            panel.post_message(events.Key("escape", None))
        await until(lambda: seat.app.screen is seat.main)
        await seat.pilot.pause()
        assert seat.app.screen is seat.main
