"""What counts as a link in a text: one definition for who may send links, and for what is shown as one."""

import re

_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]{0,31}://|www\.|mailto:|multichat:)[^\s]", re.ASCII | re.IGNORECASE)
"""A scheme of at most 32 characters with two slashes, or one of three beginnings, and anything but a space behind it. The bound
keeps the search linear in the text."""


def holds_link(text: str) -> bool:
    return _LINK.search(text) is not None
