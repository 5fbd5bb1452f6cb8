"""Comparing words, from the main screen: opens the screen for it, submits what is answered, tells refusals where one looks."""

from typing import TYPE_CHECKING

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import BeginVerification
from multichat_tui.ui.comparing import CompareScreen, TrustIntent
from multichat_tui.ui.parts import Read

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen


class Trusting:
    """Of one screen."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen

    def show(self) -> None:
        """The screen of comparisons and of people nearby."""
        screen = self._screen
        if not isinstance(screen.app.screen, CompareScreen):
            screen.app.push_screen(CompareScreen(screen.front.desk.status, screen.palette, screen.glyphs, self._act))
            screen.front.want(Read.STATUS)

    def status_changed(self) -> None:
        """What is so now, to the screen if it is open."""
        app = self._screen.app
        # None at the end of the program: the last news still come.
        shown = app.screen if app.screen_stack else None
        if isinstance(shown, CompareScreen):
            shown.show(self._screen.front.desk.status)

    def verify(self, target: ChannelId | UserId) -> None:
        """Begin to compare words with a person, or with the one of a conversation."""
        front = self._screen.front
        row = front.desk.channels.get(ChannelId(bytes(target)))
        user = UserId(bytes(target)) if row is None else row.user
        if user is None:
            front.say("A channel cannot be verified: choose a person.")
        else:
            self._act(BeginVerification(user=user))

    def _act(self, intent: TrustIntent | BeginVerification) -> None:
        # What it brings up gets the keys behind it.
        run = self._screen.move if isinstance(intent, BeginVerification) else self._screen.spawn
        run(self._submit(intent))

    async def _submit(self, intent: TrustIntent | BeginVerification) -> None:
        screen, front = self._screen, self._screen.front
        if front.api is None:
            return
        shown = screen.app.screen
        try:
            await front.api.submit(intent)
        except MultichatError as error:
            if isinstance(shown, CompareScreen):
                shown.refused(str(error))
            else:
                front.say(str(error), bad=True)
            return
        if isinstance(intent, BeginVerification):
            self.show()
        front.want(Read.STATUS | Read.CONTACTS)
