"""The others of `multichat demo`: three people with nodes of their own, who answer what you write and now and then go away.

A process of its own, so that nothing of it is in yours. It says on standard output, line by line, what is happening and what to
try; it ends when its standard input does, and takes its nodes and the directory with it, whatever became of you.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from multichat_tui.headless.demo.player import STEP_TIMEOUT_S, Player
from multichat_tui.headless.line.reading import LineReader, end_of_input
from multichat_tui.headless.remote import RemoteNode
from multichat_tui.headless.session import wait_for
from multichat_tui.headless.socket_path import socket_path
from multichat_tui.model.errors import IntentRefused, MultichatError, TimedOut, Unreachable
from multichat_tui.model.events import MessageAdded
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import (
    AcceptContact,
    AddMailbox,
    CreateChannel,
    InviteContact,
    InviteToChannel,
    JoinChannel,
    SendMessage,
)
from multichat_tui.model.snapshots import Delivery, Membership, MessageRow, RowKind
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.lookup import one_line

YOU = "you"
CHANNEL = "garden"
PROFILE = Path("profiles") / "default"
BREATH_S = 1.5
"""Between what one says and what the next does: people are not as quick as programs."""
PATIENCE_S = 45.0
"""Who writes nothing is shown the next scene all the same."""
LOOK_AGAIN_S = 0.1
QUOTED_CHARACTERS = 40
SAYINGS = (
    ("bob", "Noted. The peas want water."),
    ("ann", "I was about to say that."),
    ("cleo", "Agreed. Try /whois ann: the safety number there is how two people make sure."),
    ("bob", "Shall we make another channel? /create NAME, then /invite."),
    ("ann", "/peers shows who of us is linked to you, and how fast."),
    ("cleo", "Ctrl+K goes anywhere, F1 explains the keys of where you are."),
)


def stage(root: Path) -> int:
    """Play until standard input ends. The exit code."""
    try:
        asyncio.run(_until_the_audience_leaves(root))
    except MultichatError as error:
        print(f"The demo has stopped: {error}", flush=True)
        return error.exit_code
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


async def _until_the_audience_leaves(root: Path) -> None:
    players = {name: Player(name, root / name, root) for name in ("ann", "bob", "cleo")}
    boxes = [Player(name, root / name, root) for name in ("box-one", "box-two")]
    playing = asyncio.create_task(_Play(root, players, boxes).run())
    leaving = asyncio.create_task(end_of_input())
    try:
        await asyncio.wait((playing, leaving), return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            playing.result()
            await leaving
    finally:
        for task in (playing, leaving):
            task.cancel()
        await asyncio.gather(playing, leaving, return_exceptions=True)
        await asyncio.gather(*(player.go_offline() for player in (*players.values(), *boxes)), return_exceptions=True)


class _Play:
    """The scenes in their order; then the others answer for as long as you like."""

    def __init__(self, root: Path, players: dict[str, Player], boxes: list[Player]) -> None:
        self._root = root
        self._players = players
        self._boxes = boxes
        """Machines that are always on, and keep mailboxes for the others and you."""
        self._nodes: dict[str, RemoteNode] = {}
        self._garden: ChannelId
        self._you: UserId
        self._said: asyncio.Queue[MessageRow] = asyncio.Queue(maxsize=64)

    async def run(self) -> None:
        _tell("ann, bob and cleo start their nodes on this machine...")
        ann, bob, cleo = self._players.values()
        await asyncio.gather(*(self._begin(player) for player in (ann, bob, cleo)))
        await ann.come_online([])
        await asyncio.gather(*(player.come_online(ann.listen) for player in (bob, cleo)))
        for name in (*self._players, YOU):
            self._nodes[name] = await self._attach(name)
        await self._meet()
        listening = asyncio.create_task(self._listen())
        try:
            await self._scenes()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _begin(self, player: Player) -> None:
        await player.run("init", "--name", player.name, "--no-passphrase")

    async def _attach(self, name: str) -> RemoteNode:
        """The node of one of us; yours may still be starting."""
        path = socket_path(self._root / name / PROFILE, os.environ | {"XDG_RUNTIME_DIR": str(self._root)})
        async with asyncio.timeout(STEP_TIMEOUT_S):
            while True:
                with contextlib.suppress(Unreachable):
                    return await RemoteNode.attach(path)
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _meet(self) -> None:
        """You and ann become contacts; everybody comes into one channel."""
        ann, you = self._nodes["ann"], self._nodes[YOU]
        self._you = (await you.me()).rows.user
        await ann.submit(AcceptContact(link=_given((await you.submit(InviteContact())).link)))
        made = (await ann.submit(CreateChannel(name=CHANNEL))).channel
        assert made is not None
        self._garden = made
        link = _given((await ann.submit(InviteToChannel(channel=made, uses=3))).link)
        for name in ("bob", "cleo", YOU):
            await self._join(self._nodes[name], link)

    async def _join(self, api: NodeApi, link: str) -> None:
        await api.submit(JoinChannel(link=link))

        async def inside() -> bool | None:
            with contextlib.suppress(IntentRefused):
                return (await api.channel(self._garden)).rows.membership is Membership.JOINED or None
            return None

        if await wait_for(api, inside, STEP_TIMEOUT_S) is None:
            raise TimedOut("Nobody was let into the channel in time.")

    async def _listen(self) -> None:
        """What you write in the garden, as ann hears it."""
        async with self._nodes["ann"].events() as events:
            async for event in events:
                match event:
                    case MessageAdded(row=row) if (row.author, row.channel, row.kind) == (
                        self._you,
                        self._garden,
                        RowKind.MESSAGE,
                    ):
                        if not self._said.full():
                            self._said.put_nowait(row)
                    case _:
                        pass

    async def _heard(self, patience_s: float = PATIENCE_S) -> MessageRow | None:
        try:
            async with asyncio.timeout(patience_s):
                return await self._said.get()
        except TimeoutError:
            return None

    async def _say(self, name: str, text: str) -> None:
        await asyncio.sleep(BREATH_S)
        await self._nodes[name].submit(SendMessage(channel=self._garden, text=text))

    # The scenes

    async def _scenes(self) -> None:
        await self._say("ann", "Welcome! You are one of four real nodes here. Write something.")
        _tell(
            f"You are in #{CHANNEL} with ann, bob and cleo: Alt+1, or a click, opens it. Write something and press Enter. "
            "Ctrl+Q ends it all and leaves nothing."
        )
        heard = await self._heard()
        await self._say("ann", f"I read you: {_quoted(heard)}" if heard is not None else "Take your time.")
        await self._say("bob", "Here it has arrived too. No server has seen it: there is none.")
        _tell("The sign right of your message says how far it is: ✓ some of the others have it, ✓✓ all of them. Write once more.")
        await self._heard()
        await self._away()
        await self._relayed()
        await self._stored()
        _tell("Now try what you like: /create NAME, /whois ann, /peers, Ctrl+K, F1. They go on answering. Ctrl+Q ends it all.")
        turn = 0
        while True:
            if await self._heard(3600) is not None:
                await self._say(*SAYINGS[turn % len(SAYINGS)])
                turn += 1

    async def _away(self) -> None:
        """Somebody goes, misses something, and comes back."""
        cleo = self._players["cleo"]
        await self._nodes.pop("cleo").close()
        await cleo.go_offline()
        _tell("cleo has closed the lid of her laptop. Write to her: it is kept, and reaches her when she is back.")
        heard = await self._heard()
        await self._say("bob", "Cleo will read that when she is back.")
        await asyncio.sleep(BREATH_S)
        _tell("cleo opens her laptop again...")
        await cleo.come_online(self._players["ann"].listen)
        self._nodes["cleo"] = api = await self._attach("cleo")

        async def caught_up() -> bool | None:
            rows = (await api.timeline(self._garden)).rows
            return heard is None or any(row.id == heard.id for row in rows) or None

        if await wait_for(api, caught_up, STEP_TIMEOUT_S) is None:
            raise TimedOut("cleo has not got what she missed.")
        await self._say("cleo", f"Back again, and I have what I missed: {_quoted(heard)}" if heard is not None else "Back again!")
        _tell("cleo is back and has what she missed, once and in its place. Meanwhile it was kept by you three, nowhere else.")
        await self._heard(PATIENCE_S / 3)

    async def _relayed(self) -> None:
        """Who has no link to you reaches you through others."""
        linked = {peer.user for peer in (await self._nodes[YOU].peers()).rows if peer.online}
        bob = (await self._nodes["bob"].me()).rows.user
        if bob in linked:
            return
        await self._say("bob", "There is no link between you and me: ann passes this on, and cannot change a letter of it.")
        _tell("bob has no link to you; what he writes comes through ann, signed by him. /peers shows your links.")
        await self._heard(PATIENCE_S / 3)

    async def _stored(self) -> None:
        """What is written to somebody who is away lies at mailboxes."""
        you, cleo = self._nodes[YOU], self._nodes["cleo"]
        await cleo.submit(AcceptContact(link=_given((await you.submit(InviteContact())).link)))
        for box in self._boxes:
            await cleo.submit(AddMailbox(link=await box.keep_mailbox()))
            await you.submit(AddMailbox(link=str((await box.run("mailbox", "grant", YOU))[0]["link"])))
        her = (await cleo.me()).rows.user

        async def known() -> bool | None:
            rows = {row.user: row for row in (await you.contacts()).rows}
            return (her in rows and rows[her].mailboxes == len(self._boxes)) or None

        if await wait_for(you, known, STEP_TIMEOUT_S) is None:
            raise TimedOut("Nobody has told you of their mailboxes.")
        await self._nodes.pop("cleo").close()
        await self._players["cleo"].go_offline()
        while not self._said.empty():
            self._said.get_nowait()  # what was written before she went
        _tell(
            "cleo and you have two mailboxes now: machines that are always on, each run by one command (below: mailboxes 2/2). "
            "cleo has gone again. Write to her."
        )
        heard = await self._heard()
        if heard is not None:

            async def lies_there() -> bool | None:
                row = (await you.message(heard.id)).rows
                return (row is not None and row.state is Delivery.STORED and row.stored == row.copies) or None

            if await wait_for(you, lies_there, STEP_TIMEOUT_S):
                _tell(
                    "▤2/2 beside it: it lies at both mailboxes, sealed for her. She gets it even if you have all gone. "
                    "Esc and i on it tell more; /mailbox shows yours."
                )
                await self._heard(PATIENCE_S / 3)
        await self._players["cleo"].come_online(self._players["ann"].listen)
        self._nodes["cleo"] = await self._attach("cleo")
        await self._say("cleo", f"My mailboxes had it: {_quoted(heard)}" if heard is not None else "And here I am again.")


def _quoted(row: MessageRow) -> str:
    text = one_line(row.text)
    return f"“{text[:QUOTED_CHARACTERS]}{'…' if len(text) > QUOTED_CHARACTERS else ''}”"


def _given(link: str | None) -> str:
    if link is None:
        raise MultichatError("The node made no link.")
    return link


def _tell(text: str) -> None:
    """One line for the guide. Nobody reading any more is no fault: the input ends next."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


async def guide(reader: LineReader) -> AsyncIterator[str]:
    """What the stage says, for whoever shows it."""
    while (line := await reader.line()) is not None:
        if isinstance(line, str):
            yield line
    yield "The others have gone. Ctrl+Q ends the demo."
