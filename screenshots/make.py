"""Makes the pictures of this directory: `python screenshots/make.py`. Needs tmux; rsvg-convert (librsvg) and a
font with emoji for the PNGs.

The real client in a real terminal, and two more people on real nodes, all in temporary homes and on loopback. What is
photographed is what the terminal shows.
"""

import asyncio
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from real_nodes import PATIENCE_S, Homes, befriend, bring_in, say, until_delivered  # noqa: E402
from rich.ansi import AnsiDecoder  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.terminal_theme import TerminalTheme  # noqa: E402
from terminal import Terminal  # noqa: E402

from multichat_tui.headless.remote import RemoteNode  # noqa: E402
from multichat_tui.headless.session import wait_for  # noqa: E402
from multichat_tui.model.ids import ChannelId  # noqa: E402
from multichat_tui.model.intents import (  # noqa: E402
    ActOn,
    AddMailbox,
    CreateChannel,
    CreateWorkspace,
    GiveRank,
    ListChannel,
    MakeResource,
    OpenDirect,
    SendMessage,
    SetTopic,
)
from multichat_tui.model.ranks import MODERATOR  # noqa: E402

LOOPBACK = {"MULTICHAT_LISTEN": "127.0.0.1:0", "MULTICHAT_LAN": "off", "TERM": "tmux-256color", "COLORTERM": "truecolor"}
NORMAL = [(40, 44, 52), (255, 130, 120), (140, 200, 120), (230, 190, 110), (124, 196, 255), (200, 150, 230), (110, 200, 200)]
BRIGHT = [(90, 96, 108), (255, 150, 140), (160, 220, 140), (245, 210, 130), (150, 210, 255), (220, 170, 250), (130, 220, 220)]
THEME = TerminalTheme((18, 21, 28), (213, 218, 227), [*NORMAL, (200, 200, 200)], [*BRIGHT, (240, 240, 240)])
POLL = (("question", "When do we cook?"), ("options", "tonight|tomorrow"))
FONT = "DejaVu Sans Mono"
"""What the PNGs are drawn with; browsers take their own monospace font if it is missing."""


def photograph(screen: Terminal, name: str) -> None:
    """Write NAME.svg and, where that can be done, NAME.png."""
    console = Console(record=True, width=screen.columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    # One decoder for all lines: a colour that goes on in the next line is not said again.
    for text in list(AnsiDecoder().decode(screen.painted()))[: screen.rows]:
        text.truncate(screen.columns, pad=True)
        console.print(text, soft_wrap=True)
    svg = console.export_svg(title="multichat", theme=THEME, font_aspect_ratio=0.602, unique_id=name)
    # Some renderers drop the spaces at the edges of a piece of text unless they are told to keep them.
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1).replace("Fira Code", FONT)
    while "@font-face" in svg:
        begin = svg.index("@font-face")
        svg = svg[:begin].rstrip() + svg[svg.index("}", begin) + 1 :]
    picture = HERE / f"{name}.svg"
    picture.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")
    if shutil.which("rsvg-convert") is not None:
        subprocess.run(["rsvg-convert", "--zoom", "1.2", "-o", str(HERE / f"{name}.png"), str(picture)], check=True)
    sys.stdout.write(f"{name}: {screen.columns}x{screen.rows}\n")


def introduce(screen: Terminal) -> None:
    """The first run, photographed on the way."""
    screen.until_shows("What shall others call you")
    screen.type("ann")
    screen.until_shows(r"> ann *$")
    photograph(screen, "first-run")
    screen.press("Enter")
    screen.until_shows("Choose a passphrase")
    screen.press("Enter")
    screen.until_shows("Really without")
    screen.press("Enter")
    number = screen.until_shows(r"Type word (\d+)").group(1)
    screen.enter(screen.until_shows(rf"(?<!\S){number} ([a-z]+)").group(1))
    screen.until(lambda lines: "F1 help" in lines[-1] and "opening" not in lines[-1], "the main screen")


def photograph_more(screen: Terminal) -> None:
    """A thread, a search, words to compare; afterwards the line is empty as before."""
    screen.enter("/thread")
    screen.until_shows("Thread  2 replies")
    photograph(screen, "thread")
    screen.press("Escape")
    screen.until_gone("Thread  2 replies")
    screen.press("C-f")
    screen.until_shows("case and accents do not matter")
    screen.type("the")
    screen.until_shows("1 of [0-9]+ found(.|\n)*Patience is sold out")
    photograph(screen, "search")
    screen.press("Escape")
    screen.until_gone("of [0-9]+ found")
    screen.enter("/verify bob")
    screen.until_shows("n DIFFERENT")
    photograph(screen, "compare")
    screen.press("Escape")
    screen.until_gone("DIFFERENT")
    screen.press("Escape")
    screen.until_gone("Esc closes")


async def settle(people: list[RemoteNode], told: list[tuple[RemoteNode, ChannelId, str]]) -> None:
    """Say these things one after the other, each when the one before has come everywhere."""
    for who, where, text in told:
        await until_delivered(who, await say(who, where, text))


async def channel_of(ann: RemoteNode, name: str, topic: str, guests: list[RemoteNode]) -> ChannelId:
    channel = (await ann.submit(CreateChannel(name=name))).channel
    assert channel is not None
    await ann.submit(SetTopic(channel=channel, topic=topic))
    for guest in guests:
        await bring_in(ann, guest, channel)
    return channel


async def choose_mailboxes(homes: Homes, people: dict[str, RemoteNode]) -> None:
    """Two, kept by machines of their own; everybody knows of everybody's when this returns."""
    for box in ("box-one", "box-two"):
        homes.start(homes.command(box, "--json", "mailbox", "run", "--no-lan", "--listen", "127.0.0.1:0"))
        for name, node in people.items():
            await node.submit(AddMailbox(link=homes.results(box, "mailbox", "grant", name)[0]["link"]))
    me = people["ann"]

    async def known() -> bool | None:
        return any(row.mailboxes == 2 for row in (await me.contacts()).rows) or None

    assert await wait_for(me, known, PATIENCE_S)


async def play(homes: Homes, screen: Terminal) -> None:
    screen.run(homes.command("ann"), homes.environment(**LOOPBACK))
    introduce(screen)
    for name in ("bob", "cleo"):
        homes.results(name, "init", "--name", name, "--no-passphrase")
    others = homes.node("bob", **LOOPBACK)
    nodes = {"bob": others, "cleo": homes.node("cleo", "--connect", others.listen[0], **LOOPBACK)}
    ann, bob, cleo = [await homes.attach(name) for name in ("ann", "bob", "cleo")]
    await befriend(ann, bob)
    await befriend(ann, cleo)
    garden = await channel_of(ann, "garden", "what grows, and who waters it", [bob, cleo])
    harbour = await channel_of(ann, "harbour", "boats", [bob, cleo])
    market = await channel_of(ann, "market", "Saturdays", [cleo])
    workspace = (await ann.submit(CreateWorkspace(name="allotment"))).channel
    assert workspace is not None
    for guest in (bob, cleo):
        await bring_in(ann, guest, workspace)
    for channel in (garden, market):
        await ann.submit(ListChannel(workspace=workspace, channel=channel))
    await ann.submit(GiveRank(channel=workspace, user=(await bob.me()).rows.user, rank=MODERATOR))

    screen.until_shows("garden")
    open_channel(screen, "garden")
    people = [ann, bob, cleo]
    asked = (await ann.submit(SendMessage(channel=garden, text="Who has a key to the tool shed?"))).record
    assert asked is not None
    await until_delivered(ann, asked)
    for who, text in ((bob, "It hangs behind the rain barrel."), (cleo, "Not any more: I have it, and bring it tonight.")):
        answer = (await who.submit(SendMessage(channel=garden, text=text, reply_to=asked))).record
        assert answer is not None
        await until_delivered(who, answer)
    await settle(
        people,
        [
            (bob, garden, "Morning! The tomatoes by the south wall are ripe."),
            (cleo, garden, "All of them? I was away for two days only."),
            (bob, garden, "All of them. I counted forty and then stopped."),
            (ann, garden, "I can bring baskets after work, around six."),
            (cleo, garden, "Six is fine. @ann do you still have the long ladder? The pears are next, and mine is too short."),
            (ann, garden, "Yes, behind the shed. It needs two to carry."),
            (bob, garden, "Recipe for the sauce: https://example.org/sauce - 2 kg tomatoes, basil, patience."),
            (cleo, garden, "Patience is sold out. :)"),
        ],
    )
    jokes = next(row for row in (await bob.timeline(garden)).rows if row.text.startswith("Patience"))
    for who, emoji in ((bob, "😄"), (ann, "😄")):
        await who.submit(ActOn(channel=garden, record=jokes.id, act="react", fields=(("emoji", emoji), ("on", "yes"))))
    asked = (await cleo.submit(MakeResource(channel=garden, kind="poll", fields=POLL))).record
    assert asked is not None
    await until_delivered(cleo, asked)
    for who, option in ((bob, "1"), (ann, "1"), (cleo, "2")):
        await who.submit(ActOn(channel=garden, record=asked, act="vote", fields=(("option", option),)))
    await settle(
        people,
        [
            (ann, garden, "Then we start early. I'll put the big pot on at five, and whoever comes first stirs."),
        ],
    )
    me = (await ann.me()).rows.user
    private = (await bob.submit(OpenDirect(user=me))).channel
    assert private is not None
    await settle(
        people,
        [
            (bob, private, "Is it true that it's cleo's birthday?"),
            (bob, harbour, "The ferry leaves at nine tomorrow."),
            (cleo, harbour, "I'll be on it. @ann too?"),
            (cleo, market, "We have the stall by the fountain."),
        ],
    )
    await choose_mailboxes(homes, {"ann": ann, "cleo": cleo})
    await cleo.close()
    nodes["cleo"].stop()
    await say(ann, garden, "And bring jars, as many as you have.")
    screen.until_shows("○ cleo")
    screen.until_shows(r"as many as you have\. +▤2/2")
    screen.type("the ladder is by the ga")
    screen.until_shows("by the ga")
    # The news of how one became contacts has passed.
    screen.until(lambda lines: "Ctrl+K" in lines[-1], "the plain status line")
    photograph(screen, "main-120x40")
    screen.press("F1")
    screen.until_shows("Esc close")
    photograph(screen, "help")
    screen.press("Escape")
    screen.until_gone("Esc close")
    screen.press("C-u")
    screen.press("S-Up", "i")
    screen.until_shows("Who has it")
    photograph(screen, "stored")
    screen.press("Escape")
    screen.until_gone("Who has it")
    # Escape and what follows it at once would be one key.
    screen.press("F9")
    photograph_more(screen)
    screen.press("F2")
    screen.until_shows("Moderation #garden")
    screen.press("3")
    screen.until_shows("bob +moderator")
    screen.press("a", "s", "3")
    screen.until_shows("What it will do")
    photograph(screen, "moderation")
    screen.press("Escape")
    screen.until_gone("What it will do")
    for _ in range(4):
        screen.press("Escape")
    screen.until_gone("Moderation #garden")
    screen.press("F9")
    screen.type("the ladder is by the ga")
    screen.until_shows("by the ga")
    screen.until(lambda lines: "Ctrl+K" in lines[-1], "the plain status line")
    for columns, rows in ((80, 24), (40, 10)):
        screen.resize(columns, rows)
        # The newest message at the end, above the rule, the line that is written and the status line.
        screen.until(
            lambda lines, rows=rows: "▤2/2" in lines[rows - 4] and "F1" in lines[rows - 1], "the screen to be drawn again"
        )
        photograph(screen, f"main-{columns}x{rows}")
    for api in (ann, bob):
        await api.close()


def open_channel(screen: Terminal, name: str) -> None:
    """Go to a channel as one does at the keyboard."""
    screen.enter(f"/switch #{name}")
    screen.until(lambda lines: f"#{name}  " in lines[0], f"#{name} to be open")


def main() -> None:
    base = Path(tempfile.mkdtemp(prefix="mc-pictures-"))
    homes = Homes(base)
    screen = Terminal("ann", base, columns=120, rows=40)
    try:
        asyncio.run(play(homes, screen))
    finally:
        screen.close()
        homes.end_all()
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
