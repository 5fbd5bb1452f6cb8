"""What a channel's settings and permissions ask of content beyond the right to send.

Asked of the state that it cites, and of the restrictions beside it beyond whose fences it lies: so every node that holds the same
records comes to the same.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from multichat_tui.channel.authority import Authority
from multichat_tui.channel.resources import registry
from multichat_tui.channel.view import Halt, Ruling
from multichat_tui.model.acts import Act, Redact, Report, SettleReport
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.hyperlinks import holds_link
from multichat_tui.model.ranks import Permission
from multichat_tui.model.records import Header
from multichat_tui.model.values import dataclass

ALWAYS = (Report, SettleReport, Redact)
"""Acts that are no writing: also where nobody writes any more."""


class Content(Protocol):
    """A record of the content log, looked at as far as a rule needs it."""

    def acts(self) -> tuple[Act, ...]:
        """None where the body is gone."""
        ...

    def paced_before_ms(self) -> int | None:
        """When the message before this one in the same chain was written, by its author's clock, whether it counts or not. None:
        there is none among the MAX_PACED_BACK records before it, or it is not held."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What holds for one piece of content."""

    read_only: bool
    slow_ms: int
    """0: no slow mode."""
    links: int
    """The least rank that may send links."""
    free: int
    """The least rank that slow mode does not concern."""

    def allows(self, rank: int, header: Header, content: Content) -> bool:
        """Whether content of somebody of this rank keeps to it."""
        if self.read_only and not is_allowed_always(content.acts()):
            return False
        if rank < self.links and has_link(content.acts()):
            return False
        if not self.slow_ms or rank >= self.free or not is_paced(content.acts()):
            return True
        before_ms = content.paced_before_ms()
        return before_ms is None or header.timestamp_ms >= before_ms + self.slow_ms

    def allows_beside_control(self, rank: int, act: Act) -> bool:
        """Of content in the control log: no chain of messages leads to it, so in slow mode only who is free writes there."""
        if self.read_only or (self.slow_ms and rank < self.free and is_paced((act,))):
            return False
        return rank >= self.links or not has_link((act,))


def asked(cited: Authority, unseen: Iterable[Halt | Ruling]) -> Asked:
    """By the state that content cites, and by the restrictions that it is held to although its author had not seen them."""
    slow_ms, links = cited.number(SettingKey.SLOW_MODE), cited.asks(Permission.LINKS)
    read_only = bool(cited.number(SettingKey.CLOSED) or cited.number(SettingKey.ARCHIVED))
    for each in unseen:
        if isinstance(each, Ruling):
            links = max(links, each.rank) if each.permission is Permission.LINKS else links
        elif each.key == SettingKey.SLOW_MODE:
            slow_ms = max(slow_ms, each.value)
        else:
            read_only = True
    return Asked(read_only=read_only, slow_ms=slow_ms, links=links, free=cited.asks(Permission.MODERATE))


def has_link(acts: Sequence[Act]) -> bool:
    return any(holds_link(text) for act in acts for text in registry().texts(act))


def is_allowed_always(acts: Sequence[Act]) -> bool:
    return bool(acts) and all(isinstance(act, ALWAYS) for act in acts)


def is_paced(acts: Sequence[Act]) -> bool:
    """Whether slow mode counts it: messages, and whatever else has a place of its own among them. What has lost its body was a
    message, as far as anybody can say."""
    return not acts or any(registry().made_by(act) is not None for act in acts)
