"""A raid: fifty people come by one link and write, and a moderator at a terminal cleans up by less than ten keys."""

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from raiders import RAID_S
from terminal import Terminal
from test_partition_in_terminals import until_members
from test_typed_proofs import Seats

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(300)]

RAIDERS = Path(__file__).with_name("raiders.py")
PROCESSES, RAIDERS_EACH, MESSAGES_EACH = 2, 25, 5
PEOPLE = PROCESSES * RAIDERS_EACH
MESSAGES = PEOPLE * MESSAGES_EACH
HONEST = {"fay": "founder", "mia": "moderator", "bob": "member"}
COLUMNS, ROWS = 120, 40


def raiders_in(lines: list[str]) -> set[str]:
    """Who is said to be banned on a screen."""
    return set(re.findall(r"mia banned (raider\d+)", "\n".join(lines)))


class Keys:
    """What is pressed, counted: a key is one, also where it sends several bytes."""

    def __init__(self, screen: Terminal) -> None:
        self.screen = screen
        self.pressed: list[str] = []

    def press(self, *keys: str) -> None:
        self.pressed.extend(keys)
        self.screen.press(*keys)


@pytest.fixture
def seats(require: Callable[[bool, str], None]) -> Iterator[Seats]:
    require(shutil.which("tmux") is not None, "tmux is needed")
    base = Path(tempfile.mkdtemp(prefix="mc-raid-"))
    made = Seats(base)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(base, ignore_errors=True)


def sit_down(seats: Seats, name: str, link: str) -> Terminal:
    seats.homes.results(name, "init", "--name", name, "--no-passphrase")
    screen = seats.sit(name)
    screen.resize(COLUMNS, ROWS)
    screen.until_shows("Welcome")
    screen.enter(f"/join {link}")
    screen.until_shows("#plaza >")
    return screen


def rubbish(rows: list[dict[str, object]]) -> int:
    """How many of the raiders' texts there are."""
    return sum(str(row["text"]).startswith("buy ") for row in rows)


def raid(seats: Seats, link: str) -> None:
    """All of them come and write, until the honest ones have it."""
    started = []
    for number in range(PROCESSES):
        words = (link, str(number * RAIDERS_EACH), str(RAIDERS_EACH), str(MESSAGES_EACH), ",".join(HONEST))
        started.append(seats.homes.start([sys.executable, str(RAIDERS), *words]))
    for process in started:
        for _ in range(RAIDERS_EACH):
            process.until(lambda event: event["event"] == "written", RAID_S)


def test_fifty_raiders_are_cleaned_away_by_less_than_ten_keys_typed_into_a_terminal(seats: Seats) -> None:
    # fay has founded the channel and runs without a screen; mia is its moderator, bob a member.
    seats.homes.results("fay", "init", "--name", "fay", "--no-passphrase")
    seats.homes.node("fay", "--no-lan", "--listen", "127.0.0.1:0")
    seats.homes.results("fay", "channel", "create", "plaza")
    link = str(seats.homes.results("fay", "channel", "invite", "plaza", "--uses", "100")[0]["link"])
    mia, bob = sit_down(seats, "mia", link), sit_down(seats, "bob", link)
    until_members(mia, {"fay": "founder", "mia": "member", "bob": "member"})
    seats.homes.results("fay", "channel", "role", "plaza", "mia", "moderator")
    for screen in (mia, bob):
        until_members(screen, HONEST)
    bob.enter("how quiet it is here")
    mia.until_shows("how quiet it is here")

    raid(seats, link)
    bob.enter("who are all these people")
    mia.until_shows("who are all these people")
    for screen in (mia, bob):
        screen.until_shows(rf"/{PEOPLE + 3} online")
        screen.until_shows("buy raider")
    for name in ("mia", "bob"):
        seats.homes.until_results(name, ("log", "plaza", "-n", "1000"), lambda rows: rubbish(rows) == MESSAGES)

    keys = Keys(mia)
    keys.press("F2")
    mia.until_shows(rf"People \({PEOPLE + 2}\)")
    # All who came in the last hour but for bob, who came before them, after the founder: she is at the end.
    keys.press("a", "End", "Up", "Space", "K")
    mia.until_shows(f"Kick and ban {PEOPLE + 1} people")
    mia.until_shows(f"takes away what they have written: {MESSAGES} here")
    mia.until_shows("will not kick and ban fay: Founders cannot be acted on")
    keys.press("4")
    mia.until_shows(f"Kick and ban {PEOPLE + 1} people: raid")
    keys.press("Enter")
    mia.until_shows(f"{PEOPLE} banned, {MESSAGES} messages redacted")
    assert len(keys.pressed) < 10

    # The log says it, in the console and in its panel, and what a program without a screen is told.
    mia.press("4")
    mia.until_shows("mia took [0-9]+ messages away: raid")
    assert len(raiders_in(mia.screen())) > ROWS // 2
    mia.press("Escape")
    for screen in (mia, bob):
        until_members(screen, HONEST)
    banned = seats.homes.until_results(
        "fay", ("channel", "modlog", "plaza", "--kind", "banned", "-n", "200"), lambda rows: len(rows) == PEOPLE
    )
    assert {(row["name"], row["reason"], row["state"]) for row in banned} == {("mia", "raid", "in-effect")}
    bob.enter("/modlog kind=banned 60")
    bob.until_shows("Esc close")
    assert len(raiders_in(bob.screen())) > ROWS // 2
    bob.press("Escape")
    bob.until_gone("Esc close")
    # Of what was said, what was said in good faith.
    bob.enter("that was quick")
    for screen in (mia, bob):
        screen.until_shows("that was quick")
        screen.until_gone("buy raider")
        screen.until_shows("who are all these people")
    for name in HONEST:
        rows = seats.homes.until_results(name, ("log", "plaza", "-n", "1000"), lambda rows: rows[-1]["text"] == "that was quick")
        said = [(row["name"], row["text"]) for row in rows if row["kind"] == "message"]
        assert said == [("bob", "how quiet it is here"), ("bob", "who are all these people"), ("bob", "that was quick")]
        assert rubbish(rows) == 0
        found = seats.homes.results(name, "search", "buy")
        assert not found
