"""Redactions that come or are written here, those that lose their right, and what they do to the texts that they name.

The rule: a redaction wins over every edit and reaction, whenever those come: an edit of what is redacted is dropped on sight. The
node that has written the redaction then names it in another one, so that nobody who comes later has to miss its text.
"""

from collections.abc import Iterable

from multichat_tui.channel.redacting import may_redact, redactions
from multichat_tui.channel.view import View
from multichat_tui.model.acts import Act, Redact, act_type
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ID_SIZE, ChannelId, Log, RecordId, UserId
from multichat_tui.model.limits import FOLLOW_UP_MS, MAX_REFERENCES, MAX_TARGETS, REDACTIONS_AT_ONCE, SWEEP_PAUSE_MS
from multichat_tui.model.ports import Space
from multichat_tui.model.ranks import Permission
from multichat_tui.model.records import Absence, Record
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.bodies import Bodies
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.redacted import REDACTS, goes_with, redaction_of
from multichat_tui.node.world import Channel, World

PENDING = b"\x01"
"""Value in Space.REDACTION: its targets are to be looked at again."""


class Redactions:
    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger
        self._bodies: Bodies = ledger.bodies
        known = world.txn.scan(Space.REDACTION)
        for channel in (world.channels.get(ChannelId(key[:ID_SIZE])) for key, _ in known):
            if channel is not None:
                channel.redacts = True
        self._again: dict[bytes, ChannelId] = {key: ChannelId(key[:ID_SIZE]) for key, value in known if value == PENDING}
        """Names of redactions whose targets are to be looked at again, with their channels; stored too."""
        self._again_at = world.now if self._again else None
        self._follow: dict[tuple[ChannelId, RecordId], set[RecordId]] = {}
        """(channel, target): what has come to light about it, to be named in a further redaction of ours."""
        self._follow_at: int | None = None
        self._follow_free_at = 0
        self._bodies.on_gone_with = self.name_too
        ledger.on_redaction = self.take
        ledger.on_recount = self.recount

    # What comes

    def take(self, channel: Channel, record: Record, acts: tuple[Act, ...], user: UserId) -> None:
        """A record with redactions was delivered, with its body."""
        targets = list(dict.fromkeys(t for act in redactions(acts) for t in (*act.targets, *act.also)))
        world, channel.redacts = self._world, True
        world.txn.refer(record.id, [(target, REDACTS[0]) for target in targets])
        world.txn.put(Space.REDACTION, channel.id + user + record.id, b"")
        for target in targets:
            self.look(channel, target)

    def look(self, channel: Channel, target: RecordId) -> None:
        """Whether the text of a record goes, or has to come back."""
        held = self._world.txn.record(target)
        if held is None or held.channel != channel.id or held.header.log is Log.CONTROL:
            return
        redaction = redaction_of(self._world.txn, channel, held)
        if redaction is not None and held.absence is not Absence.REDACTED:
            self._bodies.drop(channel, target, Absence.REDACTED)
        elif redaction is None and held.absence is Absence.REDACTED:
            self._bodies.drop(channel, target, self._bodies.excuse(channel, held) or Absence.MISSING)
        if redaction is not None and not redaction.named:
            return
        for each in self._about(channel, target):
            self._look_at_what_tells(channel, target, each, gone=redaction is not None)

    def _about(self, channel: Channel, target: RecordId) -> Iterable[Record]:
        """What refers to a record, but redactions."""
        for each in self._world.txn.references(target, MAX_REFERENCES):
            if each.channel == channel.id and each.header.log is Log.CONTENT and not _is_redaction(each):
                yield each

    def _look_at_what_tells(self, channel: Channel, target: RecordId, each: Record, *, gone: bool) -> None:
        if gone and each.body is not None and goes_with(self._world.txn, channel, each, acts_of(each)) is not None:
            self._bodies.drop(channel, each.id, Absence.REDACTED)
            self.name_too(channel, target, each)
        elif not gone and each.absence is Absence.REDACTED and redaction_of(self._world.txn, channel, each) is None:
            self._bodies.drop(channel, each.id, Absence.MISSING)

    # What counts

    def recount(self, channel: Channel, before: View, after: View) -> None:
        """Ranks, memberships, devices or what is effective has changed: so may the redactions of those concerned."""
        concerned = {ending.user for ending in set(before.endings) ^ set(after.endings)}
        concerned |= {ranking.user for ranking in set(before.rankings) ^ set(after.rankings)}
        if before.threshold(Permission.MODERATE) != after.threshold(Permission.MODERATE):
            concerned |= {ranking.user for ranking in after.rankings}
        for device in {**before.revocations, **after.revocations}:
            user = channel.control.user_of(device)
            if user is not None and before.revocations.get(device) != after.revocations.get(device):
                concerned.add(user)
        names = [name for user in concerned for name, _ in self._world.txn.scan(Space.REDACTION, channel.id + user)]
        for record in channel.control.records_in((before.effective ^ after.effective) & before.mask):
            operation = channel.control.operation(record)
            name = b"" if operation is None else channel.id + operation.user + record
            if operation is not None and self._world.txn.get(Space.REDACTION, name) is not None:
                names.append(name)
        for name in names:
            self._world.txn.put(Space.REDACTION, name, PENDING)
            self._again[name] = channel.id
        if names:
            self._again_at = self._world.now

    def tick(self) -> None:
        """At the end of a batch: a slice of what is to be looked at again, and what is to be named too."""
        world = self._world
        if self._again_at is not None and self._again_at <= world.now:
            for name in list(self._again)[:REDACTIONS_AT_ONCE]:
                self._look_again(name, self._again.pop(name))
            self._again_at = world.now + SWEEP_PAUSE_MS if self._again else None
        if self._follow_at is not None and self._follow_at <= world.now:
            self._follow_up()

    def _look_again(self, name: bytes, identifier: ChannelId) -> None:
        txn, channel = self._world.txn, self._world.channels.get(identifier)
        if txn.get(Space.REDACTION, name) is None:
            return
        txn.put(Space.REDACTION, name, b"")
        record = txn.record(RecordId(name[-ID_SIZE:]))
        if channel is None or record is None:
            return
        for act in redactions(acts_of(record)):
            for target in (*act.targets, *act.also):
                self.look(channel, target)

    def wake_times(self) -> list[int]:
        return [at for at in (self._again_at, self._follow_at) if at is not None]

    # What this node has redacted

    def name_too(self, channel: Channel, target: RecordId, record: Record) -> None:
        """The text of `record` went with that of `target`. If this device has redacted that, it says so to everybody else."""
        world = self._world
        stored = world.txn.record(target)
        redaction = None if stored is None else redaction_of(world.txn, channel, stored)
        written = None if redaction is None else world.txn.record(redaction.record)
        if written is None or written.header.device != world.identity.device:
            return
        if redaction_of(world.txn, channel, record) is None:
            self._follow.setdefault((channel.id, target), set()).add(record.id)
            self._follow_at = max(world.now, self._follow_free_at)

    def _follow_up(self) -> None:
        world, self._follow_at = self._world, None
        self._follow_free_at = world.now + FOLLOW_UP_MS
        follow, self._follow = self._follow, {}
        for (identifier, target), also in follow.items():
            channel = world.channels.get(identifier)
            if channel is None or channel.standing.membership is not Membership.JOINED:
                continue
            mine = tuple(each for each in sorted(also) if self._is_ours_to_name(channel, each))[:MAX_TARGETS]
            stored = world.txn.record(target)
            redaction = None if stored is None else redaction_of(world.txn, channel, stored)
            if mine and redaction is not None:
                try:
                    self._ledger.author(channel, Log.CONTENT, (Redact(targets=(target,), reason=redaction.reason, also=mine),))
                except IntentRefused:
                    # A copied or revoked device writes nothing; others drop these texts by themselves.
                    continue
        self._follow_at = self._follow_free_at if self._follow else None

    def _is_ours_to_name(self, channel: Channel, record: RecordId) -> bool:
        held = self._world.txn.record(record)
        author = None if held is None else channel.control.user_of(held.header.device)
        if held is None or author is None or redaction_of(self._world.txn, channel, held) is not None:
            return False
        return may_redact(channel.control.state_at(tuple(channel.chains.heads[Log.CONTROL])), self._world.identity.user, author)


def _is_redaction(record: Record) -> bool:
    acts = acts_of(record)
    return bool(acts) and all(act_type(act) == REDACTS[0] for act in acts)
