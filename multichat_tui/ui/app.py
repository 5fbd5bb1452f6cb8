"""The application: opens the profile, then shows the main screen. Everything that belongs to the terminal as a whole is here."""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from rich.color import ColorSystem
from rich.style import Style
from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.errors import NoWidget
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.text import visible
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.launch import Launcher, ProfileState
from multichat_tui.ui import glyphs as signs
from multichat_tui.ui.actions import wear
from multichat_tui.ui.closed import ClosedScreen
from multichat_tui.ui.composer import Composer
from multichat_tui.ui.driver import TerminalDriver
from multichat_tui.ui.in_order import InOrder, Input
from multichat_tui.ui.keyboard import Keyboard, file_bindings, keyboard
from multichat_tui.ui.keys import teach_parser
from multichat_tui.ui.locking import Locking
from multichat_tui.ui.log_panel import LogScreen
from multichat_tui.ui.main import MainScreen
from multichat_tui.ui.own_themes import own_themes
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.picker import PickerScreen
from multichat_tui.ui.preferences import Alert, Preferences
from multichat_tui.ui.themes import choose
from multichat_tui.ui.welcome import FrontDoor

MAX_ALERT_CHARACTERS = 80
QUIT_S = 5.0
"""How long saving what is being written may take at the end."""
_COLOURS = {
    None: 0,
    ColorSystem.STANDARD: 16,
    ColorSystem.WINDOWS: 16,
    ColorSystem.EIGHT_BIT: 256,
    ColorSystem.TRUECOLOR: 1 << 24,
}


def theme_of(palette: Palette) -> Theme:
    """What Textual's own widgets (the first screens) are drawn with: the palette, and nothing beside it."""

    def ink(style: Style) -> str | None:
        return style.color.name if style.color is not None else None

    def paper(style: Style) -> str | None:
        return style.bgcolor.name if style.bgcolor is not None else None

    ground = ink(palette.ground), paper(palette.ground)
    if palette.native or None in ground:
        return replace(BUILTIN_THEMES["ansi-dark"], name=palette.name, primary="ansi_cyan")
    return Theme(
        name=palette.name,
        primary=ink(palette.accent) or ground[0] or "",
        error=ink(palette.bad) or ground[0],
        foreground=ground[0],
        background=ground[1],
        surface=paper(palette.bar) or ground[1],
        panel=paper(palette.panel) or ground[1],
        dark=palette.dark,
    )


class MultichatApp(App[int], inherit_bindings=False):
    """Exit code 0 when the user quits, that of the error when the node cannot start."""

    TITLE = "Multichat"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "quit", show=False)]
    """For the first screens; the main screen has its registry of actions, and see `on_key`."""

    def __init__(self, launcher: Launcher, preferences: Preferences, guide: AsyncIterator[str] | None = None) -> None:
        no_color = bool(os.environ.get("NO_COLOR"))
        super().__init__(driver_class=TerminalDriver, ansi_color=True if no_color else None)
        self.animation_level = "none"
        self.launcher = launcher
        self._guide = guide
        self.given = preferences
        self.preferences = preferences
        self._no_color = no_color
        self._mouse_on = preferences.mouse
        self._main: MainScreen | None = None
        self.last_words = ""
        """What is to stand where the shell goes on. Said once the terminal is the shell's again: Textual's own way may come
        a moment before that, and is lost then."""
        self._farewell: ClosedScreen | None = None
        self.locking = Locking(self)
        self._in_order = InOrder(super().on_event, self._target, self._settled, self._only_writes)
        self.own_themes, self._faults = own_themes(preferences.themes, preferences.file)
        self.file_preset, self.file_keys, faults = file_bindings(preferences.keys, preferences.file)
        self._faults += faults
        self.palette, fault = self.palette_of(preferences.look)
        self._faults += (fault,) if fault else ()
        self.glyphs = self._glyphs()
        self._wear()
        self._faults += self._wear_keys()

    def palette_of(self, look: str) -> tuple[Palette, str]:
        """The palette of a theme on this terminal, and why it is another one."""
        colours = _COLOURS[self.console._color_system]
        return choose(look, self.own_themes, no_color=self._no_color, colours=colours)

    def keyboard_of(self, preferences: Preferences) -> Keyboard:
        """The keys that these preferences make: the user's own over the file's over the preset's."""
        preset = preferences.preset if preferences.preset != self.given.preset else self.file_preset or preferences.preset
        return keyboard(preset, self.file_keys, preferences.bound)

    def _wear_keys(self) -> tuple[str, ...]:
        made = self.keyboard_of(self.preferences)
        wear(made.keys)
        return made.complaints

    def try_theme(self, look: str) -> None:
        """Show a theme, as long as it is not chosen."""
        palette, _ = self.palette_of(look)
        self._look(palette, self.glyphs)

    def _look(self, palette: Palette, glyphs: signs.Glyphs) -> None:
        self.palette, self.glyphs = palette, glyphs
        self._wear()
        self.main.look(palette, glyphs, self.preferences.clock)
        if isinstance(self.screen, PickerScreen):
            self.screen.look(palette, glyphs)

    def _glyphs(self) -> signs.Glyphs:
        return signs.choose(self.preferences.signs, signs.encoding_of(os.environ))

    def _wear(self) -> None:
        self.register_theme(theme_of(self.palette))
        self.theme = self.palette.name

    @property
    def main(self) -> MainScreen:
        """The main screen; made at its first use."""
        if self._main is None:
            self._main = MainScreen(self.palette, self.glyphs, self.preferences.clock, ring=self.ring)
            if self._faults:
                more = f" ({len(self._faults) - 1} more)" if len(self._faults) > 1 else ""
                self._main.front.say(self._faults[0] + more, bad=True)
        return self._main

    def get_default_screen(self) -> Screen[None]:
        """The first screen to be painted; the node starts behind it."""
        state = self.launcher.state
        if state is ProfileState.OPEN:
            return self.main
        return FrontDoor(self.launcher, new=state is ProfileState.NEW, done=self._opened)

    def on_mount(self) -> None:
        if self._main is not None:
            # Loading the node competes with the first screen's way to the terminal.
            self.call_after_refresh(lambda: self.run_worker(self._start()))
        if self._guide is not None:
            self.run_worker(self._follow(self._guide))

    async def _follow(self, guide: AsyncIterator[str]) -> None:
        async for text in guide:
            self.main.tell_guide(text)

    async def _start(self) -> None:
        try:
            api = await self.launcher.start()
        except MultichatError as error:
            self.last_words = visible(str(error))
            self.exit(error.exit_code, return_code=error.exit_code)
            return
        self.main.attach(api, self._again)

    async def _opened(self, api: NodeApi) -> None:
        await self.push_screen(self.main)
        self._in_order.forget()
        self.main.attach(api, self._again)

    async def _again(self) -> NodeApi:
        """The node has ended: attach to the one that another terminal runs by now, or run one here. Asks for the passphrase if
        there is one that this terminal, which was only attached, was never told."""
        if self.launcher.state is not ProfileState.LOCKED:
            return await self.launcher.start()
        opened: asyncio.Future[NodeApi] = asyncio.get_running_loop().create_future()

        async def done(api: NodeApi) -> None:
            opened.set_result(api)

        why = "The program that this terminal was attached to has ended. What you were writing is kept."
        await self.push_screen(FrontDoor(self.launcher, new=False, done=done, why=why))
        api = await opened
        # Not from within that screen, whose work ends with it.
        await self.pop_screen()
        self._in_order.forget()
        return api

    # Keys

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste | events.MouseEvent) and not event.is_forwarded:
            self.locking.touched()
            if await self._in_order.take(event):
                self.run_worker(self._in_order.work())
        else:
            await super().on_event(event)

    def _target(self, event: Input | None) -> DOMNode | None:
        if not self.screen_stack:
            return None
        if isinstance(event, events.MouseEvent):
            with suppress(NoWidget):
                return self.screen.get_widget_at(event.x, event.y)[0]
        return self.focused or self.screen

    def _only_writes(self, event: Input) -> bool:
        if isinstance(event, events.MouseEvent):
            return not isinstance(event, events.MouseDown | events.MouseUp)
        focused = self.focused if self.screen_stack else None
        return isinstance(focused, Composer) and focused.only_writes(event)

    async def _settled(self) -> bool:
        return self._main is not None and await self._main.moves.settled()

    def on_key(self, event: events.Key) -> None:
        """Textual keeps an application's own bindings from the screens that stand over others."""
        if event.key == "ctrl+q" and self.screen.is_modal:
            self.run_worker(self.action_quit())

    def on_app_focus(self) -> None:
        if self._main is not None and not self.locking.locked:
            self._main.attended(True)

    def on_app_blur(self) -> None:
        if self._main is not None:
            self._main.attended(False)

    async def action_quit(self) -> None:
        """Save what is being written, and end."""
        if self._main is not None:
            self._main.note_text()
            # A node that does not answer does not hold the user.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._main.front.close(), QUIT_S)
        self.exit(0)

    # Settings

    def on_main_screen_settings_read(self, event: MainScreen.SettingsRead) -> None:
        preferences = self.given
        for key, value in event.settings:
            preferences = preferences.changed(key, value)
        if preferences == self.preferences:
            return
        before, self.preferences = self.preferences, preferences
        palette, fault = self.palette_of(preferences.look)
        self._look(palette, self._glyphs())
        if fault and preferences.look != before.look:
            self.main.front.say(fault, bad=True)
        if (before.preset, before.bound) != (preferences.preset, preferences.bound):
            self._wear_keys()
            self.main.look(self.palette, self.glyphs, preferences.clock)
        if before.lock_idle_ms != preferences.lock_idle_ms:
            self.locking.idle_after(preferences.lock_idle_ms)
        if before.mouse != preferences.mouse:
            self._use_mouse(preferences.mouse)

    def on_main_screen_lock_wanted(self) -> None:
        self.locking.lock()

    def on_main_screen_counted(self, event: MainScreen.Counted) -> None:
        self.locking.counted(event.unread)

    def forget_keys(self) -> None:
        """What was pressed until now was not meant for what comes now."""
        self._in_order.forget()

    def push_screen(self, screen: Any, *arguments: Any, **options: Any) -> Any:
        """As Textual's; while the terminal is locked nothing lies over that but what asks for a passphrase too."""
        if self.locking.hides(screen) and not isinstance(screen, FrontDoor):
            self.locking.later(lambda: super(MultichatApp, self).push_screen(screen, *arguments, **options))
            return AwaitComplete()
        return super().push_screen(screen, *arguments, **options)

    def on_main_screen_mouse_toggled(self) -> None:
        self._use_mouse(not self._mouse_on)
        self.main.front.say("Mouse on." if self._mouse_on else "Mouse off: the terminal selects text itself.")

    def on_main_screen_log_wanted(self) -> None:
        self.push_screen(LogScreen(self.launcher.log(), self.launcher.follow_log(), self.palette, self.glyphs))

    def on_main_screen_closed(self, event: MainScreen.Closed) -> None:
        """Told once in a screen over the others, which follows who has heard of it."""

        def delete(told: str) -> None:
            self.run_worker(self._delete(told))

        if self._farewell is None:
            self._farewell = ClosedScreen(event.status, event.contacts, self.palette, self.glyphs, delete)
            self.push_screen(self._farewell)
        elif self._farewell.is_attached:
            self._farewell.show(event.status, event.contacts)

    async def _delete(self, told: str) -> None:
        """End what runs here, delete the profile, and say so where the shell goes on."""
        await self.main.front.close()
        try:
            await self.launcher.wipe()
        except MultichatError as error:
            if self._farewell is not None:
                self._farewell.refused(str(error))
            return
        self.last_words = f"Your account is closed. {told} The profile is deleted."
        self.exit(0)

    def _use_mouse(self, on: bool) -> None:
        """Textual has no public switch for a running terminal; its driver's own one is used where there is one."""
        self._mouse_on = on
        driver = self._driver
        switch = getattr(driver, "_enable_mouse_support" if on else "_disable_mouse_support", None)
        if switch is not None:
            driver_mouse = getattr(driver, "_mouse", True)
            setattr(driver, "_mouse", True)  # noqa: B010  # not public: its type says nothing of it
            switch()
            setattr(driver, "_mouse", driver_mouse or on)  # noqa: B010  # as above

    def copy_to_clipboard(self, text: str) -> None:
        """By OSC 52, which works through SSH; tmux hears it from its own command only."""
        super().copy_to_clipboard(text)
        if os.environ.get("TMUX") and not self.is_headless and shutil.which("tmux"):
            self.run_worker(_into_tmux(text), exit_on_error=False)

    # Calling the user

    def ring(self, where: str, what: str) -> None:
        """The bell, and a notification of the terminal if that is wanted. Names only, no text of messages."""
        alert = self.preferences.alert
        if alert is Alert.OFF or self._driver is None:
            return
        self.bell()
        if self.locking.locked:
            where, what = f"{max(1, self.locking.new)} new", ""
        words = f"{what} in {where}" if what else f"multichat: {where}"
        told = re.sub(r"[\x00-\x1f\x7f-\x9f;]", "", visible(words))[:MAX_ALERT_CHARACTERS]
        sequence = {Alert.OSC9: f"\x1b]9;{told}\x07", Alert.OSC777: f"\x1b]777;notify;Multichat;{told}\x07"}.get(alert, "")
        if sequence:
            self._driver.write(
                f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\" if os.environ.get("TMUX") else sequence
            )


async def _into_tmux(text: str) -> None:
    """Into tmux's newest buffer, and with -w further to the terminal's clipboard."""
    process = await asyncio.create_subprocess_exec(
        "tmux", "load-buffer", "-w", "-", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await process.communicate(text.encode())


def run(launcher: Launcher, preferences: Preferences, guide: AsyncIterator[str] | None = None) -> int:
    """See `ui.run_tui`."""
    teach_parser()
    return asyncio.run(_run(launcher, preferences, guide))


async def _run(launcher: Launcher, preferences: Preferences, guide: AsyncIterator[str] | None) -> int:
    app = MultichatApp(launcher, preferences, guide)
    loop = asyncio.get_running_loop()
    quitting: set[asyncio.Task[None]] = set()

    def leave() -> None:
        quitting.add(loop.create_task(app.action_quit()))

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, leave)
    try:
        code = await app.run_async(mouse=preferences.mouse)
    finally:
        # The terminal is the shell's again: without a word a node that takes its time would look as if it hung.
        await launcher.stop(lambda text: sys.stderr.write(text + "\n"))
    if app.last_words:
        sys.stderr.write(app.last_words + "\n")
    return code if code is not None else (app.return_code or 0)
