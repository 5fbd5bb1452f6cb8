"""Notes what delivered records report and settle, so that it can be listed without reading all content; see `reports`."""

from multichat_tui.model.acts import Act, Report, SettleReport
from multichat_tui.model.events import ReportsChanged
from multichat_tui.model.ids import Log, UserId
from multichat_tui.model.limits import MAX_REPORTS_PER_MEMBER, MAX_SETTLEMENTS
from multichat_tui.model.ports import Space
from multichat_tui.model.ranks import Permission
from multichat_tui.model.records import Record
from multichat_tui.node.world import Channel, World

ETS_BYTES = 8
NOTED = (Report, SettleReport)


def note_reports(world: World, channel: Channel, record: Record, acts: tuple[Act, ...], user: UserId) -> None:
    """Take in what a delivered record reports or settles, if that counts where it was written."""
    found = [act for act in acts if isinstance(act, NOTED)]
    if not found or record.header.log is not Log.CONTENT:
        return
    cited = channel.control.state_at(record.header.control_heads)
    rank = cited.rank(user)
    if rank is None or cited.revoked(record.header.device):
        world.count("report-without-right")
        return
    place = record.header.ets.to_bytes(ETS_BYTES, "big") + record.id
    for act in found:
        if isinstance(act, Report):
            _keep(world, channel.id + user, place)
        elif rank >= cited.threshold(Permission.MODERATE):
            _settle(world, channel.id + act.report, place + user, user)
        else:
            world.count("report-without-right")
            continue
        world.emit(lambda seq: ReportsChanged(seq=seq, channel=channel.id))


def _keep(world: World, prefix: bytes, place: bytes) -> None:
    """Of one member the newest reports."""
    world.txn.put(Space.REPORT, prefix + place, b"")
    keys = [key for key, _ in world.txn.scan(Space.REPORT, prefix)]
    for key in keys[:-MAX_REPORTS_PER_MEMBER]:
        world.txn.delete(Space.REPORT, key)


def _settle(world: World, prefix: bytes, place: bytes, user: UserId) -> None:
    """Of each moderator the first settlement of a report is kept, of these the first ones: who may not settle it, as it is about
    them, takes one place."""
    world.txn.put(Space.SETTLED, prefix + place, b"")
    keys = [key for key, _ in world.txn.scan(Space.SETTLED, prefix)]
    for key in [key for key in keys if key.endswith(user)][1:]:
        world.txn.delete(Space.SETTLED, key)
        keys.remove(key)
    for key in keys[MAX_SETTLEMENTS:]:
        world.txn.delete(Space.SETTLED, key)
