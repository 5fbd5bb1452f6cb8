"""What is made from the grammar: completion in real shells, the manual page, and documents that cannot fall behind."""

import os
import pty
import re
import select
import shutil
import subprocess
from pathlib import Path

import pytest
from requirements import Require

from multichat_tui.config import FILE_SETTINGS, Arguments, load
from multichat_tui.headless.completed import SHELLS
from multichat_tui.headless.completion import completion_script
from multichat_tui.headless.manual import _escaped, manual_page
from multichat_tui.headless.parser import LATER_VERBS, grammar, parse
from multichat_tui.model.errors import UsageError

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60
NAMES = ("garden", "go", "two words", "$(touch hit)", "`touch hit`", "a'b\"c", "*")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A `multichat` that knows names and notes what it was asked."""
    place = tmp_path / "bin"
    place.mkdir()
    names = tmp_path / "names"
    names.write_text("".join(f"{name}\n" for name in NAMES))
    made = place / "multichat"
    made.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {names}\n')
    made.chmod(0o755)
    return made


PLAIN = {"bash": ("--norc", "--noprofile"), "zsh": ("-f",), "fish": ("--no-config",)}


def run(shell: str, script: str, program: Path) -> str:
    done = subprocess.run(
        [
            shell,
            *(("--norc", "--noprofile") if shell == "bash" else ("-f",) if shell == "zsh" else ("--no-config",)),
            "-c",
            script,
        ],
        capture_output=True,
        cwd=program.parent,
        env={"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(program.parent), "LANG": "C.UTF-8"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def bash(program: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    script = completion_script("bash", grammar()) + f"\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _multichat\n"
    return run("bash", script + 'printf "%s\\n" "${COMPREPLY[@]}"', program).splitlines()


def test_bash_completes_commands_actions_options_and_values(program: Path) -> None:
    verbs = bash(program, "multichat", "")
    assert {"send", "log", "channel", "channels", "pair", "config", "demo"} <= set(verbs)
    assert not set(verbs) & {"complete-names", *LATER_VERBS}
    assert bash(program, "multichat", "comp") == ["completion"]
    assert set(bash(program, "multichat", "channels", "me")) == {"members", "member"}
    assert "create" in bash(program, "multichat", "--home", "x", "channel", "")
    assert bash(program, "multichat", "completion", "") == list(SHELLS)
    assert bash(program, "multichat", "send", "--wai") == ["--wait"]
    assert "--json" in bash(program, "multichat", "whoami", "--")
    assert "--recovery-file" not in bash(program, "multichat", "whoami", "--")
    assert "queued" in bash(program, "multichat", "send", "dev", "x", "--wait", "")
    assert bash(program, "multichat", "channel", "role", "dev", "bob", "mod") == ["moderator"]
    assert bash(program, "multichat", "channel", "permission", "dev", "top") == ["topic"]
    assert bash(program, "multichat", "init", "--name", "") == [""]


def test_bash_completes_names_without_ever_expanding_them(program: Path) -> None:
    found = bash(program, "multichat", "log", "")
    assert len(found) == 2 * len(NAMES), "channels and people"
    assert "two\\ words" in found
    assert bash(program, "multichat", "--home", "/some where", "log", "ga") == ["garden", "garden"]
    asked = (program.parent.parent / "asked").read_text().splitlines()
    assert asked[-2:] == ["--home /some where complete-names channels", "--home /some where complete-names people"]
    assert bash(program, "multichat", "contact", "show", "$(") == ["\\$\\(touch\\ hit\\)"]
    assert not (program.parent / "hit").exists()
    assert bash(program, "multichat", "channel", "create", "") == [""], "a new name is not there yet"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_script(shell: str, program: Path, require: Require) -> None:
    require(shutil.which(shell) is not None, f"{shell} is needed")
    script = completion_script(shell, grammar())
    if shell == "zsh":
        run(shell, f"autoload -Uz compinit; compinit -u -D\n{script}\nprint -r -- $_comps[multichat]", program)
        return
    offered = run(shell, f"{script}\ncomplete -C 'multichat channel '", program)
    assert {"create", "join", "members"} <= {line.split("\t")[0] for line in offered.splitlines()}
    offered = run(shell, f"{script}\ncomplete -C 'multichat log '", program)
    assert {"garden", "two words", "$(touch hit)"} <= {line.split("\t")[0] for line in offered.splitlines()}
    assert not (program.parent / "hit").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", ["bundle import ", "--passphrase-file ", "--passphrase-file="])
def test_every_shell_completes_a_directory_with_a_slash_and_goes_on_inside(
    shell: str, line: str, program: Path, require: Require
) -> None:
    require(shutil.which(shell) is not None, f"{shell} is needed")
    (program.parent / "from").mkdir()
    for name in ("friends.mcb", "from/one.mcb", "from/two words.mcb"):
        (program.parent / name).touch()
    script = completion_script(shell, grammar())
    if shell == "fish":
        for begun, offered in (("fro", ["from/"]), ("from/", ["from/one.mcb", "from/two words.mcb"])):
            found = run(shell, f"{script}\ncomplete -C 'multichat {line}{begun}'", program).splitlines()
            assert [each.split("\t")[0].rpartition("=")[2] for each in found] == offered
        return
    shown = at_the_prompt(shell, script, f"multichat {line}fro\to\t", "one.mcb ", program)
    assert "from/" in shown
    assert "no matches" not in shown
    assert "two\\ words.mcb " in at_the_prompt(shell, script, f"multichat {line}from/t\t", "mcb ", program)


def at_the_prompt(shell: str, script: str, keys: str, until: str, program: Path) -> str:
    """What a shell shows at its prompt for keys that are typed there, up to a text that must come."""
    began = "autoload -Uz compinit; compinit -u -D\n" if shell == "zsh" else ""
    (program.parent.parent / "script").write_text(f"{began}{script}\necho rea''dy\n")
    terminal, other_end = pty.openpty()
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(program.parent),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
    }
    words = [shell, *PLAIN[shell], "-i"]
    ends = {"stdin": other_end, "stdout": other_end, "stderr": other_end}
    prompt = subprocess.Popen(words, cwd=program.parent, env=environment, start_new_session=True, **ends)
    try:
        os.write(terminal, b" . ../script\n")
        shown = ""
        for awaited, typed in (("ready", keys), (until, "")):
            shown = ""
            while awaited not in shown:
                assert select.select([terminal], [], [], PATIENCE_S)[0], shown
                shown += os.read(terminal, 65536).decode(errors="replace")
            os.write(terminal, typed.encode())
        return shown
    finally:
        prompt.kill()
        prompt.wait()
        os.close(terminal)
        os.close(other_end)


def test_scripts_and_manual_follow_the_parser() -> None:
    found = grammar()
    texts = [completion_script(shell, found) for shell in SHELLS] + [manual_page(found, "1").replace("\\-", "-")]
    for command in found.commands():
        required = [word.choices[0] if word.choices else "1" for word in command.words]
        required += ["--headless"] if command.path == ("demo",) else []
        required += [w for option in command.options if option.names == ("--name",) for w in ("--name", "x")]
        args = parse([*command.path, *required])
        assert (args.verb, args.action)[: len(command.path)] == command.path
        for text in texts:
            assert command.path[-1] in text
            for option in command.options:
                assert option.names[-1].lstrip("-") in text


def test_the_manual_page_is_sound_roff(tmp_path: Path, require: Require) -> None:
    page = manual_page(grammar(), "0.1.0")
    for line in page.splitlines():
        assert re.fullmatch(r"\.(TH|SH|TP|RS|RE|PP|B)\b.*|[^.'].*", line), line
        assert not re.search(r"\\(?![fe&(-])", line), line
    assert page.count(".RS") == page.count(".RE")
    assert _escaped(".SH \\n'-") == r"\&.SH \en\(aq\-"
    require(shutil.which("groff") is not None, "groff is needed")
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww"], input=page.encode(), capture_output=True, check=True, timeout=60)
    assert not done.stderr, done.stderr.decode()
    assert b"multichat" in done.stdout


def test_the_example_of_the_configuration_document_is_in_order(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    example = text.partition("```toml\n")[2].partition("```")[0]
    secret = tmp_path / "secret"
    secret.write_text("open\n")
    (tmp_path / "config.toml").write_text(example.replace("~/.multichat-passphrase", str(secret)))
    settings = load(Arguments(home=str(tmp_path)), {})
    assert (settings.profile, settings.line, settings.lan) == ("work", True, False)
    assert len(settings.connect) == 2
    assert example.count(" = ") == len(FILE_SETTINGS)
    (tmp_path / "config.toml").write_text('lisen = "x:1"\n')
    with pytest.raises(UsageError, match="Did you mean 'listen'"):
        load(Arguments(home=str(tmp_path)), {})
