"""The settings of a channel: what each key of a *setting* act means, what values it takes, and who may set it.

A new setting is one more key and one more entry of RULES. Keys that are not listed are kept, and have no effect here: newer
versions know them. Pure tables; how settings are resolved is in `channel.authority`.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

from multichat_tui.model.codec import Value
from multichat_tui.model.history import MAX_POLICY, policy_words
from multichat_tui.model.limits import MAX_LIFE_MS, MAX_NAME_CHARACTERS, MAX_PROTOCOL_LEVEL, MAX_SLOW_MS
from multichat_tui.model.ranks import ADMIN, FOUNDER, MUTED, RANKS, Permission
from multichat_tui.model.text import describe_ms
from multichat_tui.model.values import dataclass

PROTOCOL_LEVEL = 1
"""What this version knows; channels begin at 1."""
READING_SEED_BYTES = 16
ANYBODY = MUTED - 1
"""Below every rank."""

Slot: TypeAlias = tuple[int, int]
"""What a setting sets: its key, and 0 or, where a key has several places, which of them (of role names: the rank)."""


class SettingKey(IntEnum):
    SLOW_MODE = 1
    """Milliseconds between two messages of one member; 0: off."""
    RETENTION = 2
    """Milliseconds after which what is written from now on is gone everywhere; 0: never."""
    ARCHIVED = 3
    """1: nobody writes until it is 0 again."""
    CLOSED = 4
    """1: nobody writes or comes in any more, for good."""
    PROTOCOL_LEVEL = 5
    """What a node has to know to take part; never goes back."""
    ROLE_NAME = 6
    """[rank, name]: what a rank is called; an empty name takes it away."""
    READING = 7
    """The seed of the link by which everybody may read without being a member; empty: nobody may."""
    HISTORY = 8
    """What newcomers are served of the time before them: see `model.history`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRule:
    """`words` completes a sentence that begins with who has set it: `turned slow mode off`."""

    words: Callable[[int], str]
    least: int = 0
    most: int
    default: int = 0
    permission: Permission = Permission.CHANGE
    rank: int = ANYBODY
    """Beyond the permission, the least rank that may."""
    final: bool = False
    """Of all that were ever set the greatest stands; otherwise the last one."""
    fenced: bool = False
    """It restricts content: what its author had not seen, and whose author has not seen it, is held to it too."""
    direct: bool = False
    """Also in direct conversations."""


def _slow_words(span_ms: int) -> str:
    return f"turned slow mode on: one message in {describe_ms(span_ms)}" if span_ms else "turned slow mode off"


def _retention_words(span_ms: int) -> str:
    return f"made messages disappear {describe_ms(span_ms)} after they are sent" if span_ms else "made messages stay"


RULES: dict[SettingKey, SettingRule] = {
    SettingKey.SLOW_MODE: SettingRule(most=MAX_SLOW_MS, fenced=True, words=_slow_words),
    SettingKey.RETENTION: SettingRule(most=MAX_LIFE_MS, direct=True, words=_retention_words),
    SettingKey.ARCHIVED: SettingRule(
        most=1, fenced=True, words=lambda on: "archived the channel" if on else "opened the channel again"
    ),
    SettingKey.CLOSED: SettingRule(
        least=1, most=1, rank=FOUNDER, final=True, fenced=True, words=lambda _: "closed the channel for good"
    ),
    SettingKey.PROTOCOL_LEVEL: SettingRule(
        least=1,
        most=MAX_PROTOCOL_LEVEL,
        default=1,
        rank=FOUNDER,
        final=True,
        words=lambda level: f"raised the channel to protocol level {level}",
    ),
    SettingKey.HISTORY: SettingRule(most=MAX_POLICY, words=lambda policy: f"set that newcomers see {policy_words(policy)}"),
}
"""Of the settings that are one number."""
_BY_NUMBER: dict[int, SettingRule] = {int(key): rule for key, rule in RULES.items()}


def rule_of(key: int) -> SettingRule | None:
    """None: it is no number, or unknown."""
    return _BY_NUMBER.get(key)


def slot_of(key: int, value: Value) -> Slot | None:
    """What a setting sets, if this version knows it and the value is one that it takes; None otherwise."""
    if key == SettingKey.ROLE_NAME:
        named = role_name_of(value)
        return None if named is None else (key, named[0])
    if key == SettingKey.READING:
        return (key, 0) if isinstance(value, bytes) and len(value) in (0, READING_SEED_BYTES) else None
    rule = rule_of(key)
    if rule is None or type(value) is not int or not rule.least <= value <= rule.most:
        return None
    return key, 0


def holds(key: int, value: Value) -> bool:
    """Whether a known key has a value that it takes. Unknown ones may have any."""
    return slot_of(key, value) is not None or not known(key)


def known(key: int) -> bool:
    return key in (SettingKey.ROLE_NAME, SettingKey.READING) or rule_of(key) is not None


def permission_for(key: int) -> Permission:
    """What setting it needs. Unknown ones need as much as most of the known ones."""
    rule = rule_of(key)
    return Permission.CHANGE if rule is None else rule.permission


def least_rank(key: int, value: Value) -> int:
    """The least rank that may set this, beyond the permission."""
    if key == SettingKey.ROLE_NAME:
        named = role_name_of(value)
        return ANYBODY if named is None else named[0] + 1
    rule = rule_of(key)
    return ANYBODY if rule is None else rule.rank


def setting_words(key: int, value: Value) -> str:
    """What somebody did by setting this, as the end of a sentence. Names in it are others' text."""
    named = role_name_of(value) if key == SettingKey.ROLE_NAME else None
    if named is not None:
        rank, name = named
        return f"called rank {rank} {name}" if name else f"took the name of rank {rank} away"
    if key == SettingKey.READING:
        return "let everybody with a link read the channel" if value else "ended reading by link"
    rule = rule_of(key)
    return "changed a setting that needs a newer version" if rule is None or type(value) is not int else rule.words(value)


# Names of roles


def role_name_of(value: Value) -> tuple[int, str] | None:
    """(rank, name) of a value of ROLE_NAME: a rank between member and admin that has no name of its own."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    rank, name = value
    if type(rank) is not int or not isinstance(name, str) or not 0 < rank < ADMIN or rank in RANKS.values():
        return None
    return (rank, name) if len(name) <= MAX_NAME_CHARACTERS else None
