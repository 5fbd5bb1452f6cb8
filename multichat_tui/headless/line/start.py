"""Line mode from its start to its end: asking what has to be asked, a node to work with, signals, the exit code."""

import asyncio
import contextlib
import errno
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from multichat_tui.headless.host import Host
from multichat_tui.headless.launch import node_answers
from multichat_tui.headless.line.conversation import Conversation, End
from multichat_tui.headless.line.locking import LineLock
from multichat_tui.headless.line.page import Page
from multichat_tui.headless.line.reading import LineReader
from multichat_tui.headless.questions import ask_line, ask_new_passphrase, ask_passphrase
from multichat_tui.headless.session import enter
from multichat_tui.model.errors import MultichatError, ProfileAbsent, Unreachable, UsageError, WrongPassphrase
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.text import clean_name
from multichat_tui.node.api.launch import ProfileState

ATTEMPTS = 5
"""At a passphrase."""
INTERRUPTED = 130


def line_mode(host: Host) -> int:
    """Until the user or the input ends it; the exit code. May raise any `errors.MultichatError`."""
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    passphrase = host.passphrase
    if host.state() is ProfileState.NEW:
        if not interactive:
            raise ProfileAbsent(f"There is no profile in {host.paths.profile} yet.", "Make one with: multichat init --name NAME")
        passphrase = _first_run(host)
    attempt = 1
    while True:
        if passphrase is None and host.state() is ProfileState.LOCKED and not node_answers(host):
            if not interactive:
                raise UsageError("The profile is locked, and there is no passphrase.", "Use --passphrase-file.")
            passphrase = ask_passphrase()
        try:
            return asyncio.run(_talk(host, passphrase, interactive=interactive))
        except WrongPassphrase as error:
            if not interactive or host.passphrase is not None or attempt == ATTEMPTS:
                raise
            print(f"{error.message} Try again.", flush=True)
            passphrase = None
            attempt += 1


def _first_run(host: Host) -> str | None:
    """Make the identity, one question after the other; its passphrase."""
    print("Welcome to Multichat, an encrypted chat without a server.")
    print("There is nothing to sign up for: your identity is made on this device, now.")
    while (name := clean_name(ask_line("What shall others call you? "))) is None:
        print("A name has 1 to 48 visible characters and does not begin with # @ + or /.")
    passphrase = host.passphrase
    if passphrase is None:
        print("A passphrase locks your messages and keys on this device. Leave it empty to go without one.")
        passphrase = ask_new_passphrase()
    entropy, phrase = host.new_account()
    asyncio.run(_create(host, name, passphrase, entropy))
    words = phrase.split()
    print("Write these 24 words down. They are what brings your identity back. They are shown this once; keep them secret.")
    for number, word in enumerate(words, 1):
        print(f"{number} {word}")
    asked = secrets.randbelow(len(words))
    while ask_line(f"Type word {asked + 1} when you have written them down: ").strip().lower() != words[asked]:
        print(f"That is not word {asked + 1}.")
    return passphrase


async def _create(host: Host, name: str, passphrase: str | None, entropy: bytes) -> None:
    await host.create(name=name, passphrase=passphrase, account_entropy=entropy)


async def _talk(host: Host, passphrase: str | None, *, interactive: bool) -> int:
    """With the node that runs or with one of our own; when the one that runs ends, with the next."""
    reader = LineReader(sys.stdin.fileno())
    page = Page(sys.stdout, sys.stderr, interactive=interactive)
    lock = LineLock(host.check, lambda: host.state() is ProfileState.LOCKED)
    with _signals(page) as interrupted:
        failed: MultichatError | None = None
        channel: ChannelId | None = None
        try:
            while True:
                async with AsyncExitStack() as stack:
                    opened = await enter(host, stack, network=True, attach=True, passphrase=passphrase)
                    conversation = Conversation(opened.api, reader, page, open_channel=channel, lock=lock)
                    end = await conversation.run()
                    failed, channel = failed or conversation.failed, conversation.open
                    if end is End.INPUT and not interactive and not opened.attached:
                        await conversation.deliver()
                if end is not End.NODE:
                    break
                if passphrase is None and host.state() is ProfileState.LOCKED:
                    raise Unreachable("The node has ended, and the profile is locked.", "Start again, with the passphrase.")
                await page.tell("The node has ended; going on with one of our own.")
        except asyncio.CancelledError:
            if not interrupted():
                return 0
            return INTERRUPTED
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return 0  # the terminal has hung up: the input would have ended next
        finally:
            lock.end()
            with contextlib.suppress(OSError):
                await page.close()
    return failed.exit_code if failed is not None and not interactive else 0


@contextmanager
def _signals(page: Page) -> "Iterator[_Interrupts]":
    """Ctrl+C gives up the line, twice in a row the program; SIGTERM and a hang-up end it cleanly."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    interrupts = _Interrupts(page, task)
    handled = [signal.SIGTERM, signal.SIGHUP]
    for number in handled:
        loop.add_signal_handler(number, task.cancel)
    loop.add_signal_handler(signal.SIGINT, interrupts.press)
    try:
        yield interrupts
    finally:
        for number in (*handled, signal.SIGINT):
            loop.remove_signal_handler(number)


class _Interrupts:
    """Ctrl+C: the terminal has thrown the line away already."""

    AGAIN_S = 2.0
    """A second one within this time is meant for the program."""

    def __init__(self, page: Page, task: "asyncio.Task[object]") -> None:
        self._page, self._task = page, task
        self._last_s = float("-inf")
        self._ended = False
        self._telling: set[asyncio.Task[None]] = set()

    def __call__(self) -> bool:
        return self._ended

    def press(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._page.interactive or loop.time() - self._last_s < self.AGAIN_S:
            self._ended = True
            self._task.cancel()
            return
        self._last_s = loop.time()
        telling = loop.create_task(self._tell())
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        await self._page.say("The line is dropped. Ctrl+C again, Ctrl+D or /quit ends.")
        await self._page.ask()
