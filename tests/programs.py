"""Starting the program: as a process of its own, whose loading of the package was done before.

Loading takes a third of a second of a core, and the tests start the program about a thousand times. So the program as it is,
`python -m multichat_tui`, and that with other intervals (`hurried.py`), is forked from a process that
has it loaded (`forker.py`); anything else is started as usual. What is skipped is proved by the tests that start the program
`whole`, and by all that run it in a terminal.
"""

import atexit
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO

Done = subprocess.CompletedProcess[bytes]

ROOT = Path(__file__).parent.parent
PROGRAM = (sys.executable, "-m", "multichat_tui")
HURRIED = (sys.executable, str(ROOT / "tests" / "e2e" / "hurried.py"))
"""With intervals of its own, which are the next word."""
GONE = "the process that the others are forked from has ended"
INSIDE = ("ip", "netns", "exec")


class Forked:
    """A process that was forked, with what tests use of `subprocess.Popen`."""

    def __init__(self, forker: "Forker", arguments: Sequence[str], pid: int, ended: "Future[int]") -> None:
        self.args, self.pid = arguments, pid
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self.stderr: IO[bytes] | None = None
        self._forker, self._ended = forker, ended

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; minus the signal that ended it."""
        try:
            return self._ended.result(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0) from None

    def communicate(self, said: bytes, timeout: float) -> tuple[bytes, bytes]:
        """Give it all of its input, no more than a pipe takes, and read all that it writes."""
        if self.stdin is not None:
            self.stdin.write(said)
            self.stdin.close()
        deadline = time.monotonic() + timeout
        read = {each: b"" for each in (self.stdout, self.stderr) if each is not None}
        with selectors.DefaultSelector() as unread:
            for each in read:
                unread.register(each, selectors.EVENT_READ)
            while unread.get_map():
                if not (ready := unread.select(max(0.0, deadline - time.monotonic()))):
                    raise subprocess.TimeoutExpired(self.args, timeout)
                for key, _ in ready:
                    if chunk := os.read(key.fd, 65536):
                        read[key.fileobj] += chunk
                    else:
                        unread.unregister(key.fileobj)
        for each in read:
            each.close()
        return read.get(self.stdout, b""), read.get(self.stderr, b"")

    def send_signal(self, how: int) -> None:
        """Nothing happens to a process that has ended."""
        self._forker.send_signal(self.pid, how)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forker:
    """The other end of `forker.py`: one for each process of the test runner, and for what intervals are set to."""

    def __init__(self, *intervals: str) -> None:
        self._control, theirs = socket.socketpair()
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
        number = theirs.fileno()
        program = [sys.executable, str(Path(__file__).with_name("forker.py")), str(number), *intervals]
        self._process = subprocess.Popen(program, stdin=subprocess.DEVNULL, env=environment, pass_fds=(number,))
        theirs.close()
        self._asking = threading.Lock()
        self._started: Future[tuple[int, Future[int]]] = Future()
        self._running: dict[int, Future[int]] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        atexit.register(self._end)

    def _read(self) -> None:
        with self._control.makefile("rb") as answers:
            for line in answers:
                told = json.loads(line)
                if "started" in told:
                    self._running[told["started"]] = ended = Future[int]()
                    self._started.set_result((told["started"], ended))
                else:
                    self._running.pop(told["ended"]).set_result(told["code"])
        for each in (self._started, *self._running.values()):
            if not each.done():
                each.set_exception(RuntimeError(GONE))

    def _ask(self, asked: dict[str, object], descriptors: Sequence[int] = ()) -> None:
        body = json.dumps(asked).encode()
        socket.send_fds(self._control, [len(body).to_bytes(4, "big")], descriptors)
        self._control.sendall(body)

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], descriptors: Sequence[int], namespace: str = ""
    ) -> Forked:
        with self._asking:
            self._started = Future()
            if not self._reader.is_alive():
                raise RuntimeError(GONE)
            asked = {"arguments": list(arguments), "environment": dict(environment), "namespace": namespace}
            self._ask(asked, descriptors)
            pid, ended = self._started.result(60)
        return Forked(self, arguments, pid, ended)

    def send_signal(self, pid: int, how: int) -> None:
        with self._asking:
            self._ask({"signal": int(how), "pid": pid})

    def _end(self) -> None:
        self._control.shutdown(socket.SHUT_WR)
        self._process.wait(60)
        self._control.close()


@functools.cache
def forker(*intervals: str) -> Forker:
    return Forker(*intervals)


def start(
    command: Sequence[str], env: Mapping[str, str], *, stdin: int = subprocess.DEVNULL, stdout: int, stderr: int
) -> "Forked | subprocess.Popen[bytes]":
    """A process. Its streams are `PIPE`, `DEVNULL`, `STDOUT`, or descriptors; nothing of this process is passed on besides."""
    namespace, words = "", tuple(command)
    if words[: len(INSIDE)] == INSIDE:
        namespace, words = words[len(INSIDE)], words[len(INSIDE) + 1 :]
    intervals: tuple[str, ...] = ()
    if words[: len(PROGRAM)] == PROGRAM:
        words = words[len(PROGRAM) :]
    elif words[: len(HURRIED)] == HURRIED:
        intervals, words = words[len(HURRIED) :][:1], words[len(HURRIED) + 1 :]
    else:
        return subprocess.Popen(command, env=env, stdin=stdin, stdout=stdout, stderr=stderr)
    given, ours, kept = [], [], []
    for number, how in enumerate((stdin, stdout, stderr)):
        one: IO[bytes] | None = None
        if how == subprocess.PIPE:
            reading, writing = os.pipe()
            theirs, mine = (reading, writing) if number == 0 else (writing, reading)
            one = os.fdopen(mine, "wb" if number == 0 else "rb")
            ours.append(theirs)
        elif how == subprocess.DEVNULL:
            theirs = os.open(os.devnull, os.O_RDWR)
            ours.append(theirs)
        else:
            theirs = given[1] if how == subprocess.STDOUT else how
        given.append(theirs)
        kept.append(one)
    try:
        made = forker(*intervals).start(words, env, given, namespace)
    finally:
        for each in ours:
            os.close(each)
    made.stdin, made.stdout, made.stderr = kept
    return made


def run(command: Sequence[str], env: Mapping[str, str], *, said: bytes = b"", together: bool = False, timeout: float) -> Done:
    """Like `subprocess.run`, with all output kept; `said` is the whole input, and what is `together` comes in `stdout`."""
    process = start(
        command,
        env,
        stdin=subprocess.PIPE if said else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
    )
    try:
        if isinstance(process, Forked):
            out, err = process.communicate(said, timeout)
        else:
            out, err = process.communicate(said or None, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Done(tuple(command), process.wait(timeout), out, err or b"")
