"""What is done with messages beside answering them: editing one's own, reacting, pinning, voting."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.intents import ActOn
from multichat_tui.model.reactions import NAMED, reaction_of
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.ui.fuzzy import best
from multichat_tui.ui.palette import PLAIN
from multichat_tui.ui.picker import Choice, PickerScreen

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen

NOT_YOURS = "only your own messages can be edited"


class Acting:
    """Of one screen. `editing` is the message whose text stands in the composer, to be sent in its place."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen
        self.editing: MessageRow | None = None

    # Editing

    def edit(self, row: MessageRow) -> None:
        """Its text comes into the composer; what stood there comes back afterwards."""
        screen = self._screen
        if not row.mine or row.kind is not RowKind.MESSAGE or row.resource:
            screen.front.say(NOT_YOURS)
            return
        # A message that begins with a slash is written with two.
        screen.composer.prefill(f"/{row.text}" if row.text.startswith("/") else row.text)
        screen.reply_to, self.editing = None, row
        screen.composer.focus()
        screen.tell_below()

    def edit_last(self) -> bool:
        """One's own newest message among those that are held. False: there is none."""
        rows = self._screen.timeline.window.rows
        last = next((row for row in reversed(rows) if row.mine and row.kind is RowKind.MESSAGE and not row.resource), None)
        if last is not None:
            self.edit(last)
        return last is not None

    def cancel(self) -> bool:
        """Leave the message as it is. False: none is being edited."""
        if self.editing is None:
            return False
        self._screen.note_text()
        self.editing = None
        self._screen.restore_text()
        self._screen.tell_below()
        return True

    def forget(self, row: MessageRow | None = None) -> None:
        """Nothing is edited any more (or not this message)."""
        if row is None or self.editing is row:
            self.editing = None

    async def send(self, row: MessageRow, text: str) -> bool:
        """Whether the node has taken what it says now."""
        return await self._done(row, "edit", text=text)

    # Marks

    def react(self, row: MessageRow) -> None:
        """Picked from a list, by name, or typed; one's own is taken back."""
        screen = self._screen
        if row.kind is not RowKind.MESSAGE:
            screen.front.say("Only messages can be reacted to.")
            return
        mine = {reaction.emoji for reaction in row.reactions if reaction.mine}
        there = [(reaction.emoji, "") for reaction in row.reactions if reaction.emoji not in dict(NAMED)]

        def offer(typed: str) -> list[Choice]:
            known = [*((emoji, name) for emoji, name in NAMED), *there]
            found = list(best(typed.strip(":"), known, lambda each: each[1]))
            own = reaction_of(typed)
            if own is not None and own not in {emoji for emoji, _ in found}:
                found.insert(0, (own, ""))
            return [
                Choice(
                    key=emoji,
                    left=((emoji, PLAIN), (f"  {name}", screen.palette.dim)),
                    right=(("yours: takes it back ", screen.palette.accent),) if emoji in mine else (),
                )
                for emoji, name in found
            ]

        def closed(picked: tuple[Hashable, bool] | None) -> None:
            if picked is not None:
                emoji = str(picked[0])
                on = "no" if emoji in mine else "yes"
                screen.spawn(self._tell(row, "react", emoji=emoji, on=on))

        told = "Enter reacts  Esc leaves "
        picker = PickerScreen("React", offer, screen.palette, screen.glyphs, hint=told, empty="no emoji goes by that name")
        screen.app.push_screen(picker, closed)

    def pin(self, row: MessageRow) -> None:
        """Or take the pin away."""
        if row.kind is not RowKind.MESSAGE:
            self._screen.front.say("Only messages can be pinned.")
            return
        said = "not pinned any more" if row.pinned else "pinned: /pins shows what is"
        self._screen.spawn(self._tell(row, "pin", said=said, on="no" if row.pinned else "yes"))

    async def _tell(self, row: MessageRow, act: str, said: str = "", **fields: str) -> None:
        if await self._done(row, act, **fields):
            self._screen.front.say(said)

    async def _done(self, row: MessageRow, act: str, **fields: str) -> bool:
        """Whether the node has done it; if not, the reason is said."""
        front = self._screen.front
        if front.api is None:
            front.say("Still opening: try again in a moment.", bad=True)
            return False
        try:
            await front.api.submit(ActOn(channel=row.channel, record=row.id, act=act, fields=tuple(fields.items())))
        except MultichatError as error:
            front.say(str(error), bad=True)
            return False
        if act == "edit":
            front.say("")
        return True
