"""What everybody who has to do with a channel could learn of it: the rows of a page that says so in plain words."""

from enum import StrEnum

from multichat_tui.model.values import dataclass


class Party(StrEnum):
    """Who could learn something, from those who learn most."""

    MEMBERS = "members"
    UNVERIFIED = "unverified"
    """Members of whom nothing but links says who they are."""
    FORMER = "former"
    """Who was in it and is no more."""
    READERS = "readers"
    """Who has the link of a channel that everybody may read."""
    MAILBOXES = "mailboxes"
    """Where envelopes lie for members who are away."""
    OWN_DEVICES = "own-devices"
    NETWORK = "network"
    """Who watches the network that this device is on, or the way to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRow:
    """`names`: who they are, as shown, by name, at most MAX_EXPOSED_NAMES; `count`: how many in all. `learns`: sentences."""

    party: Party
    learns: tuple[str, ...]
    names: tuple[str, ...] = ()
    count: int = 0


MAX_EXPOSED_NAMES = 12
