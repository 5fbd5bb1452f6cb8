"""What users take away: single messages, or all of somebody's since a moment. Decided here, written by `purging`."""

from collections.abc import Iterable
from itertools import islice

from multichat_tui.channel.redacting import may_redact
from multichat_tui.model.acts import Redact
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId
from multichat_tui.model.intents import PurgeMessages, RedactMessages
from multichat_tui.model.limits import MAX_PURGED, MAX_PURGED_TOGETHER, MAX_REFERENCES, MAX_TARGETS
from multichat_tui.model.ranks import Permission, standing_words
from multichat_tui.model.records import Absence
from multichat_tui.model.text import visible
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.joined import joined
from multichat_tui.node.moderating import clean_reason, need
from multichat_tui.node.redacted import told_about
from multichat_tui.node.world import Channel, World


class Redacting:
    def __init__(self, world: World) -> None:
        self._world = world

    def redaction(self, intent: RedactMessages) -> tuple[Channel, Redact]:
        """As one act, to be done together with others."""
        channel, targets = self.chosen(intent)
        if len(targets) > MAX_TARGETS:
            raise IntentRefused(Refusal.LIMIT, f"At most {MAX_TARGETS} messages go together with something else.")
        return channel, self.act(channel, targets, clean_reason(intent.reason))

    def purge(self, intent: PurgeMessages) -> tuple[Channel, tuple[Redact, ...]]:
        """All of somebody's as acts of one record, to be done together with others. `errors.IntentRefused`: they are too many."""
        channel, targets = self.written(intent)
        if len(targets) > MAX_PURGED_TOGETHER:
            raise IntentRefused(
                Refusal.LIMIT,
                f"At most {MAX_PURGED_TOGETHER} messages go together with something else, and these are more.",
                "Take away what is of a shorter time, or /purge by itself.",
            )
        reason = clean_reason(intent.reason)
        chunks = [targets[start : start + MAX_TARGETS] for start in range(0, len(targets), MAX_TARGETS)]
        return channel, tuple(self.act(channel, chunk, reason) for chunk in chunks)

    def chosen(self, intent: RedactMessages) -> tuple[Channel, tuple[RecordId, ...]]:
        """The channel where they stand, and each of them once. `errors.IntentRefused`, `errors.NotFound`."""
        world, targets = self._world, tuple(dict.fromkeys(intent.targets))
        if not targets:
            raise IntentRefused(Refusal.EMPTY, "No message is chosen.")
        here = _part_of(world, intent.channel, targets[0])
        for target in targets:
            record = world.txn.record(target)
            if record is None or record.channel != here.id or record.header.log is not Log.CONTENT:
                raise NotFound("That message is not in this channel.")
            if record.absence is Absence.REDACTED:
                raise IntentRefused(Refusal.ALREADY, "It has been taken away already.")
            author = here.control.user_of(record.header.device)
            assert author is not None
            self._check_right(here, author)
        return here, targets

    def _check_right(self, channel: Channel, author: UserId) -> None:
        view, me = channel.view, self._world.identity.user
        state = channel.control.state_at(tuple(channel.chains.heads[Log.CONTROL]))
        if may_redact(state, me, author):
            return
        if author != me:
            need(view, me, Permission.MODERATE, "take away what others have written")
        mine, theirs = view.rank(me), view.rank(author)
        if mine is None or theirs is None:
            raise IntentRefused(Refusal.NOT_A_MEMBER, "You are not in this channel.")
        name = visible(self._world.name_of(author)) or "This person"
        raise IntentRefused(
            Refusal.NOT_ALLOWED,
            f"{name} is {standing_words(theirs)}, and you are {standing_words(mine)}.",
            "One takes away what lower ranks have written, and one's own.",
        )

    def written(self, intent: PurgeMessages) -> tuple[Channel, tuple[RecordId, ...]]:
        """What a purge is about. `errors.IntentRefused`, `errors.NotFound`."""
        channel = _part_of(self._world, intent.channel, None)
        self._check_right(channel, intent.user)
        targets = tuple(islice(self._written_by(channel, intent.user, intent.since_ms), MAX_PURGED))
        if not targets:
            raise NotFound("They have written nothing here since then.", "/purge NAME all takes away all that is here.")
        return channel, targets

    def _written_by(self, channel: Channel, user: UserId, since_ms: int) -> Iterable[RecordId]:
        txn = self._world.txn
        for device, certificate in channel.control.certificates.items():
            if certificate.user != user:
                continue
            for entry in txn.entries_by_device(channel.id, device):
                record = None if entry.notice else txn.record(entry.id)
                if record is not None and record.absence is None and record.header.timestamp_ms >= since_ms:
                    yield entry.id

    def act(self, channel: Channel, named: tuple[RecordId, ...], reason: str) -> Redact:
        """With what is known to tell about them: edits, whose texts go too."""
        also: list[RecordId] = []
        state = channel.control.state_at(tuple(channel.chains.heads[Log.CONTROL]))
        for target in named:
            for each in self._world.txn.references(target, MAX_REFERENCES):
                author = channel.control.user_of(each.header.device)
                if each.channel != channel.id or author is None or not may_redact(state, self._world.identity.user, author):
                    continue
                if told_about(acts_of(each)) and each.id not in named and len(also) < MAX_TARGETS:
                    also.append(each.id)
        return Redact(targets=named, reason=reason, also=tuple(dict.fromkeys(also)))


def _part_of(world: World, identifier: ChannelId, target: RecordId | None) -> Channel:
    """The channel, of those that show as this one, where a message stands."""
    parts = {part.id: part for part in world.conversation(joined(world, identifier))}
    record = None if target is None else world.txn.record(target)
    return parts[identifier] if record is None else parts.get(record.channel, parts[identifier])
