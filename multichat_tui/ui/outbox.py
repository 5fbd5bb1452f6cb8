"""What is entered in the composer, on its way: one text after the other becomes a message or a command.

The text stays in the composer until the node has taken it, with the reason beside it if it has not.
"""

from typing import TYPE_CHECKING

from multichat_tui.model.errors import MultichatError, WrongPassphrase
from multichat_tui.node.api.commands import is_command, run_command
from multichat_tui.node.api.commands.options import link_kind
from multichat_tui.ui.cells import wrap
from multichat_tui.ui.panel import PassphraseScreen, page_of, qr_page
from multichat_tui.ui.parts import Read

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen

NOTE_LINES = 4


class Outbox:
    """Of one screen."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen
        self._sending = False
        self._entered: list[int] = []
        """Where the text ended at each Enter that came while something was being sent."""

    def enter(self, text: str) -> None:
        """What the composer holds at an Enter."""
        if self._sending:
            self._entered.append(len(text))
            return
        self._sending = True
        # What is typed behind a command may be for the channel or the question that it opens.
        run = self._screen.move if is_command(text.strip()) else self._screen.spawn
        run(self._submit(text))

    async def _submit(self, text: str) -> None:
        """What is written, up to an Enter; then what was entered meanwhile, if nothing was refused or edited."""
        front, composer = self._screen.front, self._screen.composer
        channel = front.current
        try:
            while True:
                if is_command(text.strip()):
                    await self.command(text.strip(), text)
                elif front.current is None and (kind := link_kind(text)):
                    await self.command(f"/{kind} {text.strip()}", text)
                else:
                    await self._message(text)
                rest = composer.text
                self._entered = [end - len(text) for end in self._entered if end > len(text)]
                if not self._entered or channel != front.current or rest.startswith(text):
                    return
                text = rest[: self._entered[0]]
                if not text.strip():
                    return
        finally:
            self._sending = False
            self._entered.clear()

    async def _message(self, text: str) -> None:
        screen, front = self._screen, self._screen.front
        channel = front.current
        if channel is None:
            front.say("Open a channel or a conversation first: /create NAME, /join LINK, /pair.", bad=True)
            return
        thread = front.thread
        reply = screen.reply_to.id if screen.reply_to is not None else thread.root if thread is not None else None
        sent = text[1:] if text.startswith("//") else text
        if await front.send(channel, sent, reply) is None:
            return
        front.typed.enter(channel, text)
        if channel == front.current:
            screen.composer.accept(text)
            screen.reply_to = None
            if thread is not None:
                screen.thread.lines.to_end()
                return
            await front.rows.to_newest()
            screen.timeline.to_end()

    def _ask_passphrase(self, line: str, text: str, again: bool) -> None:
        """A command needs the account's key: the passphrase opens it, typed where nobody sees it."""
        screen = self._screen

        def answered(passphrase: str | None) -> None:
            if passphrase is not None:
                screen.move(self.command(line, text, passphrase))

        question = "That is not the passphrase. Try again:" if again else f"{line.split()[0]} needs your passphrase:"
        screen.app.push_screen(PassphraseScreen(question, screen.palette), answered)

    async def command(self, line: str, text: str = "", passphrase: str | None = None) -> None:
        """`text` is what stands in the composer for it; empty: it was not typed there."""
        screen, front = self._screen, self._screen.front
        if front.api is None:
            front.say("Still opening: try again in a moment.", bad=True)
            return
        channel = front.current
        try:
            outcome = await run_command(front.api, front.current, line, passphrase, screens=True)
        except WrongPassphrase:
            self._ask_passphrase(line, text, passphrase is not None)
            return
        except MultichatError as error:
            front.say(str(error), bad=True)
            return
        if outcome.forgot:
            front.typed.forget()
        elif text:
            front.typed.enter(channel, line)
        if text:
            screen.composer.accept(text)
            front.edited(front.current, screen.composer.text)
        if outcome.quit:
            await screen.app.action_quit()
            return
        front.say("")
        if outcome.screen:
            screen.performer.on_screen(outcome.screen, outcome.words)
            return
        if outcome.search is not None:
            screen.performer.search(outcome.search)
            return
        if outcome.jump is not None:
            await screen.performer.show_row(outcome.jump)
            return
        if outcome.open_channel is not None:
            await front.go(outcome.open_channel)
        if outcome.qr:
            screen.panel(qr_page(outcome.qr, screen.glyphs))
            return
        if outcome.compare:
            screen.compare()
            return
        lines, link = outcome.lines, outcome.fields.get("link")
        if len(lines) == 1 and link is None and len(wrap(lines[0], screen.size.width - 2)) <= NOTE_LINES:
            front.say(lines[0])
        elif lines:
            screen.panel(page_of(line.split()[0], lines, link if isinstance(link, str) else "", outcome.hang))
        front.want(Read.SETTINGS | Read.CONTACTS | Read.CHANNELS | Read.STATUS)
