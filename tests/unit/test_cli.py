"""The command line within one process: grammar, exit codes, what is asked and printed. The node is the twin's."""

import io
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from multichat_tui import __version__, cli, logs
from multichat_tui.headless import questions
from multichat_tui.headless.dispatch import VERBS
from multichat_tui.headless.parser import parse
from multichat_tui.headless.questions import posted_words
from multichat_tui.model.errors import UsageError

sys.path.insert(0, str(Path(__file__).parent / "node_api"))
from api_twin import ApiTwin

from multichat_tui.model.errors import Damaged, NewerVersion, ProfileBusy, StorageFailed, WrongPassphrase
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.api.lookup import id_text


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in ("HOME", "PASSPHRASE", "PASSPHRASE_FILE", "PROFILE", "LISTEN", "LAN", "CONNECT", "LOG_FILE"):
        monkeypatch.delenv(f"MULTICHAT_{name}", raising=False)
    monkeypatch.setattr(questions, "has_terminal", lambda: False)
    monkeypatch.setattr(cli, "has_terminal", lambda: False)
    yield
    for name in logs.LOGGED:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.propagate = True
    logging.getLogger("multichat_tui").setLevel(logging.NOTSET)


class Twinned:
    """Stands where the node of an opened profile stands."""

    leaving = False

    def __init__(self, api):
        self.api = api

    async def close(self):
        self.api.stop()


@pytest.fixture
def twin(monkeypatch):
    """Every command finds a profile with a key file and this node in it."""
    from multichat_tui.node.api.launch import ProfileState

    api = ApiTwin()
    api.deliver_at_once = True
    api.error = None
    api.networks = []

    async def open_twin(self, *, passphrase, network):
        if api.error is not None:
            raise api.error
        api.networks.append(network)
        return Twinned(api)

    monkeypatch.setattr(cli.ProfileHost, "open", open_twin)
    monkeypatch.setattr(cli.ProfileHost, "state", lambda self: ProfileState.OPEN)
    return api


@pytest.fixture
def run(tmp_path, capsys):
    """Runs the program: (exit code, standard output, standard error)."""

    def run(*words):
        code = cli.main(["--home", str(tmp_path / "home"), *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def results(text):
    return [json.loads(line) for line in text.splitlines()]


# Grammar


def test_global_options_stand_before_or_after_the_verb():
    for words in (["--json", "--home", "x", "whoami"], ["whoami", "--json", "--home", "x"], ["--home", "x", "whoami", "--json"]):
        args = parse(words)
        assert (args.verb, args.json, args.home) == ("whoami", True, "x")
    args = parse(["channel", "list", "--json"])
    assert (args.verb, args.action, args.json) == ("channel", "list", True)
    assert parse(["channel", "--json", "list"]).json
    assert not parse(["channel", "list"]).json


def test_a_later_place_of_an_option_wins():
    assert parse(["--home", "a", "whoami", "--home", "b"]).home == "b"


@pytest.mark.parametrize(("plural", "singular"), [("contacts", "contact"), ("channels", "channel"), ("peers", "peer")])
def test_plurals_are_aliases(plural, singular):
    args = parse([plural, "list"])
    assert (args.verb, args.action) == (singular, "list")


def test_two_dashes_end_the_options():
    args = parse(["send", "--json", "dev", "--", "--not-an-option", "-x"])
    assert (args.to, args.text, args.json) == ("dev", ["--not-an-option", "-x"], True)


def test_numbers_and_a_dash_are_words():
    assert parse(["send", "dev", "-1"]).text == ["-1"]
    assert parse(["send", "dev", "-"]).text == ["-"]


def test_no_verb_is_the_screens():
    assert parse([]).verb is None


def test_every_verb_of_the_grammar_is_performed():
    lines = [
        "init --name x", "whoami", "paths", "wipe", "node", "status", "events", "do x", "peer list", "net why", "pair invite",
        "pair accept l", "pair nearby", "contact list", "contact show x", "contact verify x",
        "contact unverify x", "contact warnings", "contact ignore x", "contact unignore x", "contact block x",
        "contact unblock x", "contact ignored",
        "contact vouch x", "contact unvouch x", "contact trust x", "contact introduce x y",
        "contact requests", "contact accept x", "contact decline x", "channel create x", "workspace create x", "workspace list",
        "workspace directory x", "workspace make x y", "workspace add x y", "workspace remove x y", "workspace join x y",
        "channel invite x", "channel join l",
        "channel leave x",
        "channel list", "channel members x", "channel role x y admin", "channel kick x y", "channel ban x y",
        "channel unban x y", "channel bans x", "channel lockdown x", "channel permissions x", "channel permission x send admin",
            "channel modlog x", "channel undo x", "channel report x y z", "channel reports x", "channel settle x 1 done",
            "channel roster x", "channel privacy x",
        "channel slow x 30s", "channel archive x", "channel unarchive x", "channel close x", "channel newcomers x all",
        "channel disappear x 7d", "channel keep x 1000", "redact x y", "purge x y --all",
        "channel roles x", "channel kind x", "channel waiting x", "channel approve x y", "channel deny x y",
        "channel public x on",
        "send x y", "post #x #y z", "log x",
            "thread x", "edit x y", "react x y", "pin x", "pins x", "devices list", "devices revoke x",
        "devices rename x y", "devices settle", "account close", "conformance", "complete-names people", "search x",
            "mailbox list", "mailbox add x", "mailbox remove 1",
            "mailbox run", "mailbox host", "mailbox grant x", "mailbox grants", "mailbox revoke x", "mailbox kept",
        "bundle export x", "bundle import x",
    ]  # fmt: skip
    found = {(args.verb, args.action) for args in (parse(line.split()) for line in lines)}
    assert found == set(VERBS)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense", "whoami extra", "--jso whoami", "send", "send dev", "log", "log dev -n x", "log dev -n -1", "log dev -n ²",
        "channel", "channel nonsense", "pair accept", "pair accept l --timeout -1", "pair accept l --timeout nan",
        "pair accept l --timeout inf", "channel invite dev --uses 0", "channel invite dev --uses 99999", "send dev x --wait soon",
        "init", "--home", "init --name x --alone", "init --name x --keep-devices", "init --restore --alone", "devices", "account",
    ],
)  # fmt: skip
def test_what_is_no_command_line_is_a_usage_error(line, capsys):
    assert cli.main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("multichat: ")
    assert "--help" in captured.err


@pytest.mark.parametrize("words", [["--help"], ["send", "--help"], ["pair", "invite", "--help"], ["--version"]])
def test_help_and_version_print_and_end_with_0(words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 0
    assert capsys.readouterr().out


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit):
        parse(["--version"])
    assert capsys.readouterr().out.strip() == f"multichat {__version__}"


@pytest.mark.parametrize(
    "line",
    [
        "channel invite dev --role admin",
        "export dev", "backup f", "restore f",
    ],
)  # fmt: skip
def test_what_is_planned_says_that_it_comes_later(run, line):
    code, out, err = run(*line.split())
    assert code == 2
    assert out == ""
    assert "comes with a later version" in err


def test_the_screens_need_a_terminal(run):
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "terminal" in err


# Texts and configuration


def test_config_says_where_what_and_whether(run, tmp_path):
    assert run("config", "path")[1].strip() == str(tmp_path / "home" / "config.toml")
    assert "there is none" in run("config", "check")[1]
    (tmp_path / "home").mkdir()
    file = tmp_path / "home" / "config.toml"
    file.write_text('lan = false\nlisten = "[::1]:4"\n')
    (found,) = results(run("config", "show", "--listen", "a:1", "--json")[1])
    assert found["settings"]["lan"] == {"value": "false", "source": "file"}
    assert found["settings"]["listen"] == {"value": "a:1", "source": "--listen"}
    assert found["settings"]["profile"] == {"value": "default", "source": "default"}
    assert "in order" in run("config", "check")[1]
    for text, told in (
        ("lna = true", "'lan'"),
        ('listen = "nowhere"', "HOST:PORT"),
        ('profile = "../x"', "profile"),
        ("lan = 1", "true or"),
        ('[keys]\nquit = "f99"', "'f99' is no key"),
        ('[keys]\nfrobnicate = "F5"', "frobnicate"),
        ('theme = "lihgt"', "lihgt"),
        ('[themes.mine]\nbase = "drak"', "'drak'"),
    ):
        file.write_text(text + "\n")
        code, out, err = run("config", "check")
        assert (code, out) == (2, "")
        assert str(file) in err
        assert told in err
        assert run("config", "path")[0] == 0


def test_config_shows_no_passphrase(run, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("MULTICHAT_PASSPHRASE", "mum")
    out = run("config", "show", "--passphrase-file", str(tmp_path / "secret"))[1]
    assert "secret" in out
    assert "hush" not in out
    assert "mum" not in out


def test_completion_and_manual_need_neither_profile_nor_sound_configuration(run, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("broken")
    for words in (("completion", "bash"), ("completion", "zsh"), ("completion", "fish"), ("man",)):
        code, out, err = run(*words)
        assert (code, err) == (0, "")
        assert "multichat" in out
    assert run("completion", "csh")[0] == 2


def test_names_for_completion_are_silent_and_never_ask(run, twin, monkeypatch):
    twin.add_channel("dev")
    twin.add_channel("odd\u202e name")
    twin.add_contact("bob")
    assert run("complete-names", "channels") == (0, "dev\n", "")
    assert run("complete-names", "people") == (0, "@bob\n", "")
    twin.error = Damaged("Broken.")
    assert run("complete-names", "people") == (0, "", "")
    from multichat_tui.node.api.launch import ProfileState

    for state in (ProfileState.LOCKED, ProfileState.NEW):
        monkeypatch.setattr(cli.ProfileHost, "state", lambda self, state=state: state)
        assert run("complete-names", "channels") == (0, "", "")


# Errors and exit codes


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongPassphrase("Wrong."), 4),
        (Damaged("Broken."), 7),
        (NewerVersion("Newer."), 8),
        (StorageFailed("Full."), 9),
        (ZeroDivisionError("secret"), 70),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_their_exit_codes(run, twin, error, code):
    twin.error = error
    got, out, err = run("whoami")
    assert (got, out) == (code, "")
    assert "Traceback" not in err
    assert "secret" not in err


def test_a_busy_profile_is_told_after_patience(run, twin, monkeypatch):
    monkeypatch.setattr("multichat_tui.headless.session.BUSY_PATIENCE_S", 0.0)
    twin.error = ProfileBusy("Somebody else has it.")
    assert run("whoami")[0] == 6


def test_an_error_cannot_move_the_cursor(run, twin):
    twin.error = StorageFailed("bad \x1b[2J", "do \x07 that")
    err = run("whoami")[2]
    assert "\x1b" not in err
    assert "\x07" not in err


def test_without_a_profile_the_way_to_one_is_told(run):
    code, _, err = run("whoami")
    assert code == 3
    assert "multichat init --name" in err


def test_a_mistake_in_the_configuration_is_a_usage_error(run, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("lan = 3\n")
    assert run("whoami")[0] == 2


# What is asked for


def test_init_without_terminal_and_passphrase_does_not_ask(run):
    code, out, err = run("init", "--name", "ann")
    assert (code, out) == (2, "")
    assert "--no-passphrase" in err


def test_wipe_without_terminal_needs_yes(run, twin):
    code, _, err = run("wipe")
    assert code == 2
    assert "--yes" in err


def test_a_locked_profile_without_passphrase_does_not_ask(run, monkeypatch):
    from multichat_tui.node.api.launch import ProfileState

    monkeypatch.setattr(cli.ProfileHost, "state", lambda self: ProfileState.LOCKED)
    code, _, err = run("whoami")
    assert code == 2
    assert "--passphrase-file" in err


def test_a_passphrase_is_asked_for_at_a_terminal(run, twin, monkeypatch):
    from multichat_tui.node.api.launch import ProfileState

    asked = []
    monkeypatch.setattr(cli.ProfileHost, "state", lambda self: ProfileState.LOCKED)
    monkeypatch.setattr(questions, "has_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: asked.append(prompt) or "open sesame")
    assert run("whoami")[0] == 0
    assert asked == ["Passphrase: "]


def test_wipe_asks_at_a_terminal_and_takes_only_yes(run, twin, monkeypatch):
    monkeypatch.setattr(questions, "has_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    code, _, err = run("wipe")
    assert code == 1
    assert "Nothing was deleted" in err


def test_a_message_can_come_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("zwei\nZeilen é\n".encode())))
    assert questions.message_text(["-"]) == "zwei\nZeilen é"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x" * 50_000)))
    with pytest.raises(UsageError, match="at most"):
        questions.message_text(["-"])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    with pytest.raises(UsageError, match="UTF-8"):
        questions.message_text(["-"])
    assert questions.message_text(["a", "-"]) == "a -"


# Commands


def test_whoami(run, twin):
    (row,) = results(run("whoami", "--json")[1])
    assert row["name"] == "me"
    assert set(row) == {"user", "device", "name", "fingerprint"}
    assert "me" in run("whoami")[1]


def test_commands_that_only_read_use_no_network(run, twin):
    twin.add_channel("dev")
    for line in (
        "whoami",
        "channel list",
        "channel members dev",
        "channel bans dev",
        "channel permissions dev",
        "contact list",
        "log dev",
        "status",
        "peer list",
    ):
        assert run(*line.split())[0] == 0
    assert set(twin.networks) == {False}


def test_channel_commands(run, twin):
    (made,) = results(run("channel", "create", "#dev", "--json")[1])
    assert made["name"] == "dev"
    assert [row["name"] for row in results(run("channels", "list", "--json")[1])] == ["dev"]
    assert [row["presence"] for row in results(run("channel", "members", "dev", "--json")[1])] == ["online"]
    (invited,) = results(run("channel", "invite", "dev", "--uses", "2", "--json")[1])
    assert invited["link"] == "multichat:join/abc"
    assert run("channel", "leave", "dev")[0] == 0
    assert run("channel", "list")[1].startswith("No channels yet")


def test_moderation_commands(run, twin):
    dev = twin.add_channel("dev", "bob", "kim lee").id
    code, out, err = run("channel", "role", "dev", "@bob", "moderator", "--reason", "night shift", "--json")
    (row,) = results(out)
    assert (code, row["name"], row["rank"], row["reason"], row["channel"]) == (0, "bob", 50, "night shift", id_text(dev))
    assert "other members hear of it" in err
    code, out, err = run("channel", "ban", "dev", "kim lee", "--for", "7d", "--reason", "spam")
    assert (code, out) == (0, "kim lee is banned from #dev for 1 week.\n")
    assert "multichat channel unban dev 'kim lee'" in err
    (row,) = results(run("channel", "bans", "dev", "--json")[1])
    assert (row["name"], row["reason"], row["by"]) == ("kim lee", "spam", "admin")
    assert "by an admin: spam" in run("channel", "bans", "dev")[1]
    assert run("channel", "unban", "dev", "kim lee")[0] == 0
    assert run("channel", "bans", "dev")[1] == "Nobody is banned from #dev.\n"
    assert run("channel", "role", "dev", "bob", "-1")[1] == "bob is muted in #dev now.\n"
    assert run("channel", "kick", "dev", "bob")[1] == "bob is removed from #dev.\n"
    assert run("channel", "permission", "dev", "send", "founder")[1] == "In #dev founders may write now.\n"
    assert run("channel", "lockdown", "dev", "--off")[1] == "#dev is open again.\n"
    code, out, err = run("channel", "lockdown", "dev", "--reason", "raid")
    assert out.startswith("#dev is locked down")
    assert "lockdown --off dev" in err
    assert run("channel", "permission", "dev", "send", "founder")[0] == 0
    rows = results(run("channel", "permissions", "dev", "--json")[1])
    assert [(row["rank"], row["may"]) for row in rows if row["permission"] == "send"] == [(1000, True)]
    lines = run("channel", "permissions", "dev")[1].splitlines()
    assert lines[0] == "You are a founder in #dev."
    assert len(lines) == 1 + len(rows)
    assert [type(intent).__name__ for intent in twin.intents] == [
        "GiveRank",
        "BanMember",
        "LiftBan",
        "GiveRank",
        "RemoveMember",
        "SetPermission",
        "Lockdown",
        "Lockdown",
        "SetPermission",
    ]


def test_texts_are_taken_away_and_disappear_from_the_command_line(run, twin):
    channel = twin.add_channel("dev", "bob")
    row = twin.arrive(channel.id, "bob", "buy now")
    twin.intents.clear()
    assert run("redact", "dev", id_text(row.id)[:10], "--reason", "spam")[0] == 0
    assert run("purge", "dev", "bob")[0] == 2
    assert run("purge", "dev", "bob", "--last", "1h", "--all")[0] == 2
    assert run("purge", "dev", "bob", "--all", "--reason", "spam")[0] == 0
    assert run("channel", "disappear", "dev", "7d")[0] == 0
    assert run("channel", "disappear", "dev", "1s")[0] == 2
    assert run("send", "dev", "for an hour", "--expires", "1h", "--wait", "queued")[0] == 0
    redact, purge, disappear, send = twin.intents
    assert (redact.targets, redact.reason) == ((row.id,), "spam")
    assert (purge.since_ms, purge.reason) == (0, "spam")
    assert (disappear.key.name, disappear.value) == ("RETENTION", 7 * 24 * 3_600_000)
    assert send.lives_ms == 3_600_000


def test_how_much_of_a_channel_is_kept_here_from_the_command_line(run, twin):
    twin.add_channel("dev", "bob")
    assert run("channel", "keep", "dev", "most")[0] == 2
    assert "the newest 1,000 messages of #dev" in run("channel", "keep", "dev", "1000")[1]
    assert results(run("channel", "keep", "dev", "--json")[1])[0]["keep"] == "1000"
    assert results(run("channel", "keep", "dev", "usual", "--json")[1])[0]["keep"] == "usual"


def test_the_log_says_when_a_message_is_gone(run, twin):
    channel = twin.add_channel("dev", "bob")
    twin.arrive(channel.id, "bob", "stays")
    twin.arrive(channel.id, "bob", "goes")
    twin.messages[-1] = replace(twin.messages[-1], expires_ms=1_795_288_000_000)
    assert [each["expires"] for each in results(run("log", "dev", "--json")[1])] == [None, 1_795_288_000_000]


def test_settings_of_a_channel_from_the_command_line(run, twin):
    twin.add_channel("dev", "bob")
    assert run("channel", "kind", "dev", "broadcast")[1].startswith("#dev is broadcast now. ")
    assert results(run("channel", "kind", "dev", "--json")[1])[0]["kind"] == "broadcast"
    assert run("channel", "waiting", "dev")[1] == "Nobody asks to be let into #dev.\n"
    assert run("channel", "approve", "dev", "eve")[0] == 3
    assert run("channel", "create", "news", "--kind", "brodcast")[0] == 2
    assert "multichat channel invite dev --read" in run("channel", "kind", "dev", "public")[2]
    assert "multichat channel invite news --read" in run("channel", "create", "news", "--kind", "public")[2]
    twin.intents.clear()
    assert run("channel", "slow", "dev", "30s", "--reason", "raid")[1] == "#dev: one message in 30 seconds from each member.\n"
    code, out, err = run("channel", "archive", "dev")
    assert (code, out) == (0, "#dev is archived: all can read it, and nobody writes.\n")
    assert "multichat channel unarchive dev" in err
    assert run("channel", "unarchive", "dev")[0] == 0
    assert run("channel", "close", "dev")[0] == 2
    (row,) = results(run("channel", "close", "dev", "--yes", "--json")[1])
    assert (row["setting"], row["value"]) == ("closed", 1)
    assert run("channel", "newcomers", "dev", "30d")[1] == "Newcomers to #dev see the last 30 days before their joining.\n"
    assert run("channel", "newcomers", "dev", "long")[0] == 2
    assert run("channel", "public", "dev", "on")[1] == "Everybody with a link can read #dev now.\n"
    assert run("channel", "public", "dev", "perhaps")[0] == 2
    (link,) = results(run("channel", "invite", "dev", "--read", "--json")[1])
    assert link["read"] is True
    assert twin.intents.pop().read is True
    assert [(each.key.name, each.value) for each in twin.intents] == [
        ("SLOW_MODE", 30_000),
        ("ARCHIVED", 1),
        ("ARCHIVED", 0),
        ("CLOSED", 1),
        ("HISTORY", 32),
        ("READING", 1),
    ]


def test_moderation_commands_that_are_mistyped_change_nothing(run, twin):
    twin.add_channel("dev", "bob")
    for line in ("role dev bob boss", "permission dev sned admin", "permission dev send boss", "ban dev bob --for ever"):
        assert run("channel", *line.split())[0] == 2
    for line in ("kick dev zoe", "unban dev bob", "bans nowhere"):
        assert run("channel", *line.split())[0] == 3
    assert twin.intents == []


def test_an_invitation_alone_warns_that_somebody_must_be_online(run, twin):
    code, out, err = run("pair", "invite")
    assert (code, out) == (0, "multichat:pair/abc\n")
    assert "node" in err


def test_unknown_channels_and_contacts_end_with_3(run, twin):
    twin.add_channel("planning")
    missing = "log planing", "send planing hi", "channel leave nowhere", "contact show zoe", "send @zoe hi", "do -c nope /names"
    for line in missing:
        assert run(*line.split())[0] == 3
    assert "planning" in run("log", "planing")[2]


def test_send_says_how_far_it_came(run, twin):
    twin.add_channel("dev", "bob")
    (row,) = results(run("send", "dev", "hello", "there", "--json")[1])
    assert (row["state"], row["delivered"], row["total"]) == ("delivered-all", 1, 1)
    assert twin.messages[-1].text == "hello there"
    assert row["id"] == results(run("log", "dev", "--json")[1])[-1]["id"]


def test_send_that_nobody_gets_in_time(run, twin, monkeypatch):
    monkeypatch.setattr("multichat_tui.headless.verbs.messages.ALONE_PATIENCE_S", 0.05)
    twin.deliver_at_once = False
    twin.add_channel("dev", "bob")
    code, out, err = run("send", "dev", "hi")
    assert code == 0
    assert "queued" in out
    assert "multichat node" in err
    code, out, _ = run("send", "dev", "hi", "--wait", "delivered", "--timeout", "0.05", "--json")
    assert code == 5
    assert results(out)[0]["state"] == "queued"
    twin.networks.clear()
    assert run("send", "dev", "hi", "--wait", "queued")[0] == 0
    assert twin.networks == [False]


def test_send_refused_ends_with_1(run, twin):
    twin.add_channel("dev")
    assert run("send", "dev", "   ")[0] == 1


def test_a_reply_names_what_it_answers_by_the_beginning_of_its_id(run, twin):
    dev, ops = twin.add_channel("dev", "bob"), twin.add_channel("ops", "bob")
    first, elsewhere = twin.arrive(dev.id, "bob", "who waters?"), twin.arrive(ops.id, "bob", "elsewhere")
    prefix = results(run("log", "dev", "--json")[1])[0]["id"][:8]
    (sent,) = results(run("send", "dev", "I do", "--reply", prefix, "--json")[1])
    assert twin.messages[-1].reply_to == first.id
    rows = results(run("thread", sent["id"][:10], "--json")[1])
    assert [row["text"] for row in rows] == ["who waters?", "I do"]
    assert rows == results(run("thread", id_text(first.id), "--json")[1])
    assert "I do" in run("thread", prefix)[1]
    assert run("send", "dev", "x", "--reply", id_text(elsewhere.id))[0] == 3, "a reply stays in its channel"
    assert run("send", "dev", "x", "--reply", id_text(elsewhere.id)[:8])[0] == 3
    assert run("thread", "a" * 52)[0] == 3
    assert run("thread", "no-id")[0] == 2
    assert len(twin.messages) == 3


def test_log_pages_back_by_id(run, twin):
    dev = twin.add_channel("dev")
    for number in range(1200):
        twin.arrive(dev.id, "bob", f"message {number}")
    assert [row["text"] for row in results(run("log", "dev", "-n", "2", "--json")[1])] == ["message 1198", "message 1199"]
    everything = results(run("log", "dev", "-n", "1100", "--json")[1])
    assert [row["text"] for row in everything] == [f"message {number}" for number in range(100, 1200)]
    before = everything[0]["id"]
    assert [row["text"] for row in results(run("log", "dev", "-n", "1", "--before", before, "--json")[1])] == ["message 99"]
    assert run("log", "dev", "--before", "abc")[0] == 2
    assert run("log", "dev", "--before", "a" * 52)[0] == 3


def test_search_finds_in_all_channels_or_where_it_is_told(run, twin):
    dev, ops = twin.add_channel("dev", "bob"), twin.add_channel("ops", "kim")
    twin.arrive(dev.id, "bob", "the red boat")
    twin.arrive(ops.id, "kim", "another Boat")
    twin.arrive(ops.id, "kim", "no ship")
    code, out, err = run("search", "boat")
    assert (code, err) == (0, "")
    assert [line.split("  ", 1)[1] for line in out.splitlines()] == ["#ops  kim: another Boat", "#dev  bob: the red boat"]
    (row,) = results(run("search", "boat", "--channel", "dev", "--json")[1])
    assert (row["text"], row["name"], row["places"], row["late"]) == ("the red boat", "bob", [[8, 12]], False)
    assert [row["text"] for row in results(run("search", "--from", "kim", "--json")[1])] == ["no ship", "another Boat"]
    assert [row["text"] for row in results(run("search", "bo*", "from:kim", "--json")[1])] == ["another Boat"]
    assert len(results(run("search", "boat", "-n", "1", "--json")[1])) == 1
    assert run("search", "boat", "--after", "2030")[2] == "Nothing is found.\n"
    assert run("search", "boat", "--before", "2030-01-01")[1].count("\n") == 2
    assert run("search")[0] == 2
    assert run("search", "boat", "--after", "soon")[0] == 2
    code, _, err = run("search", "boat", "--from", "kin")
    assert code == 3
    assert "Did you mean 'kim'" in err
    twin.indexed_percent = 40
    assert "Indexing 40 %" in run("search", "boat")[2]


def test_search_goes_on_beyond_a_page(run, twin):
    dev = twin.add_channel("dev")
    for number in range(450):
        twin.arrive(dev.id, "bob", f"boat {number}")
    found = [row["text"] for row in results(run("search", "boat", "-n", "430", "--json")[1])]
    assert found == [f"boat {number}" for number in range(449, 19, -1)]


def test_messages_cannot_forge_lines_or_move_the_cursor(run, twin):
    dev = twin.add_channel("dev")
    twin.arrive(dev.id, "mal\x1b[1mlory", "hi\n2026-01-01 00:00:00  ann: I agree\x1b[A\u202e")
    first, second = run("log", "dev")[1].splitlines()
    assert "\x1b" not in first + second
    assert "\u202e" not in second
    assert second.startswith(" " * 20)


def test_waiting_for_a_join_and_a_pairing_times_out_with_5(run, twin):
    code, out, err = run("channel", "join", "multichat:join/x", "--timeout", "0.05", "--json")
    assert code == 5
    assert results(out)[0]["membership"] == "joining"
    assert "goes on" in err
    code, out, err = run("pair", "accept", "multichat:pair/x", "--timeout", "0.05", "--json")
    assert code == 5
    assert results(out)[0]["pending"] is True
    assert "goes on" in err


def test_a_refused_join_ends_with_1(run, twin, monkeypatch):
    real = twin.add_channel
    monkeypatch.setattr(twin, "add_channel", lambda name, **kw: real(name, membership=Membership.REFUSED))
    assert run("channel", "join", "multichat:join/x")[0] == 1


def test_links_of_the_other_kind_are_pointed_out(run, twin):
    code, _, err = run("channel", "join", "multichat:pair/x")
    assert code == 2
    assert "pair accept" in err
    code, _, err = run("pair", "accept", "multichat:join/x")
    assert code == 2
    assert "channel join" in err
    assert twin.intents == []


def test_do_runs_slash_commands(run, twin):
    twin.add_channel("dev")
    assert results(run("do", "-c", "dev", "/names", "--json")[1])[0]["members"][0]["me"] is True
    assert run("do", "names", "-c", "dev")[1].startswith("1 member")
    assert run("do", "/nmaes")[0] == 2
    assert run("do", "/names")[0] == 2


def test_status_says_whether_a_node_runs(run, twin):
    code, out, err = run("status", "--json")
    assert code == 0
    assert results(out)[0]["running"] is False
    assert results(out)[0]["counters"] == {"not-cbor": 3}
    assert "No node is running" in err


def test_paths_names_files_and_socket(run, tmp_path):
    (row,) = results(run("paths", "--json")[1])
    assert set(row) == {"config", "profile", "log", "socket"}
    assert row["profile"].startswith(str(tmp_path))


# The log


def test_the_log_tells_where_an_exception_came_from_and_not_what_it_quotes():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.KeyValueFormatter())
    logger = logging.Logger("room")
    logger.addHandler(handler)
    try:
        raise ValueError("what somebody wrote")
    except ValueError:
        logger.exception("control request=failed")
    line, *frames = stream.getvalue().splitlines()
    assert "level=ERROR room=room" in line
    assert line.endswith("control request=failed")
    assert any("test_cli.py" in frame for frame in frames)
    assert frames[-1] == "ValueError"
    assert "somebody" not in stream.getvalue().replace('raise ValueError("what somebody wrote")', "")


def test_verbose_logs_to_standard_error(run, twin, monkeypatch):
    twin.error = ZeroDivisionError("secret")
    code, _, err = run("whoami", "-v")
    assert code == 70
    assert "level=ERROR room=multichat_tui.cli" in err
    assert "ZeroDivisionError" in err


def test_what_is_posted_from_the_command_line_has_its_channels_first_and_its_last_word_is_text() -> None:
    assert posted_words(["#a", "@bob", "down", "#for", "an hour"]) == (("#a", "@bob"), ["down", "#for", "an hour"])
    assert posted_words(["#a", "#b"]) == (("#a",), ["#b"])
    assert posted_words(["#a", "-"]) == (("#a",), ["-"])
    with pytest.raises(UsageError, match="channels come first"):
        posted_words(["a", "#b", "text"])
