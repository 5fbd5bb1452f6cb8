"""Two implementations take and refuse the same: what one reads of damaged input, the other does, too.

The second one (tests/reader) was written from the document alone. Questions of the conformance run are damaged in their
structure: the outermost value or one that is encoded within it gets another field, loses one, or has one beside its bounds.
"""

import base64
import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from reader import reader

from multichat_tui.headless.conformance import Case, agrees, load_cases
from multichat_tui.node.conforming import answer

DAMAGED = {
    "certificate": "bytes",
    "device list": "bytes",
    "statement": "bytes",
    "statement content": "content",
    "join": "bytes",
    "receipt": "bytes",
    "device statement": "bytes",
    "record": "header",
    "acts": "content",
    "frame": "bytes",
    "link": "text",
    "sealed": "bytes",
}
QUESTIONS = 250
"""To a kind of question."""
INTEGERS = [0, 1, 2, 3, 4, 15, 16, 17, 48, 49, 63, 64, 65, 100, 101, 255, 256, 1024, 1025, 65535, 65536, 65537, 2**22 - 1, 2**22]
INTEGERS += [2**32, 2**48 - 1, 2**48, 2**53 - 1, 2**53, 2**62, 2**63 - 1, -1, -(2**63)]
TEXTS = [
    "",
    "a",
    "e\u0301",
    "\u00e9" * 48,
    "a" * 49,
    "a" * 64,
    "a" * 65,
    "a" * 300,
    "a" * 301,
    "a" * 8000,
    "a" * 8001,
    "\0",
    " ",
    "waiting",
]
OTHERS: list[Any] = [b"", b"x" * 8, b"x" * 16, b"x" * 32, b"x" * 64, [], {}, None, True, False]


def places(value: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    yield path
    entries = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, entry in entries:
        yield from places(entry, (*path, key))


def damaged(value: Any, chance: random.Random) -> Any:
    """The value with one change somewhere in it, or in what is encoded in it."""
    box = [copy.deepcopy(value)]
    *way, last = (0, *chance.choice(list(places(value))))
    around: Any = box
    for key in way:
        around = around[key]
    old = around[last]
    if isinstance(old, bytes) and len(old) > 10 and chance.random() < 0.5:
        try:
            around[last] = reader.encode(damaged(reader.decode(old), chance))
        except reader.Rejected:
            around[last] = old[:-1]
    elif chance.random() < 0.2:
        around[last] = chance.choice([*OTHERS, *INTEGERS, *TEXTS])
    elif isinstance(old, dict):
        if old and chance.random() < 0.5:
            del old[chance.choice(list(old))]
        else:
            old[chance.choice([*range(26), 64, 65535])] = chance.choice([*OTHERS, *INTEGERS, *TEXTS])
    elif isinstance(old, list):
        change = chance.randrange(3)
        if change == 0:
            del old[chance.randrange(len(old)) if old else 0 :]
        elif change == 1 and old:
            old.extend(copy.deepcopy(old[-1:]) * chance.choice([1, 14, 15, 31, 32, 63, 64, 127, 128, 255, 256]))
        else:
            chance.shuffle(old)
    elif isinstance(old, bytes):
        around[last] = chance.choice([old + b"\0", old[:-1], b"", bytes(len(old)), old[::-1], old * 2])
    elif isinstance(old, str):
        around[last] = chance.choice(TEXTS)
    else:
        around[last] = chance.choice(INTEGERS)
    return box[0]


def opened(link: str) -> tuple[str, bytes]:
    """The kind and the body of an invitation link; no body where it is none."""
    kind, _, letters = link.removeprefix("multichat:").partition("/")
    usable = letters.isascii() and len(letters) % 4 != 1
    return kind, base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))[:-4] if usable else b""


def questions(cases: list[Case], field: str, chance: random.Random) -> Iterator[dict[str, Any]]:
    for _ in range(QUESTIONS):
        question = dict(chance.choice(cases).question)
        kind, encoded = opened(question[field]) if field == "text" else ("", bytes.fromhex(question[field]))
        try:
            again = reader.encode(damaged(reader.decode(encoded), chance))
        except reader.Rejected:
            continue
        question[field] = reader.link_text(kind, again)["text"] if kind else again.hex()
        yield question


@pytest.mark.parametrize("ask", DAMAGED)
def test_both_implementations_answer_alike_to_damaged_input(ask: str) -> None:
    chance = random.Random(ask)
    cases = [case for case in load_cases() if case.question["ask"] == ask]
    asked = taken = 0
    for question in questions(cases, DAMAGED[ask], chance):
        ours = answer(question)
        theirs = {key: reader.as_answer(value) for key, value in reader.reply(question).items()}
        assert agrees(ours, theirs), (question, ours, theirs)
        asked += 1
        taken += "rejected" not in ours
    assert asked > QUESTIONS / 4
    assert 0 < taken < asked
