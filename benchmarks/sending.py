"""How messages are sent in the measurements: the same for the floor and for nodes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

MESSAGE_BYTES = 200
WINDOW = 256
"""Submits that wait for their local commit at a time while streaming."""


def text_of(label: str, number: int) -> str:
    """A message of 200 bytes that begins with its label and number."""
    head = f"{label}{number:06d} "
    return head + "x" * (MESSAGE_BYTES - len(head))


@dataclass(slots=True)
class Seen:
    """Times, in ns of the monotonic clock, at which a process learned of things."""

    arrivals: dict[str, int] = field(default_factory=dict)
    """Others' messages, by their first word: committed here."""
    acked: dict[str, int] = field(default_factory=dict)
    """Our own, by their first word: known to be committed by everybody."""


async def one_by_one(
    submit: Callable[[str], Awaitable[Any]], acked: Callable[[str], Awaitable[int]], label: str, count: int, pause_ms: float
) -> dict[str, Any]:
    """Each message after the one before was acknowledged, with a pause between."""
    submitted, committed, acknowledged = {}, {}, {}
    cpu_s = time.process_time()
    for number in range(count):
        text = text_of(label, number)
        name = text.split()[0]
        submitted[name] = time.monotonic_ns()
        await submit(text)
        committed[name] = time.monotonic_ns()
        acknowledged[name] = await acked(name)
        await asyncio.sleep(pause_ms / 1000)
    return {
        "submitted": submitted,
        "committed": committed,
        "acknowledged": acknowledged,
        "cpu_s": time.process_time() - cpu_s,
    }


async def stream(
    submit: Callable[[str], Awaitable[Any]], acked: Callable[[str], Awaitable[int]], label: str, count: int
) -> dict[str, Any]:
    """All messages as fast as they are taken, `WINDOW` at a time; then wait until the last one is acknowledged."""
    cpu_s = time.process_time()
    started = time.monotonic_ns()
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await submit(text_of(label, number))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(WINDOW, count)):
            tasks.create_task(lane())
    stored = time.monotonic_ns()
    last = await acked(text_of(label, count - 1).split()[0])
    return {"started": started, "stored": stored, "acknowledged": last, "cpu_s": time.process_time() - cpu_s}


async def at_rate(submit: Callable[[str], Awaitable[Any]], label: str, rate: float, seconds: float) -> dict[str, Any]:
    """Messages at regular intervals."""
    begun = time.monotonic()
    sent = 0
    while (elapsed := time.monotonic() - begun) < seconds:
        if sent <= elapsed * rate:
            await submit(text_of(label, sent))
            sent += 1
        else:
            await asyncio.sleep(sent / rate - elapsed)
    return {"sent": sent}
