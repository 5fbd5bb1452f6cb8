"""kill -9 in the middle of a stream of commits: what was reported is there."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from builders import Talk, person

from multichat_tui.model.ids import Log
from multichat_tui.model.ports import Space
from multichat_tui.store.profile import create_profile, open_profile

ANA = person("ana")
TESTS = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
from builders import Talk, entry_of, person
from multichat_tui.model.ports import Space
from multichat_tui.store.profile import open_profile

ana, number = person("ana"), 0
store = open_profile(Path(sys.argv[1]), "harbour").store
talk = Talk.begin(ana)
with store.transaction() as txn:
    txn.append(talk.root, 1)
while True:
    prev = None if number == 0 else record
    talk.records[1:] = [] if prev is None else [prev]
    record = talk.say(ana, f"message {number} " + "x" * 2000, at_ms=talk.root.header.timestamp_ms + number)
    with store.transaction() as txn:
        txn.show(entry_of(record, txn.append(record, 1), ana))
        txn.put(Space.SELF, b"count", b"%d" % (number + 1))
    number += 1
    print(number, record.id.hex(), flush=True)
"""


@pytest.mark.parametrize("seed", range(4))
def test_every_commit_that_was_reported_survives_a_kill(tmp_path: Path, seed: int) -> None:
    root = tmp_path / "ana"
    create_profile(root, passphrase="harbour", account_entropy=bytes(32), argon_memory=64 * 1024).close()
    environment = {**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(root)], stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        reported = [child.stdout.readline().split() for _ in range(random.Random(seed).randrange(20, 900))]
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        # What it had written into the pipe before it died was committed too.
        reported += [line.split() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    ids = [line[1] for line in reported]
    opened = open_profile(root, "harbour")
    channel = Talk.begin(ANA).channel
    with opened.store.transaction() as txn:
        held = [record for _, record in txn.arrivals(channel, Log.CONTENT, 0, 10_000)]
        assert [record.id.hex() for record in held[: len(ids)]] == ids
        # At most the one commit more whose report was cut off; and each is whole.
        assert len(ids) <= len(held) <= len(ids) + 1
        assert txn.get(Space.SELF, b"count") == b"%d" % len(held)
        assert txn.heads(channel, Log.CONTENT) == (held[-1].id,)
        assert len(txn.timeline((channel,), before=None, after=None, limit=10_000)) == len(held)
    assert opened.store._database.rows("pragma integrity_check") == [("ok",)]
    opened.close()
