"""A channel moderated in two halves of a cut network by people who contradict each other, all of it typed into terminals."""

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from cable import Cable, laid_cable
from real_nodes import PATIENCE_S, Homes
from seated import Seat, messages
from terminal import Terminal
from test_typed_proofs import link_of

T = TypeVar("T")
pytestmark = [pytest.mark.e2e, pytest.mark.lan, pytest.mark.tmux, pytest.mark.timeout(300)]

CHANNEL = "harbour"
TYPING_LEFT, TYPING_RIGHT = ("ann", "hal"), ("bob", "dan", "eve", "gus", "ina")
WITHOUT_SCREEN_LEFT, WITHOUT_SCREEN_RIGHT = ("cid",), ("kim",)
COLUMNS, ROWS = 120, 40
HEADING = re.compile(r" ?(FOUNDERS|ADMINS|MODERATORS|MEMBERS|MUTED) \d+")
PERSON = re.compile(r" ?\S (\w+)\b.*")
DEED = re.compile(r"(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d )")


class Halves:
    """People at terminals, and programs without a screen, at either end of a cable."""

    def __init__(self, cable: Cable, base: Path) -> None:
        self.cable = cable
        self.homes = Homes(base)
        self.base = base
        self.seats: dict[str, Seat] = {}
        for names, namespace, machine in (
            (TYPING_LEFT, cable.left, Cable.LEFT),
            (TYPING_RIGHT, cable.right, Cable.RIGHT),
        ):
            for name in names:
                inside = ("ip", "netns", "exec", namespace)
                screen = Terminal(name, base, columns=COLUMNS, rows=ROWS, inside=inside)
                self.seats[name] = Seat(name, machine, self.homes, screen)

    def start(self) -> None:
        """All programs; the terminals show their main screens."""
        for names, namespace in ((WITHOUT_SCREEN_LEFT, self.cable.left), (WITHOUT_SCREEN_RIGHT, self.cable.right)):
            for name in names:
                self.homes.results(name, "init", "--name", name, "--no-passphrase")
                self.homes.node(name, inside=("ip", "netns", "exec", namespace))
        for name, seat in self.seats.items():
            self.homes.results(name, "init", "--name", name, "--no-passphrase")
            seat.start()
        for seat in self.seats.values():
            seat.until_open()

    def screen(self, name: str) -> Terminal:
        return self.seats[name].screen

    def on_the_line(self, name: str, *words: str) -> list[dict[str, object]]:
        """What a program without a screen answers."""
        return self.homes.results(name, *words)

    def text_of(self, name: str, *words: str) -> list[str]:
        """What a program without a screen answers to people."""
        return [line.strip() for line in self.homes.told(name, *words).splitlines()]

    def close(self) -> None:
        for seat in self.seats.values():
            seat.screen.close()
        self.homes.end_all()


@pytest.fixture
def halves(require: Callable[[bool, str], None]) -> Iterator[Halves]:
    require(shutil.which("tmux") is not None, "tmux is needed")
    base = Path(tempfile.mkdtemp(prefix="mc-halves-"))
    with laid_cable(require) as cable:
        made = Halves(cable, base)
        try:
            yield made
        finally:
            made.close()
            shutil.rmtree(base, ignore_errors=True)


def members_pane(lines: list[str]) -> dict[str, str]:
    """Name and role of everybody in the pane of members."""
    found: dict[str, str] = {}
    role = ""
    for line in lines:
        cells = line.split("│")
        if len(cells) != 3:
            continue
        heading, person = HEADING.fullmatch(cells[2]), PERSON.fullmatch(cells[2])
        if heading is not None:
            role = heading.group(1).removesuffix("S").lower()
        elif person is not None and role:
            found[person.group(1)] = role
    return found


def until_members(screen: Terminal, wanted: dict[str, str]) -> None:
    screen.until(lambda lines: members_pane(lines) == wanted, f"the pane of members to show {wanted}")


def timeline(lines: list[str]) -> str:
    """What stands in the timeline, from its first row, in one line: without marks of delivery, which are the author's own."""
    rows = [cells[1] for cells in (line.split("│") for line in lines) if len(cells) == 3]
    text = " ".join(re.sub(r" [⋯✓◉]+ *$", "", row).strip() for row in rows)
    return re.sub(r"\s+", " ", text[text.index("ann created the channel") :]).strip()


def command(screen: Terminal, text: str, done: str) -> None:
    """Type a command; `done` is what its author is told."""
    screen.enter(text)
    screen.until_shows(done)


def panel(screen: Terminal, text: str) -> list[str]:
    """The lines of the panel that a command opens; it is closed again."""
    screen.enter(text)
    lines = screen.until(lambda lines: "Esc close" in lines[-1], f"the panel of {text}")
    screen.press("Escape")
    screen.until_gone("Esc close")
    begin = max(at for at, line in enumerate(lines) if line.strip() == text)
    return [line.strip() for line in lines[begin + 1 : -1]]


def deeds(lines: list[str]) -> list[str]:
    """The log, one deed after the other, put together again where the terminal has wrapped it; without the times."""
    whole = " ".join(line for line in lines if line)
    return [re.sub(r"\s+", " ", deed[21:]).strip() for deed in DEED.split(whole) if deed.strip()]


def until_agreed(read: Callable[[], list[T]]) -> T:
    """What all say, as soon as they say the same."""
    deadline = time.monotonic() + PATIENCE_S
    found = read()
    while any(each != found[0] for each in found):
        assert time.monotonic() < deadline, f"never the same: {found}"
        found = read()
    return found[0]


def come_in(screen: Terminal, link: str) -> None:
    screen.enter(f"/join {link}")
    screen.until_shows(f"#{CHANNEL} >")


def settled(halves: Halves) -> dict[str, str]:
    """The channel before the cut: bob is an admin, gus a contact of ann's, and everybody knows of all."""
    ann = halves.screen("ann")
    command(ann, f"/create {CHANNEL}", f"#{CHANNEL} >")
    link = link_of(ann, "/invite uses=9")
    halves.seats["ann"].dismiss()
    for name in ("bob", "dan", "eve"):
        come_in(halves.screen(name), link)
    for name in ("cid", "kim"):
        halves.on_the_line(name, "channel", "join", link)
    members = {"ann": "founder"} | dict.fromkeys(("bob", "cid", "dan", "eve", "kim"), "member")
    until_members(ann, members)
    command(ann, "/role bob admin", "bob is an admin")
    pairing = link_of(ann, "/pair")
    halves.seats["ann"].dismiss()
    halves.screen("gus").enter(f"/pair {pairing}")
    ann.until_shows("● gus")
    return members | {"bob": "admin"}


def roles(rows: list[dict[str, object]]) -> dict[str, str]:
    return {str(row["name"]): str(row["role"]) for row in rows}


def test_two_halves_typed_against_each_other_show_the_same_everywhere(halves: Halves) -> None:
    halves.start()
    everybody = settled(halves)
    ann, hal, bob, dan, eve, gus, ina = (halves.screen(name) for name in (*TYPING_LEFT, *TYPING_RIGHT))
    # One link for one person, which everybody has heard of, as of the message behind it.
    once = link_of(ann, "/invite")
    halves.seats["ann"].dismiss()
    dan.enter("a word too much")
    dan.until_shows(r"a word too much +(✓✓|◉)")
    ann.until_shows(r"a word too much")
    for name in ("bob", "dan", "eve"):
        until_members(halves.screen(name), everybody)

    halves.cable.cut()
    # A redaction against an edit, both by keys: gone, whatever else it says by then.
    ann.press("S-Up", "d")
    ann.until_shows(r"> /redact \w+ *$")
    ann.type(" rude")
    ann.press("Enter")
    ann.until_shows("dan: redacted by ann: rude")
    dan.press("Up")
    dan.until_shows("editing your message")
    dan.press("C-u")
    dan.enter("another word too much")
    bob.until_shows(r"another word too much")
    # A demotion, from the pane of members, against a ban.
    ann.press("BTab")
    ann.press("j", "O")
    ann.until_shows("> /role bob moderator")
    ann.press("C-w")
    ann.enter("member too eager")
    ann.until_shows("bob is a member")
    command(bob, "/ban dan spam", "dan is banned")
    dan.until_shows("You were removed")
    # A promotion against a kick.
    command(ann, "/role eve admin", "eve is an admin")
    command(bob, "/kick eve no", "eve is removed")
    eve.until_shows("You were removed")
    # A ban against a joining.
    invited = link_of(bob, "/invite")
    halves.seats["bob"].dismiss()
    command(ann, "/ban gus known for it", "gus is banned")
    come_in(gus, invited)
    # One link for one person, used on both sides.
    come_in(hal, once)
    come_in(ina, once)
    until_members(ann, {"ann": "founder", "eve": "admin"} | dict.fromkeys(("bob", "cid", "dan", "hal", "kim"), "member"))
    until_members(bob, {"ann": "founder", "bob": "admin"} | dict.fromkeys(("cid", "gus", "ina", "kim"), "member"))
    ann.enter("this side of the cable")
    hal.until_shows("this side of the cable")
    bob.enter("the other side of it")
    ina.until_shows("the other side of it")
    # Whoever contradicted most goes, and comes back when the others have met again. What bob said is then with kim, who stays a
    # member whichever of hal and ina does not.
    halves.homes.until_results("kim", ("log", CHANNEL), lambda rows: any(row["text"] == "the other side of it" for row in rows))
    halves.seats["bob"].quit()

    halves.cable.mend()
    eve.until_shows("this side of the cable")
    ann.until_shows("the other side of it")
    halves.seats["bob"].start()
    halves.seats["bob"].until_open()
    bob.until_shows("this side of the cable")
    # Of the link for one person one place came of it, the same for all.
    staying = until_agreed(lambda: [members_pane(screen.screen()) for screen in (ann, bob, dan, eve)])
    (late,) = staying.keys() & {"hal", "ina"}
    out = ({"hal", "ina"} - {late}).pop()
    assert staying == everybody | {"bob": "member", "eve": "admin", late: "member"}
    inside = ("ann", "bob", "dan", "eve", late)
    deeds_shown = (
        "ann made bob a member: too eager",
        "bob banned dan: spam (reverted: beside it ann made bob a member: too eager)",
        "ann made eve an admin",
        "bob removed eve: no (reverted: beside it ann made bob a member: too eager)",
        "ann banned gus: known for it",
    )
    said = {("ann", "this side of the cable"), ("bob", "the other side of it")}
    for name in inside:
        screen = halves.screen(name)
        until_members(screen, staying)
        screen.until(lambda lines: all(deed in timeline(lines) for deed in deeds_shown), f"{deeds_shown} to be told")
        screen.until(lambda lines: said <= set(messages(lines)), f"{said} to be told")
        assert "too much" not in "\n".join(screen.screen())
    until_agreed(lambda: [timeline(halves.screen(name).screen()) for name in inside])
    # The log, in its panel, says the same, and so do programs without a screen.
    without_screen = ("cid", "kim")
    for name in without_screen:
        halves.homes.until_results(name, ("channel", "members", CHANNEL), lambda rows: roles(rows) == staying)
        halves.homes.until_results(name, ("log", CHANNEL), lambda rows: said <= {(row["name"], row["text"]) for row in rows})
        assert not any("too much" in str(row["text"]) for row in halves.on_the_line(name, "log", CHANNEL))
    log = until_agreed(
        lambda: [
            *(deeds(panel(halves.screen(name), "/modlog")) for name in inside),
            *(deeds(halves.text_of(name, "channel", "modlog", CHANNEL)) for name in without_screen),
        ]
    )
    for deed in (
        "ann made bob a member: too eager [in effect]",
        "bob banned dan: spam [reverted: ann made bob a member]",
        "bob removed eve: no [reverted: ann made bob a member]",
        "ann made eve an admin [in effect]",
        "ann banned gus: known for it [in effect]",
        "gus joined by a link of bob [reverted: ann banned gus]",
    ):
        assert deed in log, log
    admitted = {name for name in ("hal", "ina") if f"{name} joined by a link of ann [in effect]" in log}
    assert admitted == {late}

    # Those who are out are told so, and write no more; those who are in again write.
    for name in ("gus", out):
        halves.screen(name).until_shows(r"> +You were removed")
    dan.enter("nobody is harmed")
    eve.until_shows("nobody is harmed")
    command(eve, "/kick bob enough", "bob is removed")
    bob.until_shows(r"> +You were removed")
    del staying["bob"]
    for name in inside:
        if name != "bob":
            until_members(halves.screen(name), staying)
    for name in without_screen:
        halves.homes.until_results(name, ("channel", "members", CHANNEL), lambda rows: roles(rows) == staying)
