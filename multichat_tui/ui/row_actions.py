"""What is done with the message under the cursor."""

from typing import TYPE_CHECKING

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.ui.moderating import command_about_messages
from multichat_tui.ui.receipts import receipt_page

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen


class RowActions:
    """Of one screen, for its timeline and its thread pane."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen

    def perform(self, action: str, row: MessageRow) -> None:
        """An action of the timeline's scope, by its id."""
        screen, front = self._screen, self._screen.front
        match action:
            case "reply" if row.kind not in (RowKind.MESSAGE, RowKind.HELD):
                front.say("Only messages can be replied to.")
            case "reply":
                screen.acting.forget()
                screen.reply_to = row
                screen.composer.focus()
                screen.tell_below()
            case "thread":
                screen.move(front.open_thread(row.id))
            case "cursor.first" if screen.thread.lines.has_focus:
                screen.thread.lines.to_first()
            case "cursor.last" if screen.thread.lines.has_focus:
                screen.thread.lines.to_end()
            case "cursor.first":
                screen.perform("view.first")
            case "cursor.last":
                screen.perform("view.last")
            case "edit":
                screen.acting.edit(row)
            case "react":
                screen.acting.react(row)
            case "pin":
                screen.acting.pin(row)
            case "copy":
                screen.app.copy_to_clipboard(row.text)
                front.say("Copied.")
            case "remove":
                self._remove(row)
            case "moderate":
                screen.overseer.about_message(row)
            case "who":
                screen.move(self._who_has(row))

    def _remove(self, row: MessageRow) -> None:
        """The command stands in the composer, where a reason can be added, and Enter does it."""
        screen, front = self._screen, self._screen.front
        pane = screen.thread.lines if screen.thread.lines.has_focus else screen.timeline
        if screen.composer.text.strip():
            front.say("Send or erase what you are writing first.")
            return
        line = command_about_messages(pane.take_chosen(row))
        if line is None:
            front.say("Only messages can be taken away.")
            return
        screen.composer.focus()
        screen.composer.insert(line)

    async def _who_has(self, row: MessageRow) -> None:
        screen, front = self._screen, self._screen.front
        if front.api is not None:
            try:
                delivery = (await front.api.delivery(row.id)).rows
            except MultichatError as error:
                front.say(str(error), bad=True)
                return
            screen.panel(receipt_page(row, delivery, screen.glyphs))
