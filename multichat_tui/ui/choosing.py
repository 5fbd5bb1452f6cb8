"""Opens the lists that one picks from by typing, and does what was picked."""

from collections.abc import Callable, Coroutine, Hashable
from typing import TYPE_CHECKING, Any

from multichat_tui.model.snapshots import MessageRow
from multichat_tui.ui import menu, switcher
from multichat_tui.ui.actions import hint
from multichat_tui.ui.cells import one_line
from multichat_tui.ui.desk import shown_name
from multichat_tui.ui.dressing import Dressing
from multichat_tui.ui.fuzzy import best
from multichat_tui.ui.palette import PLAIN
from multichat_tui.ui.picker import Choice, PickerScreen

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen

MAX_RECENT = 30
"""Actions and commands that the palette shows first."""


class Choosing:
    """`perform` does an action of any scope, `show` goes to a message."""

    def __init__(
        self,
        screen: "MainScreen",
        perform: Callable[[str], None],
        show: Callable[[MessageRow], Coroutine[Any, Any, None]],
        dressing: Dressing,
    ) -> None:
        self._screen, self._perform, self._show, self._dressing = screen, perform, show, dressing
        self._recent: list[tuple[str, str]] = []

    def _open(
        self, picker: PickerScreen, taken: Callable[[Hashable, bool], None], left: Callable[[], None] | None = None
    ) -> None:
        def closed(picked: tuple[Hashable, bool] | None) -> None:
            if picked is not None:
                taken(*picked)
            elif left is not None:
                left()

        self._screen.app.push_screen(picker, closed)

    def switch(self) -> None:
        """The quick switcher."""
        screen, front = self._screen, self._screen.front

        def offer(typed: str) -> list[Choice]:
            return switcher.offer(typed, front.desk, front.visited, front.current, (screen.palette, screen.glyphs))

        async def later(typed: str) -> list[Choice]:
            if front.api is None:
                return []
            labels = {row.id: one_line(shown_name(row)) for row in front.desk.channels.values()}
            return await switcher.messages(typed, front.api, labels, (screen.palette, screen.glyphs))

        def taken(key: Hashable, _filled: bool) -> None:
            if (row := switcher.message_of(key)) is not None:
                screen.move(self._show(row))
                return
            if (channel := switcher.channel_of(key)) is not None:
                screen.move(front.open(channel))
            elif (person := switcher.person_of(key)) is not None:
                screen.move(front.open_person(person))
            screen.composer.focus()

        told = "#channels  @people  Enter goes there "
        picker = PickerScreen("Go to", offer, screen.palette, screen.glyphs, later=later, hint=told, empty=switcher.NOWHERE)
        self._open(picker, taken)

    def command(self) -> None:
        """The command palette."""
        screen = self._screen

        def offer(typed: str) -> list[Choice]:
            return menu.offer(typed, self._recent, screen.palette)

        def taken(key: Hashable, filled: bool) -> None:
            match key:
                case (("action" | "command") as kind, str() as name):
                    self._recent = [(kind, name), *(each for each in self._recent if each != (kind, name))][:MAX_RECENT]
                    if kind == "action":
                        self._perform(name)
                    else:
                        self._command(name, filled)

        told = f"Enter does it  Tab writes it  {hint('help')} keys "
        self._open(PickerScreen("Commands and actions", offer, screen.palette, screen.glyphs, hint=told), taken)

    def _command(self, name: str, filled: bool) -> None:
        screen, command = self._screen, menu.command_of(name)
        screen.composer.focus()
        if filled or menu.needs_words(command):
            self._prefill(f"/{name} ")
            screen.front.say(f"{command.usage}  {command.summary}")
        else:
            screen.move(screen.outbox.command(f"/{name}", "", screen.composer.place))

    def _prefill(self, text: str) -> None:
        """Something to go on writing; what stood there can be got back as input of before."""
        screen = self._screen
        screen.front.typed.set_aside(screen.front.current, screen.composer.text)
        screen.composer.prefill(text)

    def recall(self) -> None:
        """One's own input, to be found by a part of it."""
        screen = self._screen
        entered = list(reversed(screen.composer.recall.entries))

        def offer(typed: str) -> list[Choice]:
            found = best(typed, enumerate(entered), lambda each: each[1])
            return [Choice(key=number, left=((one_line(text), PLAIN),)) for number, text in found]

        def taken(key: Hashable, _filled: bool) -> None:
            screen.composer.focus()
            if isinstance(key, int):
                self._prefill(entered[key])

        empty = "you have not written anything here yet" if not entered else "you have not written that here"
        self._open(PickerScreen("Your own input", offer, screen.palette, screen.glyphs, empty=empty), taken)

    def theme(self) -> None:
        """The themes: the one under the cursor is shown at once, and stays if it is taken."""
        screen, dressing = self._screen, self._dressing
        worn = dressing.look

        def offer(typed: str) -> list[Choice]:
            found = best(typed, dressing.themes(), lambda each: " ".join(each))
            return [
                Choice(
                    key=name,
                    left=((name, screen.palette.strong), (f"  {told}", screen.palette.dim)),
                    right=(("now ", screen.palette.accent),) if name == worn else (),
                )
                for name, told in found
            ]

        def moved(key: Hashable) -> None:
            dressing.preview(str(key))

        def taken(key: Hashable, _filled: bool) -> None:
            screen.spawn(dressing.theme(str(key)))

        def left() -> None:
            dressing.preview(worn)

        told = "Enter keeps it  Esc leaves it "
        picker = PickerScreen("Theme", offer, screen.palette, screen.glyphs, moved=moved, hint=told, start=worn)
        self._open(picker, taken, left)
