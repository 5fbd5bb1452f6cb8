"""QR codes of links: what is drawn is read back module by module."""

import pytest
from api_twin import ApiTwin

from multichat_tui.model.errors import UsageError
from multichat_tui.model.intents import InviteContact
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.qr import QUIET_MODULES, needs, qr_code

LINK = "multichat:pair/" + "Ab3-_" * 30


def read(lines: tuple[str, ...], *, ascii_only: bool) -> list[list[bool]]:
    """The modules of a drawing."""
    if ascii_only:
        return [[line[n : n + 2] == "##" for n in range(0, len(line), 2)] for line in lines]
    rows: list[list[bool]] = []
    for line in lines:
        rows.append([char in "▀█" for char in line])
        rows.append([char in "▄█" for char in line])
    return rows


@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_module_is_drawn_with_a_quiet_zone_around(ascii_only):
    code = qr_code(LINK)
    size = len(code.modules)
    drawn = read(code.lines(ascii_only=ascii_only), ascii_only=ascii_only)[:size]
    assert drawn == [list(row) for row in code.modules]
    assert all(len(row) == size for row in drawn)
    edge = [*drawn[:QUIET_MODULES], *drawn[-QUIET_MODULES:], *([*row[:QUIET_MODULES], *row[-QUIET_MODULES:]] for row in drawn)]
    assert not any(any(row) for row in edge)
    finder = [row[QUIET_MODULES : QUIET_MODULES + 7] for row in drawn[QUIET_MODULES : QUIET_MODULES + 7]]
    assert finder[0] == [True] * 7
    assert finder[1] == [True, False, False, False, False, False, True]
    assert finder[3] == [True, False, True, True, True, False, True]


def test_white_space_does_not_matter_and_what_is_too_long_or_nothing_is_refused():
    assert qr_code(LINK) == qr_code(LINK[:20] + "\n  " + LINK[20:])
    assert qr_code(LINK) != qr_code(LINK + "x")
    for text in ("", " \n", "x" * 5000):
        with pytest.raises(UsageError):
            qr_code(text)


def test_a_drawing_says_what_room_it_needs():
    size = len(qr_code(LINK).modules)
    assert needs(qr_code(LINK).lines()) == (size, (size + 1) // 2)
    assert needs(qr_code(LINK).lines(ascii_only=True)) == (2 * size, size)


async def test_the_command_draws_the_link_given_or_a_new_one_and_nothing_else():
    api = ApiTwin()
    outcome = await run_command(api, None, f"/qr {LINK}")
    assert outcome.qr == LINK
    assert api.intents == []
    assert (await run_command(api, None, "/qr")).qr == "multichat:pair/abc"
    assert api.intents == [InviteContact()]
    with pytest.raises(UsageError):
        await run_command(api, None, "/qr hello")
