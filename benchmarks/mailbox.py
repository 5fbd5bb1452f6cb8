"""A mailbox with ten thousand queues: puts a second in group commits, beside SQLite's group commit of the same bytes in the same
run; memory and start of the program as a process."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.measures import Figure, Measure, median_of
from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.mailboxes import local_device, show_writer
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.ids import LinkId
from multichat_tui.model.mailbox_frames import PutEnvelope
from multichat_tui.model.mailboxes import envelope_hash, queue_id
from multichat_tui.model.ports import FrameIn, LinkPath, LinkUp, Store
from multichat_tui.node.engine import Engine
from multichat_tui.node.identity import load_identity
from multichat_tui.store.profile import open_profile

QUEUES = 10_000
ENVELOPE_BYTES = 1024
BATCH = 128
"""Inputs of a transaction: the bound of a group commit."""
BATCHES, TURNS = 40, 3
LINK, BINDING = LinkId(1), bytes(32)
ROOM = 2**40

PUTS = Measure(name=f"mailbox of {QUEUES:,} queues: puts in group commits [disk]", unit="1/s", target="–")
PUT_CPU = Measure(name=f"mailbox of {QUEUES:,} queues: CPU per 1,000 puts", unit="s", target="–")
READY = Measure(name=f"mailbox of {QUEUES:,} queues: ready after its start (floor: an empty one)", unit="ms", target="–")
MEMORY = Measure(name=f"mailbox of {QUEUES:,} queues: resident memory (floor: an empty one)", unit="MB", target="–")


def _run(home: Path) -> tuple[float, float]:
    """(ms until it is ready, resident MB then) of the program as a process."""
    command = [sys.executable, "-m", "multichat_tui", "--home", str(home), "--json", "mailbox", "run"]
    command += ["--listen", "127.0.0.1:0", "--no-lan", "--until-eof"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        took_ms = (time.perf_counter() - began) * 1000
        assert ready["event"] == "ready"
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        resident_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        process.stdin.close()
        process.wait(60)
    return took_ms, resident_kb / 1024


class Filled:
    """The mailbox's own profile, opened here: its engine, fed with the frames of one link."""

    def __init__(self, root: Path) -> None:
        self._profile = open_profile(root, None)
        self.store: Store = self._profile.store
        self.now = time.time_ns() // 1_000_000
        self.seeds = [os.urandom(32) for _ in range(QUEUES)]
        self.queues = [queue_id(os.urandom(32)) for _ in range(QUEUES)]
        with self.store.transaction() as txn:
            (grant,) = txn.mailbox.grants()
            txn.mailbox.change_grant(grant.key, quota_bytes=ROOM, most_queues=QUEUES, revoked=False)
            for queue, seed in zip(self.queues, self.seeds, strict=True):
                txn.mailbox.open(queue, grant.key, self.now)
                txn.mailbox.allow(queue, public_key(seed), ROOM)
            self.engine = Engine.load(txn, load_identity(txn, os.urandom), os.urandom, self.now)
        device = local_device(os.urandom(32)).device
        up = LinkUp(
            link=LINK,
            device=device,
            dialled=False,
            path=LinkPath.LOCAL,
            address="127.0.0.1:0",
            incarnation=0,
            binding=BINDING,
            mailbox=True,
            local=device,
        )
        self.batch([up])
        shown = (
            encode_frame(show_writer(number, seed, queue, BINDING))
            for number, (queue, seed) in enumerate(zip(self.queues, self.seeds, strict=True), 1)
        )
        while frames := list(islice(shown, BATCH)):
            self.batch([FrameIn(link=LINK, frame=frame) for frame in frames])

    def batch(self, inputs: list[Any]) -> int:
        """One transaction; the frames that may leave after it."""
        with self.store.transaction() as txn:
            self.engine.begin(txn, self.now)
            for event in inputs:
                self.engine.network(event)
            effects = self.engine.finish()
        return len(effects.frames)

    def put(self, envelopes: list[bytes]) -> tuple[float, float]:
        """(seconds, seconds of CPU) for all of them, each into a queue by chance, acknowledged after its commit."""
        chance = random.Random(1)  # which queue, no secret
        inputs = []
        for number, envelope in enumerate(envelopes):
            place = chance.randrange(QUEUES)
            request = PutEnvelope(
                number=number + QUEUES,
                queue=self.queues[place],
                writer=public_key(self.seeds[place])[:8],
                envelope=envelope,
                expires_ms=self.now + 86_400_000,
            )
            inputs.append(FrameIn(link=LINK, frame=encode_frame(request)))
        began, cpu = time.perf_counter(), time.process_time()
        receipts = sum(self.batch(inputs[start : start + BATCH]) for start in range(0, len(inputs), BATCH))
        took = time.perf_counter() - began, time.process_time() - cpu
        assert receipts == len(envelopes)
        return took

    def close(self) -> None:
        self._profile.close()


def _floor(path: Path, envelopes: list[bytes]) -> tuple[float, float]:
    """(seconds, seconds of CPU): the bytes and their hashes into plain SQLite, as durable, in the same batches."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute(
        "create table if not exists envelope (serial integer primary key, hash blob not null, bytes blob not null)"
    )
    began, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(envelopes), BATCH):
        connection.execute("begin")
        for envelope in envelopes[start : start + BATCH]:
            connection.execute("insert into envelope (hash, bytes) values (?, ?)", (envelope_hash(envelope), envelope))
        connection.execute("commit")
    took = time.perf_counter() - began, time.process_time() - cpu
    connection.close()
    return took


async def figures(directory: Path) -> list[Figure]:
    home = directory / "home"
    _run(home)  # makes the profile, and compiles what is to be compiled
    empty = [_run(home) for _ in range(TURNS)]
    filled = Filled(home / "profiles" / "default")
    ours, floor = [], []
    for turn in range(TURNS):
        envelopes = [os.urandom(ENVELOPE_BYTES) for _ in range(BATCH * BATCHES)]
        floor.append(_floor(directory / f"floor-{turn}.db", envelopes))
        ours.append(filled.put(envelopes))
    filled.close()
    full = [_run(home) for _ in range(TURNS)]
    count = BATCH * BATCHES
    return [
        Figure(measure=PUTS, ours=count / median_of(t for t, _ in ours), floor=count / median_of(t for t, _ in floor)),
        Figure(
            measure=PUT_CPU,
            ours=median_of(cpu for _, cpu in ours) * 1000 / count,
            floor=median_of(cpu for _, cpu in floor) * 1000 / count,
        ),
        Figure(measure=READY, ours=median_of(ms for ms, _ in full), floor=median_of(ms for ms, _ in empty)),
        Figure(measure=MEMORY, ours=median_of(mb for _, mb in full), floor=median_of(mb for _, mb in empty)),
    ]
