"""What a node without a screen loads: no widget, no colour, no WebRTC, in its whole life."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import Homes, befriend, bring_in, say, until_delivered

from multichat_tui.model.intents import CreateChannel

pytestmark = [pytest.mark.e2e]

NOT_WANTED = {"textual", "rich", "aiortc", "aioice", "av"}
WATCHED = f"""
import json, sys

asked = set()


def watch(event, arguments):
    if event == "import" and arguments[0].partition(".")[0] in {NOT_WANTED!r}:
        asked.add(arguments[0])


sys.addaudithook(watch)
report = sys.argv.pop(1)
from multichat_tui.cli import main

code = main(sys.argv[1:])
with open(report, "w") as file:
    json.dump({{"asked": sorted(asked), "loaded": sorted(sys.modules)}}, file)
sys.exit(code)
"""


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-imports-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def watched(homes: Homes, who: str, *words: str) -> list[str]:
    """A command that writes down in its home what it imported."""
    return [sys.executable, "-c", WATCHED, str(homes.home(who) / "imports"), "--home", str(homes.home(who)), *words]


def imported(homes: Homes, who: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((homes.home(who) / "imports").read_text())
    return found


async def test_a_node_that_meets_talks_and_ends_never_loads_a_screen(homes: Homes):
    for who in ("ann", "bob"):
        homes.results(who, "init", "--name", who, "--no-passphrase")
    nodes = [homes.start(watched(homes, who, "node", "--listen", "127.0.0.1:0")) for who in ("ann", "bob")]
    ann, bob = await homes.attach("ann"), await homes.attach("bob")
    await befriend(ann, bob)
    channel = (await ann.submit(CreateChannel(name="harbour"))).channel
    assert channel is not None
    await bring_in(ann, bob, channel)
    await until_delivered(ann, await say(ann, channel, "hello"))
    await until_delivered(bob, await say(bob, channel, "hello yourself"))
    for api in (ann, bob):
        await api.close()
    for who, node in zip(("ann", "bob"), nodes, strict=True):
        assert node.stop() == 0
        found = imported(homes, who)
        assert "multichat_tui.node.service" in found["loaded"]
        assert "multichat_tui.net.neighbourhood" in found["loaded"]
        assert found["asked"] == []
        assert not {name.partition(".")[0] for name in found["loaded"]} & NOT_WANTED
        assert not [name for name in found["loaded"] if name.startswith("multichat_tui.ui")]


@pytest.mark.parametrize("words", [("whoami",), ("status",), ("contact", "list"), ("node", "--help")])
def test_no_command_loads_a_screen(homes: Homes, words: tuple[str, ...]):
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "multichat_tui", "--home", str(homes.home("ann")), *words],
        env=homes.environment(),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    loaded = {line.rpartition(b"|")[2].strip().partition(b".")[0].decode() for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "argparse" in loaded
    assert not loaded & NOT_WANTED


def test_the_watch_sees_a_screen_that_is_loaded(homes: Homes):
    """The same watch on a program that loads the screens: it is no watch that sees nothing."""
    homes.home("ann").mkdir()
    loading = WATCHED.replace("code = main(", "import multichat_tui.ui.app\ncode = main(")
    words = [str(homes.home("ann") / "imports"), "--home", str(homes.home("ann")), "paths"]
    done = subprocess.run(
        [sys.executable, "-c", loading, *words], env=homes.environment(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert {name.partition(".")[0] for name in imported(homes, "ann")["asked"]} == {"textual", "rich"}
