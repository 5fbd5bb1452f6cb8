"""Rebinding: keys as people write them, presets, the file's keys, conflicts, and what cannot be lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seat import Seat, Sit, until
from twin import channel_id, populated

from multichat_tui.model.intents import ChangeSetting
from multichat_tui.ui.actions import ACTIONS, BY_ID, KEYS, Scope, key_name, keymap, wear
from multichat_tui.ui.keyboard import (
    KEPT,
    MAIN_SCOPES,
    PRESETS,
    checked_keys,
    file_bindings,
    find_action,
    hidden_by,
    is_text,
    keyboard,
    parse_key,
    sent_everywhere,
)

DEV, LOBBY = channel_id("dev"), channel_id("lobby")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ctrl+K", "ctrl+k"),
        ("ctrl-k", "ctrl+k"),
        ("C-k", "ctrl+k"),
        ("M-x", "alt+x"),
        ("Alt+/", "alt+slash"),
        ("F9", "f9"),
        ("PgUp", "pageup"),
        ("C-x C-e", "ctrl+x ctrl+e"),
        ("G", "G"),
        (":", "colon"),
        ("Ctrl+Shift+Up", "ctrl+shift+up"),
        ("Shift+Tab", "shift+tab"),
        ("", None),
        ("Ctrl+", None),
        ("Hyper+x", None),
        ("Ctrl+Ctrl+x", None),
        ("Shift+a", None),
        ("F13", None),
        ("a b c", None),
        ("Ctrl+nonsense", None),
    ],
)
def test_keys_are_read_as_people_write_them(text: str, key: str | None) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_the_name_of_every_key_reads_back_as_that_key(action: object) -> None:
    for key in action.keys:
        assert parse_key(key_name(key)) == key


@given(st.text(max_size=40))
def test_no_text_makes_a_key_that_is_none(text: str) -> None:
    key = parse_key(text)
    assert key is None or parse_key(key_name(key)) == key


@pytest.mark.parametrize("action", [a for a in ACTIONS if a.keys], ids=lambda action: action.id)
def test_every_action_has_a_default_key_that_plain_tmux_sends(action: object) -> None:
    assert any(sent_everywhere(key) for key in action.keys)


@pytest.mark.parametrize(
    "key", ["ctrl+i", "ctrl+m", "shift+enter", "ctrl+1", "ctrl+enter", "ctrl+shift+up", "ctrl+alt+x", "shift+f1"]
)
def test_keys_that_plain_terminals_cannot_send_are_known(key: str) -> None:
    assert not sent_everywhere(key)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_actions_that_there_are_with_keys_that_are_sent(name: str) -> None:
    made = keyboard(name)
    assert [told for told in made.complaints if "cannot send" in told or "stays with" in told] == []
    for identifier, keys in PRESETS[name].items():
        assert identifier in BY_ID
        assert all(sent_everywhere(key) for key in keys)
        assert checked_keys(BY_ID[identifier], tuple(key_name(key) for key in keys)) == keys


def test_emacs_gives_readlines_keys_back_to_the_line() -> None:
    keys = keyboard("emacs").keys
    assert keys[Scope.COMPOSER]["ctrl+k"] == "erase.line-right"
    assert keys[Scope.COMPOSER]["ctrl+p"] == "up"
    assert keys[Scope.ANYWHERE]["alt+x"] == "palette"


_IDS = [action.id for action in ACTIONS]
_ANY_KEYS = sorted({key for action in ACTIONS for key in action.keys} | {"f12", "ctrl+i", "a", "ctrl+shift+up"})


@given(
    st.sampled_from(sorted(PRESETS)),
    st.dictionaries(st.sampled_from(_IDS), st.lists(st.sampled_from(_ANY_KEYS), max_size=3).map(tuple), max_size=12),
)
def test_whatever_is_bound_help_quit_and_the_palette_can_be_reached(preset: str, bound: dict[str, tuple[str, ...]]) -> None:
    keys = keyboard(preset, bound).keys
    for kept in KEPT:
        reaching = [key for key, action in keys[Scope.ANYWHERE].items() if action == kept]
        assert any(sent_everywhere(key) and not is_text(key) and hidden_by(keys, key) is None for key in reaching)
    for scope in MAIN_SCOPES:
        assert all(identifier in BY_ID and BY_ID[identifier].scope is scope for identifier in keys[scope].values())


def test_what_the_user_binds_takes_a_key_from_who_had_it_and_it_is_named() -> None:
    made = keyboard("default", {"channel.last": ("ctrl+n",)})
    assert made.keys[Scope.ANYWHERE]["ctrl+n"] == "channel.last"
    assert "Ctrl+N is taken by channel.last, and not channel.next any more" in made.complaints


def test_the_files_table_is_read_with_dotted_keys_lists_and_a_preset() -> None:
    table = {"preset": "vim", "channel": {"next": ["F7", "Ctrl+N"]}, "view.first": "Alt+Home"}
    preset, bindings, complaints = file_bindings(table, "c.toml")
    assert (preset, complaints) == ("vim", ())
    assert bindings == {"channel.next": ("f7", "ctrl+n"), "view.first": ("alt+home",)}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"chanel.next": "F9"}, "c.toml: keys.chanel.next: There is no action 'chanel.next'. Did you mean 'channel.next'?"),
        ({"help": "F99"}, "c.toml: keys.help: 'F99' is no key"),
        ({"help": 7}, "c.toml: keys.help needs a key"),
        ({"help": ["F2", 7]}, "c.toml: keys.help needs a key"),
        ({"send": "a"}, "is text where send works"),
        ({"help": "C-x C-h"}, "two keys in a row"),
        ({"preset": "nano"}, "c.toml: keys.preset is one of default, emacs, vim"),
        ({"help": ["F2"] * 9}, "at most 6 keys"),
    ],
)
def test_a_fault_in_the_files_keys_names_file_key_and_the_nearest(table: dict[str, object], told: str) -> None:
    _, bindings, complaints = file_bindings(table, "c.toml")
    assert bindings == {}
    assert len(complaints) == 1
    assert told in complaints[0]


def test_an_action_is_found_by_its_id_in_any_case() -> None:
    assert find_action(" Channel.Next ") == BY_ID["channel.next"]
    assert "Did you mean 'palette'" in str(find_action("palete"))


async def command(seat: Seat, line: str) -> None:
    await seat.write(line)
    await seat.press("enter")


async def test_a_bound_key_works_at_once_and_help_and_palette_show_it(sit: Sit) -> None:
    async with sit(populated(), size=(120, 40)) as seat:
        await seat.opened(DEV)
        await command(seat, "/bind channel.next F12")
        await until(lambda: KEYS[Scope.ANYWHERE].get("f12") == "channel.next")
        assert "ctrl+n" not in KEYS[Scope.ANYWHERE]
        await seat.press("f12")
        await seat.opened(LOBBY)
        await seat.press("ctrl+p", *"next channel")
        await seat.sees("F12")
        await seat.press("escape")
        await command(seat, "/unbind channel.next")
        await until(lambda: KEYS[Scope.ANYWHERE].get("ctrl+n") == "channel.next")
        assert ChangeSetting(key="ui.bind.channel.next", value="f12") in seat.node.intents


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/bind chanel.next F9", "Did you mean 'channel.next'?"),
        ("/bind channel.next F99", "'F99' is no key"),
        ("/bind channel.next Ctrl+Enter", "is not sent by every terminal"),
        ("/bind channel.next F8 F7", "F7 was a key of channel.previous."),
        ("/bind channel.next F1", "F1 is the only key of help"),
        ("/bind channel.next Ctrl+U", "Ctrl+U does erase.line in its own pane."),
        ("/bind help none", "always has a key"),
        ("/unbind quit Ctrl+Q", "always has a key"),
        ("/unbind quit F12", "F12 is no key of quit"),
        ("/bind send", "send: Enter"),
    ],
)
async def test_bind_tells_what_it_does_or_why_not(sit: Sit, line: str, told: str) -> None:
    async with sit(populated(), size=(120, 40)) as seat:
        await seat.opened(DEV)
        await command(seat, line)
        await seat.sees(told)


async def test_bind_alone_lists_every_action_with_its_id(sit: Sit) -> None:
    async with sit(populated(), size=(120, 60)) as seat:
        await seat.opened(DEV)
        await command(seat, "/bind")
        await seat.sees("gives an action other keys")
        await seat.sees("channel.next")


async def test_a_preset_is_a_setting(sit: Sit) -> None:
    async with sit(populated(), size=(120, 40)) as seat:
        await seat.opened(DEV)
        await command(seat, "/set keys emacs")
        await until(lambda: KEYS[Scope.COMPOSER].get("ctrl+k") == "erase.line-right")
        await seat.write("one two")
        await seat.press("ctrl+a", "alt+f", "ctrl+k")
        assert seat.main.composer.text == "one"
        await seat.press("alt+x")
        await seat.sees("Commands and actions")


async def test_two_keys_in_a_row_are_one_binding_and_the_first_alone_does_nothing(sit: Sit) -> None:
    async with sit(populated(), size=(120, 40), keys={"erase": {"line": "C-x u"}}) as seat:
        await seat.opened(DEV)
        await seat.write("some words")
        await seat.press("ctrl+x", "a")
        assert seat.main.composer.text == "some wordsa"
        await seat.press("ctrl+x", "u")
        assert seat.main.composer.text == ""


def test_the_keys_in_force_can_be_worn_from_themselves() -> None:
    wear(KEYS)
    assert keymap() == KEYS
