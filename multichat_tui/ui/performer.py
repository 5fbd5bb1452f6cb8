"""Does the actions that work anywhere on the main screen."""

import math
from typing import TYPE_CHECKING

from multichat_tui.model.snapshots import ChannelRow, MessageRow, RowKind
from multichat_tui.model.text import mentions
from multichat_tui.ui.actions import BY_ID, Scope
from multichat_tui.ui.choosing import Choosing
from multichat_tui.ui.dressing import Dressing, keys_page
from multichat_tui.ui.panel import help_page
from multichat_tui.ui.search import search_screen
from multichat_tui.ui.teaching import NO_THREAD, with_keys
from multichat_tui.ui.writing import write_in_editor

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen


MENTION_ROWS = 1200
"""How far back a mention is looked for; the window holds little more. /search finds older ones."""


class Performer:
    """Of one screen."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen
        self._dressing = Dressing(screen)
        self._choosing = Choosing(screen, self.perform_anywhere, self.show_row, self._dressing)

    def perform_anywhere(self, action: str) -> None:
        """An action of any scope: the pane that it belongs to gets the focus."""
        screen = self._screen
        match BY_ID[action].scope:
            case Scope.COMPOSER:
                screen.composer.focus()
                screen.composer.perform(action)
            case Scope.TIMELINE:
                screen.timeline.focus()
                screen.timeline.take_cursor()
                screen.timeline.perform(action)
            case Scope.LISTS | Scope.MEMBERS as scope:
                pane = screen.members if scope is Scope.MEMBERS else screen.channels
                if not pane.display:
                    screen.toggle(pane)
                pane.focus()
                pane.perform(action)
            case _:
                screen.perform(action)

    def on_screen(self, what: str, words: str) -> None:
        """What a slash command asks of the screens."""
        match what:
            case "moderation":
                self._screen.overseer.open()
            case "theme" if not words:
                self._choosing.theme()
            case "theme":
                self._screen.spawn(self._dressing.theme(words))
            case "bind" if not words:
                self._screen.panel(keys_page())
            case "bind":
                self._screen.spawn(self._dressing.bind(words))
            case "thread":
                self._screen.move(self._thread())
            case "lock":
                self._screen.post_message(self._screen.LockWanted())
            case "log":
                self._screen.post_message(self._screen.LogWanted())
            case "unbind":
                self._screen.spawn(self._dressing.unbind(words))

    async def _thread(self) -> None:
        """Of the message under the cursor, or of the newest one that has answers."""
        screen = self._screen
        rows = screen.timeline.window.rows
        answered = next((row.id for row in reversed(rows) if row.replies or row.reply_to is not None), None)
        target = screen.timeline.cursor or answered
        if target is None:
            screen.front.say(with_keys(NO_THREAD))
        else:
            await screen.front.open_thread(target)

    def search(self, words: str | None = None) -> None:
        """Over all history; without words within the open channel first, from where one key widens it."""
        screen, front = self._screen, self._screen.front
        if front.api is None:
            front.say("Still opening: try again in a moment.", bad=True)
            return

        def closed(row: MessageRow | None) -> None:
            if row is not None:
                screen.move(self.show_row(row))

        screen.app.push_screen(search_screen(screen, front.api, words), closed)

    async def show_row(self, row: MessageRow) -> None:
        """A message in its channel, under the cursor."""
        screen, front = self._screen, self._screen.front
        await front.go(row.channel)
        if front.current != row.channel:
            return
        await front.rows.reload(row)
        timeline = screen.timeline
        if not timeline.to_entry(("row", row.id), above=max(2, timeline.size.height // 3)):
            front.say("That message is not here any more.", bad=True)
            return
        timeline.cursor = row.id
        timeline.focus()

    def perform(self, action: str) -> None:
        """By the action's id."""
        screen = self._screen
        kind, _, which = action.partition(".")
        match kind:
            case "channel":
                screen.move(self._switch(which))
            case "view":
                self._view(which)
            case "focus" if which == "composer":
                screen.composer.focus()
            case "focus":
                screen.focus_step(1 if which == "next" else -1)
            case "pane":
                screen.toggle(screen.channels if which == "channels" else screen.members)
            case "mention":
                screen.move(self._to_mention(-1 if which == "previous" else 1))
            case "read":
                screen.spawn(screen.front.mark_all_read())
            case "switcher":
                self._choosing.switch()
            case "search":
                self.search()
            case "palette":
                self._choosing.command()
            case "history" if which == "search":
                self._choosing.recall()
            case "editor":
                # As long as the editor has the terminal no key comes here: those that came before wait for its end.
                screen.move(write_in_editor(screen), math.inf)
            case "trust":
                screen.compare()
            case "moderation":
                screen.overseer.open()
            case "take-back":
                screen.move(screen.overseer.take_back())
            case "help":
                screen.panel(help_page(screen.scope))
            case "lock":
                screen.post_message(screen.LockWanted())
            case "quit":
                screen.run_worker(screen.app.action_quit())
            case "redraw":
                screen.refresh(layout=True)
                screen.app.refresh()
            case "mouse":
                screen.post_message(screen.MouseToggled())
            case "back":
                self._back()

    def _back(self) -> None:
        """One step: selection, another pane, reply, thread, what went wrong, then the timeline's cursor. Good news go along."""
        screen = self._screen
        if screen.selections:
            screen.clear_selection()
        elif not screen.composer.has_focus:
            screen.composer.focus()
        elif screen.acting.cancel():
            pass
        elif screen.reply_to is not None:
            screen.reply_to = None
            screen.tell_below()
        elif screen.front.thread is not None:
            screen.front.close_thread()
        elif screen.front.note is not None and (screen.front.note.bad or screen.composer.text):
            screen.front.say("")
        elif not screen.composer.text:
            screen.front.say("")
            screen.timeline.focus()

    def _view(self, which: str) -> None:
        screen = self._screen
        match which:
            case "page-up":
                screen.timeline.page(-1)
            case "page-down":
                screen.timeline.page(1)
            case "half-up":
                screen.timeline.scroll_lines(-max(1, screen.timeline.size.height // 2))
            case "half-down":
                screen.timeline.scroll_lines(max(1, screen.timeline.size.height // 2))
            case "first":
                screen.spawn(self._to_first())
            case "last":
                screen.spawn(self._to_last())
            case "cursor":
                screen.timeline.focus()
            case "unread":
                screen.spawn(self._to_unread())

    async def _to_first(self) -> None:
        await self._screen.front.rows.to_oldest()
        self._screen.timeline.to_first()

    async def _to_last(self) -> None:
        await self._screen.front.rows.to_newest()
        self._screen.timeline.to_end()

    async def _to_unread(self) -> None:
        front = self._screen.front
        if not (await front.to_unread() and self._screen.timeline.to_entry(("new", 0))):
            front.say("Nothing is unread here.")

    async def _to_mention(self, step: int) -> None:
        """From the message under the cursor, or from the end, to the next one that mentions us; reads further back for it."""
        front, timeline = self._screen.front, self._screen.timeline
        name = front.desk.me.name if front.desk.me is not None else ""
        while name:
            rows = timeline.window.rows
            at = timeline.window.index_of(timeline.cursor) if timeline.cursor is not None else None
            at = len(rows) if at is None else at
            for row in reversed(rows[:at]) if step < 0 else rows[at + 1 :]:
                if row.kind is RowKind.MESSAGE and not row.mine and not row.ignored and mentions(row.text, name):
                    timeline.to_entry(("row", row.id), above=max(2, timeline.size.height // 3))
                    timeline.cursor = row.id
                    timeline.focus()
                    return
            held = len(rows)
            if held >= MENTION_ROWS or not (timeline.window.more_before if step < 0 else timeline.window.more_after):
                break
            await front.rows.more(before=step < 0)
            if len(timeline.window.rows) == held:
                break
        where = "above" if step < 0 else "below"
        front.say(f"Nobody mentions you further {where}, in the {len(timeline.window.rows)} messages that were looked through.")

    async def _switch(self, which: str) -> None:
        front = self._screen.front
        ordered = front.desk.ordered
        at = next((i for i, row in enumerate(ordered) if isinstance(row, ChannelRow) and row.id == front.current), -1)
        match which:
            case "last":
                target = front.desk.channels.get(front.previous) if front.previous is not None else None
            case "active":
                active = front.desk.next_active(front.current)
                target = front.desk.channels.get(active) if active is not None else None
                if target is None:
                    front.say("No activity elsewhere.")
            case "next" | "previous":
                rows = [row for row in ordered if isinstance(row, ChannelRow)]
                step = 1 if which == "next" else -1
                target = rows[((at if at >= 0 else -step if step < 0 else -1) + step) % len(rows)] if rows else None
            case _:
                number = int(which)
                chosen = ordered[number - 1] if number <= len(ordered) else None
                if chosen is not None and not isinstance(chosen, ChannelRow):
                    await front.open_person(chosen.user)
                    return
                target = chosen
        if target is not None:
            await front.open(target.id)
