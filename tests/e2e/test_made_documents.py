"""Documents that are made from the program are not behind it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def test_documents_that_are_made_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import json; from tests.documents import documents; print(json.dumps(documents()))"],
        capture_output=True,
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    for name, text in json.loads(done.stdout).items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"docs/{name} is behind: python -m tests.documents"
