"""What counts as a link in a text: one definition for who may send links, and for what is shown as one."""

import re

_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]{0,31}://|www\.|mailto:|multichat:)[^\s]", re.ASCII | re.IGNORECASE)
"""A scheme of at most 32 characters with two slashes, or one of three beginnings, and anything but a space behind it. The bound
keeps the search linear in the text."""


_HINTS = ("://", "www.", "mailto:", "multichat:")
"""One of these is in every link. Looking for them first is a hundredth of the search, and most texts have none."""


def holds_link(text: str) -> bool:
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS) and _LINK.search(text) is not None


MAX_DRAWN_CHARACTERS = 2048
"""Of a link that can be followed in a terminal; what stands behind is text."""
_DRAWN = re.compile(r"https?://[!-~]{3," + str(MAX_DRAWN_CHARACTERS) + "}", re.IGNORECASE)
_TAIL = ".,;:!?)]}>'\""


def links_in(text: str) -> list[tuple[int, int]]:
    """Where links to the web stand, to be drawn as such, without the punctuation that ends a sentence. Each is a link."""
    found = []
    for match in _DRAWN.finditer(text):
        end = match.end()
        while text[end - 1] in _TAIL:
            end -= 1
        found.append((match.start(), end))
    return found
