"""Resources as they are now: what was made, read together with the acts on it that count, from what is held.

Nothing of it is kept but the search index and which messages are pinned, and both follow from the records.
"""

from collections import Counter
from collections.abc import Iterator

from multichat_tui.channel.bodies import reaches
from multichat_tui.channel.counting import SENDING, counts
from multichat_tui.channel.resources import Read, registry
from multichat_tui.channel.resources.folding import fold
from multichat_tui.channel.resources.marks import pinned, reactions
from multichat_tui.channel.resources.message import EDIT
from multichat_tui.channel.resources.shape import ActShape, Deed, Present, ResourceType
from multichat_tui.model.acts import Act, Message
from multichat_tui.model.ids import DeviceId, Log, RecordId, UserId, short
from multichat_tui.model.limits import MAX_CONTENDERS, MAX_REFERENCES
from multichat_tui.model.ranks import MUTED, Permission
from multichat_tui.model.records import Record
from multichat_tui.model.snapshots import ReactionRow, ReactorsRow, VersionRow
from multichat_tui.model.values import dataclass
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.looked_at import LookedAt
from multichat_tui.node.names import channel_names
from multichat_tui.node.world import Channel, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What of a record's resources stands in its row."""

    text: str
    type: str
    """The name of what is no message: `poll`."""
    lines: tuple[str, ...]
    hint: str
    edited: bool
    pinned: bool
    reactions: tuple[ReactionRow, ...]


def required(acts: tuple[Act, ...]) -> frozenset[Permission] | None:
    """What content needs, all of it or none. None: one of the acts is malformed, so that none has effect."""
    if len(acts) == 1 and type(acts[0]) is Message:
        # Nearly every record.
        return SENDING
    found = {registry().permission(act) if registry().knows(act) else Permission.SEND for act in acts}
    return None if None in found else frozenset(each for each in found if each is not None)


def shows(acts: tuple[Act, ...]) -> bool:
    """Whether any of these has a row of its own."""
    known = registry()
    return any(not known.silent(act) for act in acts)


class Resources:
    def __init__(self, world: World) -> None:
        self._world = world

    def counts(self, channel: Channel, record: Record, user: UserId, acts: tuple[Act, ...]) -> bool:
        """Whether a record has effect: all of its acts, or none."""
        if record.header.log == Log.CONTROL:
            return channel.control.effective(record.id)
        needed = required(acts) if acts else SENDING
        content = LookedAt(self._world.txn, record)
        return needed is not None and counts(channel.control, record.header, user, content, needed)

    def made(self, channel: Channel, record: Record, acts: tuple[Act, ...]) -> Iterator[tuple[int, ResourceType, Deed]]:
        """(index, type, the act as logics see it) of what a record makes."""
        for index, act in enumerate(acts):
            kind, read = registry().made_by(act), registry().read(act)
            user = channel.control.user_of(record.header.device)
            if kind is not None and read is not None and user is not None:
                yield index, kind, _deed(record, index, read, user, MUTED, moderates=False)

    def present(self, channel: Channel, made: Deed, kind: ResourceType, *, referred: bool = True) -> Present:
        """`referred`: whether anything refers to its record at all, if that is known."""
        deeds = [deed for shape in kind.acts for deed in self._deeds(channel, made, shape)] if referred else []
        return fold(made, deeds)

    def _deeds(self, channel: Channel, made: Deed, shape: ActShape) -> Iterator[Deed]:
        """The acts of one shape on a resource that count, in display order; of one person's the first MAX_CONTENDERS, and
        the others of the last one's record."""
        control = channel.control
        by: tuple[DeviceId, ...] | None = None
        if shape.own:
            by = tuple(device for device, certificate in control.certificates.items() if certificate.user == made.user)
        about, looked_at = self._world.txn.record(made.record), Counter[UserId]()
        for record in self._world.txn.references(made.record, MAX_REFERENCES, kinds=(shape.number,), by=by):
            acts = acts_of(record)
            if about is None or record.channel != channel.id or not reaches(control, record.header, about.header):
                continue
            user = control.user_of(record.header.device)
            read = [(index, each) for index, act in enumerate(acts) if (each := registry().read(act)) is not None]
            found = [(index, each) for index, each in read if each.shape is shape and each.target == (made.record, made.index)]
            if user is None or looked_at[user] >= MAX_CONTENDERS:
                continue
            looked_at[user] += len(found)
            if not found or not self.counts(channel, record, user, acts):
                continue
            if record.header.log == Log.CONTROL:
                operation = control.operation(record.id)
                assert operation is not None
                cited = control.state_before(operation)
            else:
                cited = control.state_at(record.header.control_heads)
            rank = cited.rank(user)
            moderates = rank is not None and rank >= cited.threshold(Permission.MODERATE)
            for index, each in found:
                yield _deed(record, index, each, user, MUTED if rank is None else rank, moderates=moderates)

    def described(
        self, channel: Channel, record: Record, acts: tuple[Act, ...], *, referred: bool | None = None
    ) -> Described | None:
        """None: it makes nothing."""
        if referred is None:
            referred = bool(self._world.txn.referred((record.id,)))
        if not referred and len(acts) == 1 and isinstance(acts[0], Message):
            return Described(text=acts[0].text, type="", lines=(), hint="", edited=False, pinned=False, reactions=())
        me, names = self._world.identity.user, channel_names(self._world, channel)
        found = [
            (kind, self.present(channel, deed, kind, referred=referred)) for _, kind, deed in self.made(channel, record, acts)
        ]
        if not found:
            return None
        shown = [kind.show(present, me, lambda user: names.get(user) or short(user)) for kind, present in found]
        first = found[0][1]
        return Described(
            text="\n".join(each.text for each in shown),
            type=next((kind.name for kind, _ in found if kind.name != "message"), ""),
            lines=tuple(line for each in shown for line in each.lines),
            hint="; ".join(each.hint for each in shown if each.hint),
            edited=any(EDIT.name in present.slots for _, present in found),
            pinned=pinned(first) is not None,
            reactions=tuple(
                ReactionRow(emoji=each.emoji, count=len(users), mine=me in users)
                for each in reactions(first)
                # What the ignored think of it counts for nothing here.
                if (users := [user for user in each.users if user not in self._world.regards])
            ),
        )

    def searched_text(self, channel: Channel, record: Record, acts: tuple[Act, ...], *, referred: bool | None = None) -> str:
        """What a record is found by, as its resources are now; empty for what makes none."""
        if referred is None:
            referred = bool(self._world.txn.referred((record.id,)))
        if not referred and len(acts) == 1 and isinstance(acts[0], Message):
            return acts[0].text
        found = (
            (kind, self.present(channel, deed, kind, referred=referred)) for _, kind, deed in self.made(channel, record, acts)
        )
        return "\n".join(kind.words(present) for kind, present in found)

    def searched_text_of(self, record: Record) -> str:
        """As `searched_text`, of a record as it is stored."""
        channel = self._world.channels.get(record.channel)
        return "" if channel is None or not channel.rooted else self.searched_text(channel, record, acts_of(record))

    def versions(self, channel: Channel, record: Record) -> tuple[VersionRow, ...]:
        """What a message said before and says now, in display order; empty if it was never edited."""
        for _, kind, deed in self.made(channel, record, acts_of(record)):
            edits = [each for each in self.present(channel, deed, kind).accepted if each.shape is EDIT]
            if edits:
                return tuple(VersionRow(time_ms=each.time_ms, text=each.text("text")) for each in (deed, *edits))
        return ()

    def reactors(self, channel: Channel, record: Record) -> tuple[ReactorsRow, ...]:
        """Who has reacted to the first thing that a record makes, and with what."""
        names = channel_names(self._world, channel)
        for _, kind, deed in self.made(channel, record, acts_of(record)):
            found = reactions(self.present(channel, deed, kind))
            return tuple(
                ReactorsRow(emoji=each.emoji, names=tuple(names.get(user) or short(user) for user in each.users))
                for each in found
            )
        return ()

    def is_pinned(self, channel: Channel, record: Record, acts: tuple[Act, ...]) -> bool:
        described = self.described(channel, record, acts) if self._world.txn.referred((record.id,)) else None
        return described is not None and described.pinned

    def targets(self, acts: tuple[Act, ...]) -> tuple[tuple[RecordId, int], ...]:
        return registry().targets(acts)


def _deed(record: Record, index: int, read: Read, user: UserId, rank: int, *, moderates: bool) -> Deed:
    return Deed(
        shape=read.shape,
        record=record.id,
        index=index,
        ets=record.header.ets,
        time_ms=record.header.timestamp_ms,
        user=user,
        rank=rank,
        moderates=moderates,
        values=read.values,
        after=read.after,
    )
