"""Only what a command line names of the grammar is built for it, and that cannot be seen."""

import pytest

from multichat_tui.headless.parser import _build, _read
from multichat_tui.model.errors import UsageError

LINES = (
    (),
    ("send", "dev", "hello"),
    ("--home", "send", "log", "dev", "-n", "3"),
    ("--json", "channel", "create", "channel"),
    ("channels", "list"),
    ("do", "-c", "log", "/say send"),
    ("send", "dev", "--", "--help"),
    ("mailbox", "add", "link"),
    ("--line",),
    ("contact", "verify", "bob", "-v"),
)
WRONG = (
    ("sned", "dev"),
    ("ch", "list"),
    ("channel",),
    ("channel", "lsit"),
    ("send",),
    ("log", "--unheard"),
    ("--home",),
    ("send", "dev", "x", "--wait", "so"),
)


def read(line: tuple[str, ...], whole: bool) -> object:
    try:
        return vars(_build().parse_args(line) if whole else _read(line))
    except UsageError as error:
        return str(error), error.args


@pytest.mark.parametrize("line", [*LINES, *WRONG], ids=" ".join)
def test_a_line_is_read_and_refused_as_by_the_whole_grammar(line: tuple[str, ...]) -> None:
    assert read(line, whole=False) == read(line, whole=True)
    assert isinstance(read(line, whole=True), tuple) is (line in WRONG)


def test_what_a_line_does_not_name_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    original = _build.__globals__["_Parser"].__init__
    monkeypatch.setattr(
        _build.__globals__["_Parser"], "__init__", lambda self, *a, **k: (built.append(k), original(self, *a, **k))[1]
    )
    _read(("send", "dev", "hello"))
    few = len(built)
    _build()
    assert few == 3, "global options, the program, and one verb"
    assert len(built) - few > 100


@pytest.mark.parametrize("line", [("--help",), ("-h",), ("-vh",), ("send", "-h"), ("channel", "--help")], ids=" ".join)
def test_help_is_that_of_the_whole_grammar(line: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _read(line)
    assert ended.value.code == 0
    told = capsys.readouterr().out
    with pytest.raises(SystemExit):
        _build().parse_args(line)
    assert told == capsys.readouterr().out
    assert "usage: multichat" in told
