"""The programs of these tests, most of which are forked from one that has loaded the package: processes all the same."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from programs import Forked, run, start
from real_nodes import LOCAL, PATIENCE_S, Homes

pytestmark = pytest.mark.e2e


@pytest.fixture
def homes(tmp_path: Path):
    made = Homes(tmp_path)
    yield made
    made.end_all()


def test_what_a_program_says_and_how_it_ends_is_the_same_as_when_it_is_loaded_for_itself(homes: Homes) -> None:
    for words in (("paths",), ("whoami",), ("no-such-verb",), ("send", "--help"), ("config", "show", "--json")):
        command, environment = homes.command("ann", *words), homes.environment()
        usual = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False
        )
        forked = run(command, environment, timeout=PATIENCE_S)
        assert (forked.returncode, forked.stdout, forked.stderr) == (usual.returncode, usual.stdout, usual.stderr)


def test_no_two_of_them_draw_the_same_lots(homes: Homes) -> None:
    made = [homes.results(who, "init", "--name", "ann", "--no-passphrase")[0] for who in ("one", "two", "three")]
    for what in ("user", "device", "recovery_phrase"):
        assert len({each[what] for each in made}) == len(made)


def test_one_has_the_environment_and_the_input_that_it_was_given_and_nothing_else(
    homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes.results("ann", "init", "--name", "ann", "--no-passphrase")
    homes.results("ann", "channel", "create", "dev")
    monkeypatch.setenv("MULTICHAT_LINE", "nonsense")
    assert homes.run("ann", "send", "dev", "-", said="zwei\nZeilen\n").returncode == 0
    rows = homes.results("ann", "log", "dev")
    assert [row["text"] for row in rows if row["kind"] == "message"] == ["zwei\nZeilen"]
    process = start(homes.command("ann", "node", *LOCAL), homes.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "ready"
        listed = Path(f"/proc/{process.pid}/fd")
        if listed.exists():
            open_files = {os.readlink(each) for each in listed.iterdir()}
            assert not [name for name in open_files if "pytest" in name and str(homes.base) not in name]
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        process.stdout.close()


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_signals_reach_one_of_them_and_end_it_as_they_end_any(homes: Homes, how: signal.Signals, code: int) -> None:
    for who in ("ann", "bob"):
        homes.results(who, "init", "--name", who, "--no-passphrase")
    ann, bob = homes.node("ann", *LOCAL), homes.node("bob", *LOCAL)
    assert isinstance(ann.process, Forked)
    with pytest.raises(subprocess.TimeoutExpired):
        ann.process.wait(0.0)
    os.kill(ann.pid, how)
    assert ann.process.wait(PATIENCE_S) == ann.process.poll() == code
    ann.process.send_signal(signal.SIGTERM)
    assert bob.process.poll() is None
    assert homes.results("bob", "status")[0]["running"] is True
