"""The program as people and scripts run it: real processes, real files, real links on loopback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from queue import Queue

import pytest
from programs import run, start

from multichat_tui.model.codec import decode, encode
from multichat_tui.model.ids import digest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 150


class Machine:
    """Homes and a runtime directory of a test; ends every process that it has started."""

    def __init__(self, base):
        self.base = base
        self.running = []
        self.whole = False
        """Whether programs are loaded again for each run, as people start them."""

    def environment(self, **extra):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MULTICHAT_")}
        return kept | {"XDG_RUNTIME_DIR": str(self.base), "PYTHONPATH": str(ROOT)} | extra

    def command(self, who, *words):
        return [sys.executable, "-m", "multichat_tui", "--home", str(self.base / who), *words]

    def run(self, who, *words, stdin=b"", **extra):
        """(exit code, standard output, standard error) of a command."""
        command, environment = self.command(who, *words), self.environment(**extra)
        if self.whole:
            done = subprocess.run(command, capture_output=True, env=environment, input=stdin, timeout=PATIENCE_S, check=False)
        else:
            done = run(command, environment, said=stdin, timeout=PATIENCE_S)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def results(self, who, *words, **extra):
        """The JSON objects of a command that must succeed."""
        code, out, err = self.run(who, "--json", *words, **extra)
        assert code == 0, (words, code, err)
        return [json.loads(line) for line in out.splitlines()]

    def start(self, who, *words, **extra):
        process = Lines(self.command(who, *words), self.environment(**extra), whole=self.whole)
        self.running.append(process)
        return process

    def node(self, who, *words):
        """A node on loopback, and the addresses at which it listens."""
        process = self.start(who, "node", "--no-lan", "--listen", "127.0.0.1:0", *words)
        ready = process.next()
        assert ready["event"] == "ready"
        process.listen = ready["listen"]
        return process

    def stop(self):
        for process in self.running:
            process.end(signal.SIGKILL)


class Lines:
    """A process whose lines of JSON can be waited for."""

    def __init__(self, command, environment, *, whole=False):
        begin = subprocess.Popen if whole else start
        self.process = begin(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment)
        self.lines = Queue()
        self.listen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def next(self):
        line = self.lines.get(timeout=PATIENCE_S)
        if line is None:
            pytest.fail(f"ended with {self.process.wait()}: {self.process.stderr.read().decode()}")
        return json.loads(line)

    def until(self, condition):
        while not condition(found := self.next()):
            pass
        return found

    def end(self, how):
        """The exit code after this signal."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout=PATIENCE_S)
        self.reader.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@pytest.fixture
def machine():
    base = Path(tempfile.mkdtemp(prefix="mc-e2e-"))
    made = Machine(base)
    yield made
    made.stop()
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def whole(machine):
    """A machine on which each program is begun from the first line."""
    machine.whole = True
    return machine


def init(machine, *people):
    for name in people:
        machine.results(name, "init", "--name", name, "--no-passphrase")


def test_from_two_empty_homes_to_a_delivered_message_in_a_dozen_commands(whole):
    machine = whole
    count = 0

    def results(who, *words):
        nonlocal count
        count += 1
        return machine.results(who, *words)

    results("ann", "init", "--name", "ann", "--no-passphrase")
    results("bob", "init", "--name", "bob", "--no-passphrase")
    machine.node("ann")
    machine.node("bob")
    count += 2
    link = results("ann", "pair", "invite")[0]["link"]
    (paired,) = results("bob", "pair", "accept", link)
    assert paired["name"] == "ann"
    assert not paired["verified"]
    (sent,) = results("bob", "send", "@ann", "hello ann", "--wait", "delivered")
    assert sent["state"] == "delivered-all"
    rows = results("ann", "log", "@bob")
    assert [(row["text"], row["name"], row["mine"]) for row in rows if row["kind"] == "message"] == [("hello ann", "bob", False)]
    assert rows[-1]["id"] == sent["id"]
    assert count <= 12


def test_a_channel_between_three_and_a_member_who_comes_back(machine):
    code, out, err = machine.run("unused", "demo", "--headless", "--json")
    steps = [json.loads(line) for line in out.splitlines()]
    assert code == 0, (steps, err)
    assert steps[-1]["delivered"] is True
    assert not (machine.base / "unused").exists()


def test_safety_numbers_agree_on_both_sides(machine):
    init(machine, "ann", "bob")
    machine.node("ann")
    link = machine.results("ann", "pair", "invite")[0]["link"]
    (paired,) = machine.results("bob", "pair", "accept", link)
    (shown,) = machine.results("ann", "contact", "show", "bob")
    assert paired["safety_number"] == shown["safety_number"]
    assert len(shown["safety_number"].replace(" ", "")) == 60


def test_commands_without_a_running_node_work_alone_and_say_what_was_reached(machine):
    init(machine, "ann")
    machine.results("ann", "channel", "create", "dev")
    (sent,) = machine.results("ann", "send", "dev", "--", "--to myself")
    assert sent["state"] == "alone"
    assert machine.run("ann", "send", "dev", "-", stdin=b"zwei\nZeilen\n")[0] == 0
    texts = [row["text"] for row in machine.results("ann", "log", "dev") if row["kind"] == "message"]
    assert texts == ["--to myself", "zwei\nZeilen"]
    assert machine.results("ann", "status")[0]["running"] is False


def test_commands_attach_to_the_running_node(machine):
    init(machine, "ann")
    node = machine.node("ann")
    assert machine.results("ann", "status")[0]["listen"] == node.listen
    (made,) = machine.results("ann", "channel", "create", "dev")
    node.until(lambda line: line["event"] == "channel_changed" and line["row"]["id"] == made["channel"])
    machine.results("ann", "send", "dev", "attached")
    seen = node.until(lambda line: line["event"] == "message_added" and line["row"]["text"] == "attached")
    assert seen["row"]["mine"] is True
    outcome = machine.results("ann", "do", "-c", "dev", "/topic all of it")[0]
    assert outcome["topic"] == "all of it"
    assert machine.results("ann", "channel", "list")[0]["topic"] == "all of it"


def test_a_search_finds_with_and_without_a_running_node(machine):
    init(machine, "ann")
    for channel, text in (("dev", "The red boat, naïve 北京 #1"), ("ops", "a blue Boat"), ("ops", "no ship")):
        if not any(row["name"] == channel for row in machine.results("ann", "channel", "list")):
            machine.results("ann", "channel", "create", channel)
        machine.results("ann", "send", channel, text, "--wait", "queued")

    def texts(*words):
        return [row["text"] for row in machine.results("ann", "search", *words)]

    def all_of_them():
        assert texts("boat") == ["a blue Boat", "The red boat, naïve 北京 #1"]
        assert texts("naive", "北京") == ["The red boat, naïve 北京 #1"]
        assert texts("boat", "--channel", "ops", "--from", "me", "--after", "1d") == ["a blue Boat"]
        assert texts('"boat red"') == []
        code, _, err = machine.run("ann", "search", "boat", "--channel", "opps")
        assert code == 3
        assert "Did you mean 'ops'" in err

    all_of_them()
    machine.node("ann")
    all_of_them()
    (found,) = machine.results("ann", "do", "/search ship")
    assert found["messages"][0]["text"] == "no ship"
    (gone_to,) = machine.results("ann", "do", f"/jump {found['messages'][0]['id']}")
    assert gone_to["text"] == "no ship"


def test_log_follow_and_events_stream_until_the_node_stops(machine):
    init(machine, "ann")
    node = machine.node("ann")
    machine.results("ann", "channel", "create", "dev")
    machine.results("ann", "send", "dev", "one")
    following = machine.start("ann", "--json", "log", "dev", "--follow", "-n", "1")
    assert following.next()["text"] == "one"
    events = machine.start("ann", "events", "--channel", "dev")
    assert b"Listening" in events.process.stderr.readline()
    for text in ("two", "three"):
        machine.results("ann", "send", "dev", text)
    assert [following.next()["text"] for _ in range(2)] == ["two", "three"]
    assert events.until(lambda line: line["event"] == "message_added")["row"]["text"] == "two"
    assert node.end(signal.SIGTERM) == 0
    assert following.process.wait(PATIENCE_S) == 6
    assert events.process.wait(PATIENCE_S) == 6


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_node_ends_cleanly(whole, how, code):
    machine = whole
    init(machine, "ann")
    node = machine.node("ann")
    socket = Path(machine.results("ann", "paths")[0]["socket"])
    assert socket.exists()
    assert node.end(how) == code
    assert not socket.exists()
    assert machine.results("ann", "whoami")[0]["name"] == "ann"


def test_a_killed_node_leaves_a_profile_that_opens_and_a_socket_that_is_replaced(machine):
    init(machine, "ann")
    machine.node("ann").end(signal.SIGKILL)
    assert Path(machine.results("ann", "paths")[0]["socket"]).exists()
    assert machine.results("ann", "whoami")[0]["name"] == "ann"
    machine.node("ann")
    assert machine.results("ann", "status")[0]["running"] is True


def test_a_second_node_of_one_profile_is_busy(machine):
    init(machine, "ann")
    machine.node("ann")
    code, out, err = machine.run("ann", "node")
    assert code == 6
    assert out == ""
    assert "Traceback" not in err
    assert machine.run("ann", "wipe", "--yes")[0] == 6
    assert machine.results("ann", "whoami")[0]["name"] == "ann"


def test_a_held_lock_without_a_socket_is_busy(machine):
    init(machine, "ann")
    machine.node("ann")
    Path(machine.results("ann", "paths")[0]["socket"]).unlink()
    assert machine.run("ann", "whoami")[0] == 6


def test_passphrases(machine):
    secret = machine.base / "passphrase"
    secret.write_text("correct horse\n")
    wrong = machine.base / "wrong"
    wrong.write_text("wrong\n")
    (made,) = machine.results("ann", "init", "--name", "ann", "--passphrase-file", str(secret))
    assert len(made["recovery_phrase"].split()) == 24
    assert machine.run("ann", "whoami", "--passphrase-file", str(wrong))[0] == 4
    assert machine.run("ann", "whoami")[0] == 2
    (me,) = machine.results("ann", "whoami", MULTICHAT_PASSPHRASE="correct horse")
    assert me["user"] == made["user"]
    node = machine.start("ann", "node", "--no-lan", "--passphrase-file", str(secret))
    assert node.next()["user"] == made["user"]
    assert machine.results("ann", "whoami") == [me]


def test_the_recovery_phrase_can_go_to_a_new_file_only(machine):
    target = machine.base / "phrase"
    (made,) = machine.results("ann", "init", "--name", "ann", "--no-passphrase", "--recovery-file", str(target))
    assert "recovery_phrase" not in made
    assert len(target.read_text().split()) == 24
    assert target.stat().st_mode & 0o777 == 0o600
    code, _, err = machine.run("bob", "init", "--name", "bob", "--no-passphrase", "--recovery-file", str(target))
    assert code == 2
    assert "exists" in err
    assert machine.run("bob", "whoami")[0] == 3


def test_a_name_that_cannot_be_one_makes_no_profile(machine):
    assert machine.run("ann", "init", "--name", "\x1b[2J", "--no-passphrase")[0] == 1
    assert machine.run("ann", "whoami")[0] == 3


def test_init_never_overwrites_and_wipe_deletes(machine):
    init(machine, "ann")
    assert machine.run("ann", "init", "--name", "eve", "--no-passphrase")[0] == 1
    assert machine.results("ann", "whoami")[0]["name"] == "ann"
    assert machine.run("ann", "wipe")[0] == 2
    profile = Path(machine.results("ann", "paths")[0]["profile"])
    machine.results("ann", "wipe", "--yes")
    assert not profile.exists() or not any(profile.iterdir())
    assert machine.run("ann", "whoami")[0] == 3


def test_a_damaged_database_ends_with_7(machine):
    init(machine, "ann")
    profile = Path(machine.results("ann", "paths")[0]["profile"])
    database = profile / "messages.db"
    content = bytearray(database.read_bytes())
    content[: len(content)] = bytes(b ^ 0x5A for b in content)
    database.write_bytes(content)
    code, out, err = machine.run("ann", "whoami")
    assert (code, out) == (7, "")
    assert "Traceback" not in err


def test_a_profile_of_a_newer_version_ends_with_8_and_stays_as_it_is(machine):
    init(machine, "ann")
    keys = Path(machine.results("ann", "paths")[0]["profile"]) / "keys"
    body = decode(keys.read_bytes(), 4096)[1]
    newer = encode({0: 2, 1: body, 2: digest("mc.keysfile", (2).to_bytes(4, "big"), body)})
    keys.write_bytes(newer)
    code, out, err = machine.run("ann", "whoami")
    assert (code, out) == (8, ""), err
    assert keys.read_bytes() == newer


def test_a_home_that_cannot_be_written_ends_with_9(machine):
    (machine.base / "file").write_text("in the way")
    code, out, err = machine.run("file", "init", "--name", "ann", "--no-passphrase")
    assert (code, out) == (9, ""), err
    assert "Traceback" not in err


def test_an_address_that_is_taken_ends_with_1(machine):
    init(machine, "ann", "bob")
    taken = machine.node("ann").listen[0]
    code, out, err = machine.run("bob", "node", "--no-lan", "--listen", taken)
    assert (code, out) == (1, ""), err
    assert taken.rpartition(":")[2] in err


def test_a_recorded_home_is_all_that_is_written(machine):
    init(machine, "ann")
    machine.results("ann", "channel", "create", "dev", HOME=str(machine.base / "elsewhere"))
    assert not (machine.base / "elsewhere").exists()


def test_timeouts_end_with_5_and_say_that_it_goes_on(machine):
    init(machine, "ann", "bob")
    link = machine.results("ann", "pair", "invite", "--no-lan", "--listen", "127.0.0.1:0")[0]["link"]
    code, out, err = machine.run("bob", "pair", "accept", link, "--timeout", "0.3", "--no-lan", "--json")
    assert code == 5, err
    assert json.loads(out)["pending"] is True
    assert "goes on" in err


def test_output_into_a_pipe_that_closes_is_no_error(machine):
    init(machine, "ann")
    machine.results("ann", "channel", "create", "dev")
    machine.results("ann", "do", "/set")
    process = subprocess.Popen(
        machine.command("ann", "log", "dev"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=machine.environment()
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(PATIENCE_S) == 0, err
    assert err == b""


def test_the_log_file_holds_no_names_and_no_texts(machine):
    init(machine, "ann")
    node = machine.node("ann")
    machine.results("ann", "channel", "create", "planetarium")
    machine.results("ann", "send", "planetarium", "bodysnatcher")
    assert node.end(signal.SIGTERM) == 0
    log = Path(machine.results("ann", "paths")[0]["log"]).read_text()
    assert "node started=yes" in log
    for secret in ("planetarium", "bodysnatcher", "ann "):
        assert secret not in log


IMPORTS = """
import sys
from multichat_tui import cli
code = cli.main(sys.argv[1:])
unwanted = sorted(name for name in sys.modules if name.split(".")[0] in ("textual", "rich", "aiortc"))
print(code, unwanted, file=sys.stderr)
"""


def test_a_headless_node_imports_neither_screens_nor_webrtc(machine):
    init(machine, "ann")
    process = Lines(
        [sys.executable, "-c", IMPORTS, "--home", str(machine.base / "ann"), "node", "--listen", "127.0.0.1:0", "--no-lan"],
        machine.environment(),
    )
    machine.running.append(process)
    assert process.next()["event"] == "ready"
    machine.results("ann", "channel", "create", "dev")
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(PATIENCE_S) == 0
    assert process.process.stderr.read().decode().strip() == "0 []"
