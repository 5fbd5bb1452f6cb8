"""What is entered in the composer, on its way: one text after the other becomes a message or a command.

The text stays in the composer until the node has taken it, with the reason beside it if it has not.
"""

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from multichat_tui.model.errors import MultichatError, WrongPassphrase
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.commands import Outcome, is_command, run_command
from multichat_tui.node.api.commands.options import link_kind
from multichat_tui.ui.actions import hint
from multichat_tui.ui.cells import wrap
from multichat_tui.ui.drafts import Place
from multichat_tui.ui.faces import how_to_open
from multichat_tui.ui.panel import PassphraseScreen, page_of, qr_page
from multichat_tui.ui.parts import Read

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen

NOTE_LINES = 4


@dataclass(frozen=True, slots=True)
class Entered:
    """All that stood in the composer at an Enter, for where that was, and what it answers."""

    text: str
    place: Place | None
    reply: MessageRow | None
    edit: MessageRow | None = None
    """The message whose text it is to be."""


class Outbox:
    """Of one screen."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen
        self._idle = asyncio.Event()
        """Nothing is being sent."""
        self._idle.set()
        self._under_way = ""
        """What stands at the beginning of the composer's text and is being sent; empty once that is taken."""
        self._entered: deque[Entered] = deque()
        """At each Enter that is still to be dealt with."""

    def enter(self, text: str, place: Place | None) -> None:
        """What the composer held at an Enter."""
        screen = self._screen
        if not (written := screen.written(place)).startswith(text):
            if not text.endswith(written):
                return
            # What was taken since the key was pressed is not sent a second time.
            text = written
        if not text.strip():
            return
        before = self._entered[-1].text if self._entered else self._under_way
        # What is typed behind a command may be for the channel or the question that it opens.
        last = text.removeprefix(before).strip()
        opens = is_command(last) or (place is None and link_kind(last))
        self._entered.append(Entered(text, place, screen.reply_to, screen.acting.editing))
        if self._idle.is_set():
            self._idle.clear()
            (screen.move if opens else screen.spawn)(self._submit())
        elif opens:
            screen.move(self._sent())

    async def _sent(self) -> None:
        await self._idle.wait()

    async def _submit(self) -> None:
        """What is written, up to an Enter; then what was entered meanwhile, if nothing was refused or edited since."""
        screen = self._screen
        try:
            while self._entered:
                entered = self._entered.popleft()
                text, place = entered.text, entered.place
                if not text.strip() or not screen.written(place).startswith(text):
                    continue
                self._under_way = text
                if is_command(text.strip()):
                    taken = await self.command(text.strip(), text, place)
                elif place is None and (kind := link_kind(text)):
                    taken = await self.command(f"/{kind} {text.strip()}", text, place)
                else:
                    taken = await self._message(entered)
                if not taken:
                    return
        finally:
            self._under_way = ""
            self._entered.clear()
            self._idle.set()

    def edited(self, place: Place | None, text: str) -> None:
        """Another text stands there: what was entered and does not stand there any more is not sent."""
        self._entered = deque(each for each in self._entered if each.place != place or text.startswith(each.text))

    def _accept(self, place: Place | None, text: str, reply: MessageRow | None = None) -> None:
        """It has left the place where it was written, and what was entered behind it there now stands alone."""
        self._entered = deque(
            replace(each, text=each.text.removeprefix(text), reply=None if each.reply is reply else each.reply)
            if each.place == place
            else each
            for each in self._entered
        )
        self._under_way = ""
        self._screen.accept(place, text)

    async def _edit(self, row: MessageRow, sent: str, text: str, place: Place) -> bool:
        screen = self._screen
        if not await screen.acting.send(row, sent):
            return False
        screen.front.typed.enter(place[0], text)
        self._accept(place, text)
        self._entered = deque(replace(each, edit=None if each.edit is row else each.edit) for each in self._entered)
        screen.acting.forget(row)
        if place == screen.front.place and not screen.composer.text:
            screen.restore_text()
        screen.tell_below()
        return True

    async def _message(self, entered: Entered) -> bool:
        """Whether the node has taken it."""
        screen, front = self._screen, self._screen.front
        text, place, reply = entered.text, entered.place, entered.reply
        if place is None:
            front.say(f"Nothing is open to write in: {how_to_open(front.desk)}.", bad=True)
            return False
        channel, thread = place
        sent = text[1:] if text.startswith("//") else text
        if entered.edit is not None:
            return await self._edit(entered.edit, sent, text, place)
        if await front.send(channel, sent, reply.id if reply is not None else thread) is None:
            return False
        front.typed.enter(channel, text)
        self._accept(place, text, reply)
        if reply is not None and screen.reply_to is reply:
            screen.reply_to = None
        if place == front.place and thread is not None:
            screen.thread.lines.to_end()
        elif place == front.place:
            await front.rows.to_newest()
            screen.timeline.to_end()
        return True

    def _ask_passphrase(self, line: str, text: str, place: Place | None) -> None:
        """A command needs the account's key: the passphrase opens it, typed where nobody sees it.

        The question stays until the answer has been tried: somebody may be typing it again already.
        """
        screen = self._screen

        async def attempt(passphrase: str) -> None:
            channel = place[0] if place is not None else None
            try:
                assert screen.front.api is not None
                outcome = await run_command(screen.front.api, channel, line, passphrase, screens=True)
            except WrongPassphrase:
                asked.refused("That is not the passphrase. Try again:")
            except MultichatError as error:
                asked.done()
                screen.front.say(str(error), bad=True)
            else:
                asked.done()
                await self._done(outcome, line, text, place)

        def tried(_asking: PassphraseScreen, passphrase: str) -> None:
            screen.move(attempt(passphrase))

        asked = PassphraseScreen(f"{line.split()[0]} needs your passphrase:", screen.palette, tried)
        screen.app.push_screen(asked)

    async def command(self, line: str, text: str, place: Place | None) -> bool:
        """`text` is what stands in the composer for it; empty: it was not typed there. Whether what was entered behind it is
        still for the same place."""
        front = self._screen.front
        if front.api is None:
            front.say("Still opening: try again in a moment.", bad=True)
            return False
        try:
            outcome = await run_command(front.api, place[0] if place is not None else None, line, None, screens=True)
        except WrongPassphrase:
            self._ask_passphrase(line, text, place)
            return False
        except MultichatError as error:
            front.say(str(error), bad=True)
            return False
        return await self._done(outcome, line, text, place)

    async def _done(self, outcome: Outcome, line: str, text: str, place: Place | None) -> bool:
        """What a command has brought about, for the screens."""
        screen, front = self._screen, self._screen.front
        if outcome.forgot:
            front.typed.forget()
        elif text:
            front.typed.enter(place[0] if place is not None else None, line)
        if text:
            self._accept(place, text)
        if outcome.quit:
            await screen.app.action_quit()
            return False
        front.say("")
        if outcome.screen:
            screen.performer.on_screen(outcome.screen, outcome.words)
            return False
        if outcome.search is not None:
            screen.performer.search(outcome.search)
            return False
        if outcome.jump is not None:
            await screen.performer.show_row(outcome.jump)
            return False
        if outcome.open_channel is not None and text and screen.written(place).strip():
            # It took long, and the user goes on writing: nothing is pulled away from under the hands.
            front.say(f"Done. You are writing here: {hint('switcher')} goes to where it leads.")
            front.want(Read.CHANNELS)
            return False
        if outcome.open_channel is not None:
            await front.go(outcome.open_channel)
        if outcome.qr:
            screen.panel(qr_page(outcome.qr, screen.glyphs))
            return False
        if outcome.compare:
            screen.compare()
            return False
        lines, link = outcome.lines, outcome.fields.get("link")
        if len(lines) == 1 and outcome.undoable:
            lines = (f"{lines[0]} {hint('take-back')} takes it back.",)
        if len(lines) == 1 and link is None and len(wrap(lines[0], screen.size.width - 2)) <= NOTE_LINES:
            front.say(lines[0])
        elif lines:
            screen.panel(page_of(line.split()[0], lines, link if isinstance(link, str) else "", outcome.hang))
        front.want(Read.SETTINGS | Read.CONTACTS | Read.CHANNELS | Read.STATUS)
        return place == front.place
