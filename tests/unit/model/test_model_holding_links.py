"""What is looked for first leaves out no link."""

import random

from multichat_tui.model import hyperlinks

PIECES = ("http", "://", "www.", "WWW.", "Mailto:", "multichat:", "x.y", "ftp+x", "\u212a", "\u017f", "\u0130", "a", " ", "\n")
"""Among them letters that become others when they are made small."""


def test_a_text_holds_a_link_exactly_where_the_whole_search_finds_one() -> None:
    chance = random.Random(1)
    found = set()
    for _ in range(5000):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randrange(6)))
        found.add(hyperlinks.holds_link(text))
        assert hyperlinks.holds_link(text) == (hyperlinks._LINK.search(text) is not None), repr(text)
    assert found == {True, False}
