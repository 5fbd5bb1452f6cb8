"""Flags: which parts of the screen differ, and which lists are to be read again."""

from enum import Flag, auto


class Part(Flag):
    """Parts of the screen."""

    CHANNELS = auto()
    MEMBERS = auto()
    TIMELINE = auto()
    RELOAD = auto()
    """What is shown may be out of date: `Front.reload` what is in view."""
    OPENED = auto()
    """Another channel is open now."""
    STATUS = auto()
    SETTINGS = auto()
    DRAFT = auto()
    """Another terminal has written in the open channel's composer."""
    THREAD = auto()
    """The open thread, or whether one is open."""
    TYPED = auto()
    """What was entered in the open channel."""
    NONE = 0


class Read(Flag):
    """What is to be read again."""

    CHANNELS = auto()
    CONTACTS = auto()
    MEMBERS = auto()
    STATUS = auto()
    SETTINGS = auto()
    ME = auto()
    THREAD = auto()
    NONE = 0
    ALL = CHANNELS | CONTACTS | MEMBERS | STATUS | SETTINGS | ME | THREAD
