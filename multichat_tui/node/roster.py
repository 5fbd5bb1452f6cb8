"""The members of a channel with how they came: what a moderator chooses from. Reads only."""

from multichat_tui.model.ids import Log, UserId, short
from multichat_tui.model.limits import MAX_ROSTER_ROWS
from multichat_tui.model.moderation import RosterRow
from multichat_tui.model.ranks import MEMBER, role_of
from multichat_tui.node.names import channel_names
from multichat_tui.node.world import Channel, World


def roster(world: World, channel: Channel) -> tuple[RosterRow, ...]:
    """Who came last first; of many members the newest `limits.MAX_ROSTER_ROWS`."""
    if not channel.rooted:
        return ()
    view, control, names = channel.view, channel.control, channel_names(world, channel)
    written: dict[UserId, int] = {}
    for (log, _), end in channel.chains.ends.items():
        user = control.user_of(end.device)
        if log is Log.CONTENT and user is not None:
            written[user] = written.get(user, 0) + end.seq + 1
    links = {state.invite.join_key: state for state in view.invitations.values()}
    rows = []
    for user, began in sorted(view.members.items(), key=lambda each: each[1], reverse=True)[:MAX_ROSTER_ROWS]:
        record = control.records_by_index(began)
        stored, operation = world.txn.record(record), control.operation(record)
        join = None if operation is None else operation.join
        link = None if join is None else links.get(join.join_key)
        rank = view.ranks.get(user, MEMBER)
        rows.append(
            RosterRow(
                user=user,
                name=names.get(user) or short(user),
                role=role_of(rank),
                rank=rank,
                me=user == world.identity.user,
                online=user == world.identity.user or world.online(user),
                joined_ms=0 if stored is None else stored.header.timestamp_ms,
                admitted_by="" if link is None else names.get(link.maker) or short(link.maker),
                messages=written.get(user, 0),
                provisional=user in view.unsettled,
                link_open=link is not None and link.open,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.joined_ms, row.name.casefold(), row.user)))
