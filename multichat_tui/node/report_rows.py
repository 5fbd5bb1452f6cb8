"""What members have reported, and what has become of it. Reads only; see `reports`."""

from dataclasses import replace

from multichat_tui.channel.counting import ended_before
from multichat_tui.model.acts import Message, Report, Settlement, SettleReport
from multichat_tui.model.ids import ID_SIZE, ChannelId, RecordId, UserId, short
from multichat_tui.model.moderation import ReportedMessage, ReportRow, ReportState
from multichat_tui.model.ports import Space
from multichat_tui.model.records import Record
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.names import channel_names
from multichat_tui.node.noted_reports import ETS_BYTES
from multichat_tui.node.world import Channel, World

STATES = {Settlement.DISMISSED: ReportState.DISMISSED, Settlement.ACTED: ReportState.ACTED}


class ReportRows:
    def __init__(self, world: World) -> None:
        self._world = world

    def rows(self, channel: Channel) -> tuple[ReportRow, ...]:
        """Those that count now: the open ones first, each part the newest first."""
        rows = []
        for key, _ in self._world.txn.scan(Space.REPORT, channel.id):
            user, record = UserId(key[ID_SIZE : 2 * ID_SIZE]), RecordId(key[2 * ID_SIZE + ETS_BYTES :])
            stored = self._world.txn.record(record)
            if stored is None or ended_before(channel.control, stored.header, user):
                continue
            rows += [self._row(channel, stored, act, user) for act in acts_of(stored) if isinstance(act, Report)][:1]
        rows.sort(key=lambda row: (row.state is not ReportState.OPEN, -row.time_ms, row.id))
        return tuple(rows)

    def _row(self, channel: Channel, record: Record, act: Report, reporter: UserId) -> ReportRow:
        names = channel_names(self._world, channel)
        messages = [self._message(channel.id, target) for target in act.targets]
        authors = {user for _, user in messages if user is not None}
        user = act.user if act.user is not None else authors.pop() if len(authors) == 1 else None
        row = ReportRow(
            id=record.id,
            time_ms=record.header.timestamp_ms,
            reporter=reporter,
            reporter_name=names.get(reporter) or short(reporter),
            reason=act.reason,
            user=user,
            name="" if user is None else names.get(user) or short(user),
            messages=tuple(message for message, _ in messages),
            state=ReportState.OPEN,
            mine=reporter == self._world.identity.user,
        )
        return self._settled(channel, row, names)

    def _settled(self, channel: Channel, row: ReportRow, names: dict[UserId, str]) -> ReportRow:
        """The first settlement that counts is the one that holds; nobody settles what is about themselves."""
        for key, _ in self._world.txn.scan(Space.SETTLED, channel.id + row.id):
            place = key[2 * ID_SIZE + ETS_BYTES :]
            record, user = RecordId(place[:ID_SIZE]), UserId(place[ID_SIZE:])
            stored = self._world.txn.record(record)
            if stored is None or user == row.user or ended_before(channel.control, stored.header, user):
                continue
            for act in acts_of(stored):
                if isinstance(act, SettleReport) and act.report == row.id:
                    return replace(
                        row,
                        state=STATES[act.outcome],
                        settled_by=names.get(user) or short(user),
                        settled_ms=stored.header.timestamp_ms,
                        settled_reason=act.reason,
                    )
        return row

    def _message(self, channel: ChannelId, target: RecordId) -> tuple[ReportedMessage, UserId | None]:
        stored = self._world.txn.record(target)
        if stored is None or stored.channel != channel:
            return ReportedMessage(id=target, text="", here=False), None
        text = next((act.text for act in acts_of(stored) if isinstance(act, Message)), "")
        entry = self._world.txn.entry(target)
        user = self._world.channels[channel].control.user_of(stored.header.device)
        shown = entry is not None and not entry.hidden
        return ReportedMessage(id=target, text=text, here=shown), user
