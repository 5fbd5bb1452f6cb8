"""The program's entry and only composition root: from the command line to the screens, or to a command without a screen.

Rooms that a run does not need are not imported: the screens, the network and the store are loaded when they are used.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import logging.handlers
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from multichat_tui import __version__, config
from multichat_tui.headless.host import Context, Whereabouts
from multichat_tui.headless.launch import ProfileLauncher
from multichat_tui.headless.parser import grammar, parse
from multichat_tui.headless.questions import (
    confirm_close,
    confirm_wipe,
    has_terminal,
    is_a_node,
    message_text,
    passphrase_for,
    posted_words,
    recovery_phrase,
)
from multichat_tui.headless.socket_path import socket_path
from multichat_tui.logs import log_to_file, log_to_screen, wipe_log
from multichat_tui.model.errors import IntentRefused, MultichatError, Refusal, UsageError
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import ConnectTo
from multichat_tui.model.text import clean_name, visible
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.launch import ProfileState

if TYPE_CHECKING:
    from multichat_tui.headless.output import Output
    from multichat_tui.node.service import Node
    from multichat_tui.store.profile import OpenProfile
    from multichat_tui.ui import Preferences

INTERRUPTED = 130
INTERNAL = 70

log = logging.getLogger("multichat_tui.cli")


MAILBOX_PORT = 4700


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the exit code of the process."""
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except MultichatError as error:
        print(f"multichat: {visible(error.message)}", file=sys.stderr)
        if error.advice:
            print(visible(error.advice), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        log.exception("cli failed=internal")
        print(f"multichat: internal error ({type(error).__name__}); -v and the log have the details.", file=sys.stderr)
        return INTERNAL


def _run(argv: Sequence[str]) -> int:
    args = parse(argv)
    if args.verb in ("completion", "man"):
        return _text(args)
    if args.verb == "config":
        return _configuration(args)
    settings = config.load(_arguments(args), os.environ)
    if (args.verb, args.action) == ("mailbox", "run") and settings.listen is None:
        # Whoever is told where it is must find it there after a restart.
        settings = replace(settings, listen=f"*:{MAILBOX_PORT}")
    log_to_screen(settings.verbose and args.verb is not None)
    host = ProfileHost(settings)
    if args.verb is None:
        return _lines(host) if settings.line else _screens(host)
    if args.verb == "demo":
        return _demo(args, settings)
    if args.verb == "wipe":
        confirm_wipe(args, host)
    if (args.verb, args.action) == ("account", "close"):
        confirm_close(args, host)
    if args.verb == "init" and args.restore:
        args.phrase = recovery_phrase(args)
    if args.verb in ("send", "edit"):
        args.text = message_text(args.text)
    if args.verb == "post":
        args.places, words = posted_words(args.words)
        args.text = message_text(words)
    from multichat_tui.headless.output import standard_output

    host = ProfileHost(replace(settings, passphrase=passphrase_for(args, host)))
    return _command(args, host, standard_output(settings.json))


def _arguments(args: argparse.Namespace) -> config.Arguments:
    return config.Arguments(
        home=args.home,
        profile=args.profile,
        passphrase_file=args.passphrase_file,
        listen=args.listen,
        lan=args.lan,
        connect=tuple(args.connect or ()),
        log_file=args.log_file,
        json=args.json,
        verbose=args.verbose,
        line=args.line,
    )


def _text(args: argparse.Namespace) -> int:
    """What is made from the grammar."""
    if args.verb == "man":
        from multichat_tui.headless.manual import manual_page

        print(manual_page(grammar(), __version__), end="")
    else:
        from multichat_tui.headless.completion import completion_script

        print(completion_script(args.shell, grammar()), end="")
    return 0


def _configuration(args: argparse.Namespace) -> int:
    """`config show`, `path` and `check`. A mistake in the file is `errors.UsageError`, but `path` tells the path all the same."""
    from multichat_tui.headless.output import standard_output, table

    arguments, out = _arguments(args), standard_output(args.json)
    path = config.config_path(arguments, os.environ)
    if args.action == "path":
        out.result({"config": str(path), "exists": path.is_file()}, str(path))
        return 0
    found = config.in_force(arguments, os.environ)
    if args.action == "check":
        exists = path.is_file()
        from multichat_tui.ui import faults_of

        # Keys and themes, which only the screens can judge.
        if faults := faults_of(replace(_preferences(config.load(arguments, os.environ)), file=str(path))):
            raise UsageError(" ".join(faults))
        out.result(
            {"config": str(path), "exists": exists}, f"{path}: {'in order' if exists else 'there is none; all is default'}"
        )
        return 0
    fields = {each.key: {"value": each.value, "source": each.source} for each in found}
    lines = table([(each.key, each.value or "-", each.source) for each in found])
    out.result({"config": str(path), "settings": fields}, f"# {path}", *lines)
    return 0


def _screens(host: "ProfileHost") -> int:
    if not (has_terminal() and sys.stdout.isatty()):
        raise UsageError("The screens need a terminal.", "multichat --line needs none; multichat --help lists the commands.")
    from multichat_tui.ui import run_tui

    return run_tui(ProfileLauncher(host), preferences=_preferences(host.settings))


def _preferences(settings: config.Settings) -> "Preferences":
    """What the configuration file says of the screens."""
    from multichat_tui.ui import Preferences

    preferences = Preferences(themes=settings.themes, keys=settings.keys, file=settings.paths.config_file.name)
    return preferences if settings.theme is None else replace(preferences, look=settings.theme)


def _demo(args: argparse.Namespace, settings: config.Settings) -> int:
    """The transcript, the process of the others, or your screens among them."""
    if args.stage:
        from multichat_tui.headless.demo.stage import stage

        return stage(Path(args.stage))
    if args.headless:
        from multichat_tui.headless.demo.transcript import demo
        from multichat_tui.headless.output import standard_output

        return asyncio.run(demo(standard_output(settings.json)))
    if settings.line or not (has_terminal() and sys.stdout.isatty()):
        raise UsageError("The demo's screens need a terminal.", "multichat demo --headless plays it as a transcript.")
    from multichat_tui.headless.demo.seat import demo_root, others
    from multichat_tui.headless.demo.stage import YOU
    from multichat_tui.ui import run_tui

    with demo_root() as root:
        os.environ["XDG_RUNTIME_DIR"] = str(root)
        alone = config.Arguments(home=str(root / YOU), lan=False, listen="127.0.0.1:0")
        host = ProfileHost(config.load(alone, {}))
        asyncio.run(host.create(name=YOU, passphrase=None, account_entropy=host.new_account()[0]))
        with others(root) as said:
            return run_tui(ProfileLauncher(host), guide=said())


def _lines(host: "ProfileHost") -> int:
    from multichat_tui.headless.line.start import line_mode

    return line_mode(host)


def _command(args: argparse.Namespace, host: "ProfileHost", out: "Output") -> int:
    """Run one command on an event loop. SIGTERM ends it cleanly, and a node with 0: that is how it is meant to end."""
    from multichat_tui.headless.dispatch import perform

    terminated = False

    async def run() -> int:
        task = asyncio.current_task()
        assert task is not None

        def terminate() -> None:
            nonlocal terminated
            terminated = True
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
        return await perform(Context(args=args, host=host, out=out))

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        return 0 if terminated and is_a_node(args) else INTERRUPTED


# The profile and its node


class ProfileHost:
    """Implements `headless.host.Host` with the real store, network and node."""

    def __init__(self, settings: config.Settings) -> None:
        self._settings = settings
        paths = settings.paths
        self._paths = Whereabouts(
            config_file=paths.config_file,
            profile=paths.profile,
            log_file=paths.log_file,
            socket=socket_path(paths.profile, os.environ),
        )

    @property
    def paths(self) -> Whereabouts:
        return self._paths

    @property
    def settings(self) -> config.Settings:
        return self._settings

    @property
    def passphrase(self) -> str | None:
        return self._settings.passphrase

    def state(self) -> ProfileState:
        from multichat_tui.store.presence import profile_state

        found = profile_state(self._paths.profile)
        return {"ABSENT": ProfileState.NEW, "LOCKED": ProfileState.LOCKED, "KEYFILE": ProfileState.OPEN}[found.name]

    def new_account(self) -> tuple[bytes, str]:
        from multichat_tui.crypto.identity import ENTROPY_BYTES, Account

        entropy = os.urandom(ENTROPY_BYTES)
        return entropy, Account(entropy).phrase

    def read_phrase(self, phrase: str) -> bytes:
        from multichat_tui.crypto.identity import read_phrase

        account = read_phrase(phrase)
        if isinstance(account, str):
            raise UsageError(account, "Look at what you have written down, and type all 24 words again.")
        return account.entropy

    async def create(
        self, *, name: str, passphrase: str | None, account_entropy: bytes, restored: bool = False, lost: bool = True
    ) -> UserId:
        from multichat_tui.crypto.identity import Account
        from multichat_tui.node.genesis import create_identity
        from multichat_tui.store.profile import create_profile, wipe_profile

        chosen = clean_name(name)
        if chosen is None:
            raise IntentRefused(Refusal.BAD_NAME, f"{visible(name)[:60]!r} cannot be a name.", "Use letters, digits, spaces.")

        def make() -> None:
            root = self._paths.profile
            made = create_profile(root, passphrase=passphrase, account_entropy=account_entropy, entropy=os.urandom)
            try:
                create_identity(
                    made.store,
                    name=chosen,
                    account_entropy=account_entropy,
                    entropy=os.urandom,
                    now_ms=_now_ms(),
                    restored=restored,
                    lost=lost,
                )
            except BaseException:
                made.close()
                wipe_profile(root)
                raise
            made.close()

        await asyncio.to_thread(make)
        return Account(account_entropy).user

    async def open(self, *, passphrase: str | None, network: bool) -> "LocalNode":
        settings = self._settings
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        loop = asyncio.get_running_loop()
        try:
            profile = await loop.run_in_executor(thread, self._open_profile, passphrase, network)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        from multichat_tui.headless.quiet import QuietNetwork
        from multichat_tui.model.ports import Network
        from multichat_tui.node.service import Node

        log_to_file(settings)
        chosen: Network = QuietNetwork()
        if network:
            from multichat_tui.net.network import TcpNetwork

            chosen = TcpNetwork(listen=settings.listen, lan=settings.lan, entropy=os.urandom)
        node = Node(
            store=profile.store,
            network=chosen,
            now_ms=_now_ms,
            entropy=os.urandom,
            executor=thread,
            lan=network and settings.lan,
            open_account=profile.account_entropy,
        )
        running = LocalNode(node=node, profile=profile, thread=thread)
        try:
            await node.start()
            for address in settings.connect if network else ():
                await node.submit(ConnectTo(address=address))
        except BaseException:
            await running.close()
            raise
        # What is loaded by now stays: a full collection would look at all of it again and hold up keys for 100 ms.
        gc.collect()
        gc.freeze()
        log.info("node started=yes network=%s", network)
        return running

    def _open_profile(self, passphrase: str | None, network: bool) -> "OpenProfile":
        """On the store's thread: unlocking takes long, and so does loading the rooms of a node, while screens are drawn."""
        import multichat_tui.node.service
        from multichat_tui.node.genesis import complete_identity, needs_account
        from multichat_tui.store.profile import open_profile

        if network:
            import multichat_tui.net.network  # noqa: F401  # loaded here, used by the caller
        opened = open_profile(self._paths.profile, passphrase)
        try:
            with opened.store.transaction() as txn:
                incomplete = needs_account(txn)
            if incomplete:
                entropy = opened.account_entropy(passphrase)
                complete_identity(opened.store, account_entropy=entropy, entropy=os.urandom, now_ms=_now_ms())
        except BaseException:
            opened.close()
            raise
        return opened

    async def check(self, passphrase: str) -> None:
        from multichat_tui.store.profile import check_passphrase

        await asyncio.to_thread(check_passphrase, self._paths.profile, passphrase)

    async def wipe(self) -> None:
        from multichat_tui.store.profile import wipe_profile

        await asyncio.to_thread(wipe_profile, self._paths.profile)
        await asyncio.to_thread(wipe_log, self._settings.paths)


@dataclass(slots=True, kw_only=True)
class LocalNode:
    """Implements `headless.host.RunningNode`: a node with the profile and the thread that are its alone."""

    node: "Node"
    profile: "OpenProfile"
    thread: ThreadPoolExecutor

    @property
    def api(self) -> NodeApi:
        return self.node

    @property
    def leaving(self) -> bool:
        return self.node.leaving

    async def close(self) -> None:
        try:
            await self.node.stop()
        finally:
            loop = asyncio.get_running_loop()
            with contextlib.suppress(RuntimeError):  # the thread has ended: closed already
                await loop.run_in_executor(self.thread, self.profile.close)
            self.thread.shutdown(wait=False)
            log.info("node stopped=yes")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    raise SystemExit(main())
