"""What is entered in the composer, on its way: one text after the other becomes a message or a command.

The text stays in the composer until the node has taken it, with the reason beside it if it has not.
"""

import asyncio
from typing import TYPE_CHECKING

from multichat_tui.model.errors import MultichatError, WrongPassphrase
from multichat_tui.node.api.commands import is_command, run_command
from multichat_tui.node.api.commands.options import link_kind
from multichat_tui.ui.cells import wrap
from multichat_tui.ui.drafts import Place
from multichat_tui.ui.panel import PassphraseScreen, page_of, qr_page
from multichat_tui.ui.parts import Read

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen

NOTE_LINES = 4


class Outbox:
    """Of one screen."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen
        self._idle = asyncio.Event()
        """Nothing is being sent."""
        self._idle.set()
        self._under_way = ""
        """What stands at the beginning of the composer's text and is being sent; empty once that is taken."""
        self._entered: list[int] = []
        """Where the composer's text ended at each Enter that came while something was being sent."""

    def enter(self, text: str) -> None:
        """An Enter, at which the composer held `text`."""
        screen, front = self._screen, self._screen.front
        if not text.endswith(screen.composer.text):
            return
        # What was taken since the key was pressed is not sent a second time.
        text = screen.composer.text
        if not text.strip():
            return
        if not self._idle.is_set():
            begin = self._entered[-1] if self._entered else len(self._under_way)
            self._entered.append(len(text))
            if is_command(text[begin:].strip()):
                screen.move(self._sent())
            return
        self._idle.clear()
        # What is typed behind a command may be for the channel or the question that it opens.
        opens = is_command(text.strip()) or (front.current is None and link_kind(text))
        (screen.move if opens else screen.spawn)(self._submit(text))

    async def _sent(self) -> None:
        await self._idle.wait()

    async def _submit(self, text: str) -> None:
        """What is written, up to an Enter; then what was entered meanwhile, if nothing was refused or edited."""
        front, composer = self._screen.front, self._screen.composer
        place = front.place
        try:
            while True:
                self._under_way = text
                if is_command(text.strip()):
                    taken = await self.command(text.strip(), text)
                elif front.current is None and (kind := link_kind(text)):
                    taken = await self.command(f"/{kind} {text.strip()}", text)
                else:
                    taken = await self._message(text)
                if not taken or place != front.place:
                    return
                while self._entered and not composer.text[: self._entered[0]].strip():
                    del self._entered[0]
                if not self._entered:
                    return
                text = composer.text[: self._entered[0]]
        finally:
            self._under_way = ""
            self._entered.clear()
            self._idle.set()

    def _accept(self, text: str, place: Place | None) -> None:
        """What was written at a place is taken: it leaves the composer, or the draft if one writes elsewhere by now."""
        front, composer = self._screen.front, self._screen.composer
        if place is not None and place != front.place:
            front.taken(place, text)
            return
        if not composer.text.startswith(text):
            self._entered.clear()
        composer.accept(text)
        front.edited(front.current, composer.text)
        self._under_way = ""
        self._entered = [end - len(text) for end in self._entered if end > len(text)]

    async def _message(self, text: str) -> bool:
        """Whether it is taken."""
        screen, front = self._screen, self._screen.front
        channel, place = front.current, front.place
        if channel is None:
            front.say("Open a channel or a conversation first: /create NAME, /join LINK, /pair.", bad=True)
            return False
        thread = front.thread
        reply = screen.reply_to.id if screen.reply_to is not None else thread.root if thread is not None else None
        sent = text[1:] if text.startswith("//") else text
        if await front.send(channel, sent, reply) is None:
            return False
        front.typed.enter(channel, text)
        self._accept(text, place)
        if place == front.place:
            screen.reply_to = None
            if thread is not None:
                screen.thread.lines.to_end()
            else:
                await front.rows.to_newest()
                screen.timeline.to_end()
        return True

    def _ask_passphrase(self, line: str, text: str) -> None:
        """A command needs the account's key: the passphrase opens it, typed where nobody sees it."""
        screen = self._screen

        def tried(asking: PassphraseScreen, passphrase: str) -> None:
            screen.move(self.command(line, text, passphrase, asking))

        question = f"{line.split()[0]} needs your passphrase:"
        screen.app.push_screen(PassphraseScreen(question, screen.palette, tried))

    async def command(
        self, line: str, text: str = "", passphrase: str | None = None, asking: PassphraseScreen | None = None
    ) -> bool:
        """Whether it was done. `text` is what stands in the composer for it; empty: it was not typed there."""
        screen, front = self._screen, self._screen.front
        if front.api is None:
            front.say("Still opening: try again in a moment.", bad=True)
            return False
        channel, place = front.current, front.place
        try:
            outcome = await run_command(front.api, front.current, line, passphrase, screens=True)
        except WrongPassphrase:
            if asking is None:
                self._ask_passphrase(line, text)
            else:
                asking.refused("That is not the passphrase. Try again:")
            return False
        except MultichatError as error:
            front.say(str(error), bad=True)
            if asking is not None:
                asking.done()
            return False
        if asking is not None:
            asking.done()
        if outcome.forgot:
            front.typed.forget()
        elif text:
            front.typed.enter(channel, line)
        if text:
            self._accept(text, place)
        if outcome.quit:
            await screen.app.action_quit()
            return True
        front.say("")
        if outcome.screen:
            screen.performer.on_screen(outcome.screen, outcome.words)
            return True
        if outcome.search is not None:
            screen.performer.search(outcome.search)
            return True
        if outcome.jump is not None:
            await screen.performer.show_row(outcome.jump)
            return True
        if outcome.open_channel is not None:
            await front.go(outcome.open_channel)
        if outcome.qr:
            screen.panel(qr_page(outcome.qr, screen.glyphs))
            return True
        if outcome.compare:
            screen.compare()
            return True
        lines, link = outcome.lines, outcome.fields.get("link")
        if len(lines) == 1 and link is None and len(wrap(lines[0], screen.size.width - 2)) <= NOTE_LINES:
            front.say(lines[0])
        elif lines:
            screen.panel(page_of(line.split()[0], lines, link if isinstance(link, str) else "", outcome.hang))
        front.want(Read.SETTINGS | Read.CONTACTS | Read.CHANNELS | Read.STATUS)
        return True
