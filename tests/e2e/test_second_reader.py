"""A second implementation, written from the document alone, agrees with this one in every format."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

READER = Path(__file__).parents[1] / "reader" / "reader.py"
ROOT = Path(__file__).parents[2]

# The reader is run where this package cannot be found, and says at its end which of its modules it has loaded all the same.
ALONE = """
import runpy, sys
runpy.run_path(sys.argv[1], run_name="__main__")
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("multichat_tui", "cbor2", "tests")), file=sys.stderr)
"""


def test_the_second_reader_conforms_at_every_level() -> None:
    command = [sys.executable, "-m", "multichat_tui", "conformance", "--json", "--", sys.executable, "-I", str(READER)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    levels = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert run.returncode == 0, run.stdout + run.stderr
    asked = {level["level"]: (level["right"], level["questions"]) for level in levels}
    assert set(asked) == {
        "encoding",
        "keys",
        "identities",
        "records",
        "channels",
        "frames",
        "links",
        "discovery",
        "envelopes",
        "mailboxes",
    }
    assert all(right == questions > 0 for right, questions in asked.values()), asked


def test_the_second_reader_shares_no_code_with_the_application(tmp_path: Path) -> None:
    question = json.dumps({"ask": "decode", "bytes": "a10102"}) + "\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(READER)],
        cwd=tmp_path,
        env=environment,
        input=question,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(run.stdout) == {"value": {"map": [[1, 2]]}, "again": "a10102"}
    assert run.stderr.strip() == ""
