"""What of the records that are held is shown, and how: entries of the timeline, made when a record is delivered and changed
when what counts has changed."""

import heapq
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

from multichat_tui.channel.content_rules import is_paced
from multichat_tui.channel.counting import counts, within
from multichat_tui.channel.resources import registry
from multichat_tui.channel.view import Halt, Ruling, View
from multichat_tui.model.acts import (
    Act,
    Admit,
    Ask,
    Ban,
    Create,
    Devices,
    Leave,
    Message,
    RefuseJoin,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    Setting,
    SetTopic,
    Unban,
    UnknownAct,
    WideFence,
)
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.events import MessageAdded, MessageChanged
from multichat_tui.model.ids import DeviceId, Log, RecordId, UserId
from multichat_tui.model.limits import FUTURE_TOLERANCE_MS, LATE_AFTER_MS, MAX_PACED_BACK
from multichat_tui.model.ports import Space, TimelineEntry
from multichat_tui.model.records import Absence, Header, Kind, Record
from multichat_tui.model.snapshots import Delivery, Membership, Position, RowKind
from multichat_tui.model.text import mentions
from multichat_tui.node.act_words import LEFT_REASON, acts_of, reply_of, reply_of_record, row_words
from multichat_tui.node.held import Held
from multichat_tui.node.message_rows import MessageRows, changed_row
from multichat_tui.node.redacted import redaction_of
from multichat_tui.node.resources import shows
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import chain_key

SHOWN = (
    Message,
    UnknownAct,
    Create,
    Admit,
    Leave,
    Remove,
    SetTopic,
    Rename,
    Devices,
    SetRank,
    Ban,
    Unban,
    SetThreshold,
    Setting,
    Ask,
    RefuseJoin,
)
UNSEEN = (Absence.EXPIRED, Absence.LOCAL)
"""What is gone for one of these has no row any more."""
MAX_EARLY = 1024
"""Records from the future whose moment is waited for; of more, the text shows at the next read after it is due."""
MAX_NAMED_AGAIN = 32
"""Rows that name somebody, told of anew when their name comes; older ones say it when they are read next."""


class Timeline:
    def __init__(self, world: World, rows: MessageRows, held: Held) -> None:
        self._world = world
        self._rows = rows
        self._resources = rows.resources
        self._held = held

    def show(
        self,
        channel: Channel,
        record: Record,
        acts: tuple[Act, ...],
        arrival: int,
        user: UserId,
        *,
        past: bool = False,
        instead: bool = False,
    ) -> None:
        """`past`: history that is filled in, which is neither late nor news. `instead`: its row is there, without its text."""
        world = self._world
        header = record.header
        mine = user == world.identity.user
        if header.log is Log.CONTROL and any(isinstance(act, Remove) and act.reason == LEFT_REASON for act in acts):
            return
        entry = TimelineEntry(
            channel=channel.id,
            id=record.id,
            ets=header.ets,
            arrival=arrival,
            user=user,
            device=DeviceId(header.device),
            mention=not mine and any(isinstance(act, Message) and mentions(act.text, world.identity.name) for act in acts),
            late=not mine
            and not past
            and world.now - header.timestamp_ms > LATE_AFTER_MS
            and self._is_below_newest(channel, record)
            and not self._is_before_our_time(channel, record),
            hidden=not shows(acts) or not self._is_counted(channel, record, user, acts),
            notice=header.log == Log.CONTROL and row_words(acts)[0] is not RowKind.MESSAGE,
        )
        answered = reply_of(acts)
        referred = bool(world.txn.referred((record.id,)))
        found_by = self._resources.searched_text(channel, record, acts, referred=referred)
        world.txn.show(entry, found_by, reply_to=answered)
        self._note_targets(channel, record.id, acts)
        if referred and self._resources.is_pinned(channel, record, acts):
            world.txn.put(Space.PIN, channel.id + record.id, b"")
        if answered is not None:
            world.answered.add(answered)
        world.changed_channels.add(channel.id)
        due_ms = header.timestamp_ms - FUTURE_TOLERANCE_MS
        if due_ms > world.now and not mine and not entry.hidden and len(world.early) < MAX_EARLY:
            heapq.heappush(world.early, (due_ms, channel.id, record.id))
        if entry.hidden or channel.standing.membership is Membership.ASKED:
            return
        row = partial(self._rows.row, channel, entry, record, acts, referred=referred)
        if instead:
            world.emit(changed_row(row()))
        else:
            world.emit(lambda seq: MessageAdded(seq=seq, row=row(), past=past))

    def _note_targets(self, channel: Channel, record: RecordId, acts: tuple[Act, ...]) -> None:
        """What is acted on may be another thing now."""
        targets = self._resources.targets(acts)
        if targets:
            self._world.txn.refer(record, targets)
            self._world.acted_on.update((target, channel.id) for target, _ in targets)

    def settle(self) -> None:
        """What was acted on in this batch is looked at again, each once: what it is found by, if it is pinned, how it shows."""
        world = self._world
        for target, channel_id in sorted(world.acted_on):
            entry, record, channel = world.txn.entry(target), world.txn.record(target), world.channels.get(channel_id)
            if entry is None or record is None or channel is None or entry.channel != channel_id:
                # Below the horizon, or not here yet: it is looked at when it comes.
                continue
            acts = acts_of(record)
            world.txn.show(entry, self._resources.searched_text(channel, record, acts, referred=True))
            key = channel_id + target
            if self._resources.is_pinned(channel, record, acts):
                world.txn.put(Space.PIN, key, b"")
            else:
                world.txn.delete(Space.PIN, key)
            if not entry.hidden:
                row = self._rows.row(channel, entry, record, acts)
                world.emit(changed_row(row))
        world.acted_on.clear()

    def look_again(self, limit: int) -> bool:
        """Note what older entries act on, and hide those that show only by that, which a version did that did not know them yet.
        Whether that was all."""
        found = self._world.txn.older_references(limit)
        for entry, record in found:
            channel, acts = self._world.channels.get(entry.channel), acts_of(record)
            understood = any(isinstance(act, UnknownAct) and registry().knows(act) for act in acts)
            if channel is None or not channel.rooted or not understood:
                continue
            self._note_targets(channel, record.id, acts)
            self._recount_entry(channel, entry)
            found_by = self._resources.searched_text(channel, record, acts)
            self._world.txn.show(self._world.txn.entry(entry.id) or entry, found_by)
        return len(found) < limit

    def show_absent(self, channel: Channel, record: Record, *, arrived: bool = False, past: bool = False) -> None:
        """A record is held without its body: a row says why, where that is worth one. `arrived`: it is new here, so that nobody
        knows whether it was a message or something about one."""
        world = self._world
        before, arrival = world.txn.entry(record.id), world.txn.arrival(record.id)
        user = channel.control.user_of(record.header.device)
        if arrival is None or user is None or record.header.kind != Kind.CONTENT:
            return
        only_told = False
        if record.absence is Absence.REDACTED:
            # An edit, say: it went with what it is about. What was here and had no row, such as a vote, gets none now.
            redaction = redaction_of(world.txn, channel, record)
            only_told = redaction is None or not redaction.named or (before is not None and before.hidden)
            arrived = arrived and not only_told
        if before is None and not arrived and record.absence is not Absence.MISSING:
            # What has gone had no row of its own.
            return
        entry = TimelineEntry(
            channel=channel.id,
            id=record.id,
            ets=record.header.ets,
            arrival=arrival[0],
            user=user,
            device=DeviceId(record.header.device),
            late=before is not None and before.late,
            hidden=only_told or not self._is_shown(channel, record, user),
            notice=True,
        )
        if before is None and entry.hidden:
            return
        world.txn.show(entry, "")
        world.changed_channels.add(channel.id)
        if before is not None:
            self._changed(channel, entry, record)
        elif channel.standing.membership is not Membership.ASKED:
            world.emit(lambda seq: MessageAdded(seq=seq, row=self._rows.row(channel, entry, record), past=past))

    def note_lapse(self, channel: Channel, record: Record) -> None:
        """The time of a record is over: its author is told if not everybody has got it."""
        world = self._world
        entry = world.txn.entry(record.id)
        if record.body is None or entry is None or entry.hidden or entry.user != world.identity.user:
            return
        row = self._rows.row(channel, entry, record)
        if row.state in (Delivery.QUEUED, Delivery.STORED, Delivery.SOME):
            world.txn.put(Space.LAPSED, channel.id + record.id, f"{row.delivered} of {row.total}".encode())

    def hide(self, channel: Channel, record: RecordId) -> None:
        """What stood for a missing text was none."""
        entry, stored = self._world.txn.entry(record), self._world.txn.record(record)
        if entry is not None and stored is not None and not entry.hidden:
            gone = replace(entry, hidden=True)
            self._world.txn.show(gone, "")
            self._changed(channel, gone, stored)

    def _changed(self, channel: Channel, entry: TimelineEntry, record: Record) -> None:
        """Tell that a row says something else, or is gone."""
        world = self._world
        if channel.standing.membership is Membership.ASKED:
            return
        row = None if entry.hidden else self._rows.row(channel, entry, record)
        position = Position(ets=entry.ets, id=entry.id)
        shown = world.conversation(channel)[0].id
        world.emit(lambda seq: MessageChanged(seq=seq, channel=shown, id=entry.id, position=position, row=row))

    def _is_below_newest(self, channel: Channel, record: Record) -> bool:
        """Whether it lands above content that was here before. Control records do not count: they come first when catching up,
        and would make all of a newcomer's history late."""
        heads = channel.chains.heads[Log.CONTENT]
        return any(ets > record.header.ets + LATE_AFTER_MS for head, ets in heads.items() if head != record.id)

    def _is_before_our_time(self, channel: Channel, record: Record) -> bool:
        """Whether it is from before this user was a member: a newcomer who writes at once stands above all of it."""
        began = channel.view.members.get(self._world.identity.user)
        header = None if began is None else self._held.header_of(channel.control.records_by_index(began))
        return header is not None and record.header.timestamp_ms < header.timestamp_ms

    def show_cited(self, channel: Channel, header: Header) -> None:
        """What is dated ahead, and held back for that, shows when a record that is not stands upon it."""
        world = self._world
        ahead = world.now + FUTURE_TOLERANCE_MS
        below = list(_cited(header)) if header.timestamp_ms <= ahead else []
        found = 0
        while below and found < MAX_EARLY:
            identifier = below.pop()
            cited = self._held.header_of(identifier)
            if cited is None or cited.log is not Log.CONTENT or cited.timestamp_ms <= ahead:
                continue
            key = channel.id + identifier
            if cited.device == world.identity.device or world.txn.get(Space.CITED, key) is not None:
                continue
            found += 1
            world.txn.put(Space.CITED, key, b"")
            below += _cited(cited)
            self._show_again(identifier)

    def show_due(self) -> None:
        """Held records whose time has come show their text."""
        world = self._world
        while world.early and world.early[0][0] <= world.now:
            self._show_again(heapq.heappop(world.early)[2])

    def name_again(self, channel: Channel, user: UserId) -> None:
        """It is known only now what somebody is called: what was done to them before says so."""
        if channel.standing.membership is not Membership.ASKED:
            for record in islice(channel.control.done_to(user), MAX_NAMED_AGAIN):
                self._show_again(record)

    def _show_again(self, record: RecordId) -> None:
        row = self._rows.message(record)
        if row is not None:
            self._world.emit(changed_row(row))

    def recount(self, channel: Channel, before: View, after: View) -> None:
        """Memberships have ended, ranks were changed, devices revoked, or operations count that did not, or no longer: so may
        what those concerned have written, and nothing else."""
        txn, control = self._world.txn, channel.control
        ended = {ending.user for ending in set(before.endings) ^ set(after.endings)}
        ended |= {ranking.user for ranking in set(before.rankings) ^ set(after.rankings)}
        if before.thresholds != after.thresholds:
            # What a rank lacks is measured by the threshold that is now.
            ended |= {ranking.user for ranking in after.rankings}
        revoked = {
            device
            for device in {**before.revocations, **after.revocations}
            if before.revocations.get(device) != after.revocations.get(device)
        }
        entries: dict[RecordId, TimelineEntry] = {}
        for device, certificate in control.certificates.items():
            if certificate.user in ended or device in revoked:
                entries.update((entry.id, entry) for entry in txn.entries_by_device(channel.id, device))
        restrictions: set[Halt | Ruling] = {*before.rulings, *before.halts}
        restrictions ^= {*after.rulings, *after.halts}
        for restriction in restrictions:
            entries.update(self._beyond(channel, restriction.fence))
        for record in control.records_in((before.effective ^ after.effective) & before.mask):
            entry = txn.entry(record)
            if entry is not None:
                entries[record] = entry
        for entry in entries.values():
            self._recount_entry(channel, entry)

    def _beyond(self, channel: Channel, fence: WideFence) -> Iterator[tuple[RecordId, TimelineEntry]]:
        """What is shown, or could be, beyond the fence of a restriction for all: mostly the little that came beside it."""
        txn = self._world.txn
        marks = {mark.device: mark.seq for mark in fence.marks}
        for prefix, device in channel.devices.items():
            top = channel.chains.top((Log.CONTENT, prefix))
            for record in txn.chain(channel.id, Log.CONTENT, device, marks.get(prefix, -1) + 1, top):
                entry = None if within(fence, record.header) else txn.entry(record.id)
                if entry is not None:
                    yield record.id, entry

    def _recount_entry(self, channel: Channel, entry: TimelineEntry) -> None:
        world = self._world
        record = world.txn.record(entry.id)
        if record is None:
            return
        world.acted_on.update((target, channel.id) for target, _ in self._resources.targets(acts_of(record)))
        hidden = not self._is_shown(channel, record, entry.user) or (entry.hidden and record.absence is Absence.REDACTED)
        if hidden == entry.hidden and (hidden or record.header.log is Log.CONTENT):
            return
        changed = replace(entry, hidden=hidden)
        world.txn.show(changed)
        answered = reply_of_record(record)
        if answered is not None:
            world.answered.add(answered)
        self._changed(channel, changed, record)

    def _is_shown(self, channel: Channel, record: Record, user: UserId) -> bool:
        """Whether it has a row: it counts, and its body has not gone with its time."""
        acts = acts_of(record)
        if record.absence is Absence.EXPIRED and self._world.txn.get(Space.LAPSED, channel.id + record.id) is not None:
            return True
        if record.absence is None and not shows(acts):
            return False
        return record.absence not in UNSEEN and self._is_counted(channel, record, user, acts)

    def recount_above(self, channel: Channel, header: Header) -> None:
        """A record was filled in below others of its chain: in slow mode those were written too early after it, perhaps."""
        if not channel.control.ever_set(SettingKey.SLOW_MODE):
            return
        for seq in range(header.seq + 1, header.seq + 1 + MAX_PACED_BACK):
            if not channel.chains.holds(chain_key(header), seq):
                return
            above = self._world.txn.in_chain(channel.id, header.log, header.device, seq)
            entry, record = (None, None) if above is None else (self._world.txn.entry(above), self._world.txn.record(above))
            if entry is not None:
                self._recount_entry(channel, entry)
            if record is not None and is_paced(acts_of(record)):
                return

    def _is_counted(self, channel: Channel, record: Record, user: UserId, acts: tuple[Act, ...] | None = None) -> bool:
        if record.absence is not None and record.header.log is Log.CONTENT:
            # What it said is not known: it is held to what messages are.
            return counts(channel.control, record.header, user)
        acts = acts_of(record) if acts is None else acts
        return self._resources.counts(channel, record, user, acts) or (
            record.header.log == Log.CONTROL and self._is_told_as_reverted(channel, record, user)
        )

    def _is_told_as_reverted(self, channel: Channel, record: Record, user: UserId) -> bool:
        """What a present member did to people's rights in good faith stays, and says that it is void. Of others it does not show:
        those who were thrown out would fill the timeline with it."""
        told = row_words(acts_of(record))[0] in (RowKind.MODERATED, RowKind.REMOVED)
        return told and channel.control.reverted(record.id) and channel.view.is_member(user)


def _cited(header: Header) -> tuple[RecordId, ...]:
    """What a record names of its own log, each once."""
    prev = header.prev
    return header.parents if prev is None or prev in header.parents else (*header.parents, prev)
