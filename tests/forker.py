"""A program that has loaded the package and becomes it, as often as it is asked: `forker.py DESCRIPTOR [INTERVALS]`.

The descriptor is a socket to who asks; with other intervals it is the program that `hurried.py` is.

A request is a length, the three standard descriptors, and JSON: `arguments`, `environment`, or `signal` with `pid`.
Answers are lines of JSON: `started`, a process id, and later `ended`, the same id, with its `code` as `subprocess` tells it.
When nobody asks any more, what still runs is ended.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys

LENGTH = struct.Struct(">I")
CLONE_NEWNET = 0x40000000
LOADED = (
    "multichat_tui.cli",
    "multichat_tui.headless.dispatch",
    "multichat_tui.headless.output",
    "multichat_tui.headless.quiet",
    "multichat_tui.headless.remote",
    "multichat_tui.net.network",
    "multichat_tui.node.genesis",
    "multichat_tui.node.service",
    "multichat_tui.store.presence",
    "multichat_tui.store.profile",
)
"""What nearly every run loads, in whatever order it comes to it."""


def serve(control: socket.socket) -> None:
    """Returns in every process that was forked; where it began, it ends with the program."""
    woken, waking = os.pipe()
    for end in (woken, waking):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # so that it is noticed
    signal.set_wakeup_fd(waking)
    running: set[int] = set()
    while True:
        readable, _, _ = select.select([control, woken], [], [])
        if woken in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            _tell_of_the_ended(control, running)
        if control not in readable:
            continue
        head, descriptors, _, _ = socket.recv_fds(control, LENGTH.size, 3, socket.MSG_WAITALL)
        if not head:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
            raise SystemExit(0)
        asked = json.loads(control.recv(*LENGTH.unpack(head), socket.MSG_WAITALL))
        if "signal" in asked:
            if asked["pid"] in running:
                os.kill(asked["pid"], asked["signal"])
            continue
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            os.close(woken)
            os.close(waking)
            _become(asked, descriptors)
            return
        for each in descriptors:
            os.close(each)
        running.add(pid)
        _say(control, {"started": pid})


def _tell_of_the_ended(control: socket.socket, running: set[int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        running.discard(pid)
        _say(control, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _say(control: socket.socket, told: dict[str, int]) -> None:
    with contextlib.suppress(OSError):
        control.sendall(json.dumps(told).encode() + b"\n")


def _become(asked: dict[str, object], descriptors: list[int]) -> None:
    """What a process that was started as usual finds: its arguments, environment, descriptors, and network."""
    for number, each in enumerate(descriptors):
        os.dup2(each, number)
        os.close(each)
    assert isinstance(asked["environment"], dict)
    os.environ.clear()
    os.environ.update(asked["environment"])
    assert isinstance(asked["arguments"], list)
    sys.argv[1:] = asked["arguments"]
    if asked["namespace"]:
        with open(f"/run/netns/{asked['namespace']}") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {asked['namespace']}")


if __name__ == "__main__":
    if sys.argv[2:]:
        from e2e.hurried import hurry

        hurry(sys.argv[2])
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt):
        serve(socket.socket(fileno=int(sys.argv[1])))
    from multichat_tui.cli import main

    raise SystemExit(main())
