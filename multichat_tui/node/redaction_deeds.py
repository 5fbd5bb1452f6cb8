"""Redactions that stand by themselves, as deeds of the log of moderation: texts of others, taken away by those who may moderate.

They are records of content, and stand in the log behind the control records that they cite: in the same place on every node that
holds them. What somebody takes back of their own words is no deed of moderation.
"""

from collections.abc import Iterator
from typing import TypeAlias

from multichat_tui.channel.operations import Operation
from multichat_tui.channel.redacting import has_right, may_redact, redactions
from multichat_tui.model.acts import Redact, SetRank
from multichat_tui.model.ids import ID_SIZE, Log, RecordId, UserId
from multichat_tui.model.limits import MAX_LOGGED_REDACTIONS, MAX_TARGETS_LOOKED_AT
from multichat_tui.model.moderation import DeedState
from multichat_tui.model.ports import Space
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.model.records import Record
from multichat_tui.model.values import dataclass
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.redacted import redaction_of
from multichat_tui.node.world import Channel, World

Place: TypeAlias = tuple[int, bytes, int, bytes]
"""In the log: (ancestors, id) of a control record, and behind it (time, id) of a redaction that cites it as its newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionDeed:
    record: Record
    user: UserId
    acts: tuple[Redact, ...]
    place: Place

    @property
    def id(self) -> RecordId:
        return self.record.id


def place_of(operation: Operation) -> Place:
    return (*operation.order, 0, b"")


class RedactionDeeds:
    """What was read of records that do not change any more is kept: for at most MAX_LOGGED_REDACTIONS of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._read: dict[RecordId, RedactionDeed | None] = {}

    def of(self, channel: Channel) -> list[RedactionDeed]:
        """All that are here, in no order; at most MAX_LOGGED_REDACTIONS. Those of people who were never more than members are
        not looked at: nobody fills the log by taking back their own words."""
        if not channel.redacts:
            return []
        found: list[RedactionDeed] = []
        looked_at = 0
        for user in sorted(_able(channel)):
            for name, _ in self._world.txn.scan(Space.REDACTION, channel.id + user):
                looked_at += 1
                if looked_at > MAX_LOGGED_REDACTIONS:
                    return found
                deed = self._deed(channel, RecordId(name[-ID_SIZE:]), user)
                if deed is not None:
                    found.append(deed)
        return found

    def _deed(self, channel: Channel, identifier: RecordId, user: UserId) -> RedactionDeed | None:
        if identifier in self._read:
            return self._read[identifier]
        record = self._world.txn.record(identifier)
        if record is None or record.body is None:
            return None
        deed = None
        cited = [channel.control.operation(head) for head in record.header.control_heads]
        acts = tuple(redactions(acts_of(record)))
        if record.header.log is Log.CONTENT and acts and all(cited):
            order = max((each.order for each in cited if each is not None), default=(0, b""))
            deed = RedactionDeed(record=record, user=user, acts=acts, place=(*order, record.header.ets, identifier))
        if len(self._read) >= MAX_LOGGED_REDACTIONS:
            self._read.clear()
        self._read[identifier] = deed
        return deed

    def worth(self, channel: Channel, deed: RedactionDeed, act: Redact) -> tuple[DeedState, UserId | None] | None:
        """(what it is worth, whose texts they were, if one person's as far as is known); None: it is no deed of moderation, or
        names what went with an earlier one."""
        authors = set(self._authors(channel, act))
        if not authors - {deed.user}:
            return None
        if act.also and len(act.targets) == 1 and self._repeats(channel, deed, act.targets[0]):
            return None
        others = authors - {deed.user}
        subject = self.whose(channel, act)
        if any(has_right(channel.control, deed.record, author) for author in others):
            return DeedState.IN_EFFECT, subject
        cited = channel.control.state_at(deed.record.header.control_heads)
        could = any(may_redact(cited, deed.user, author) for author in others)
        return (DeedState.REVERTED if could else DeedState.REFUSED), subject

    def whose(self, channel: Channel, act: Redact) -> UserId | None:
        """Whose texts it takes away, if they are one person's, as far as is known."""
        authors = set(self._authors(channel, act))
        return next(iter(authors)) if len(authors) == 1 else None

    def _authors(self, channel: Channel, act: Redact) -> Iterator[UserId]:
        """Of the first of its targets, as far as they are here."""
        for target in act.targets[:MAX_TARGETS_LOOKED_AT]:
            record = self._world.txn.record(target)
            author = None if record is None else channel.control.user_of(record.header.device)
            if author is not None:
                yield author

    def _repeats(self, channel: Channel, deed: RedactionDeed, target: RecordId) -> bool:
        held = self._world.txn.record(target)
        redaction = None if held is None else redaction_of(self._world.txn, channel, held)
        return redaction is not None and redaction.record != deed.id


def _able(channel: Channel) -> set[UserId]:
    """Who may moderate, or was more than a member at some time."""
    view, control = channel.view, channel.control
    able = {user for user in view.members if view.may(user, Permission.MODERATE)} | set(view.founders)
    for operation in control.in_order():
        if control.effective(operation.id):
            able |= {act.user for act in operation.acts if isinstance(act, SetRank) and act.rank > MEMBER}
    return able
