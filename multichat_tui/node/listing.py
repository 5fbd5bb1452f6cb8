"""Workspaces, read: which channels stand on their lists, and what in a channel was decided in one of them."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from multichat_tui.channel.operations import Operation
from multichat_tui.channel.view import InvitationName, InvitationState
from multichat_tui.crypto.keys import mac, public_key
from multichat_tui.model.acts import Ban, Listing, Remove, SetRank, Style, Unban, WayIn
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.invitations import join_seed
from multichat_tui.model.limits import CAUSE_BYTES
from multichat_tui.model.ranks import FOUNDER, MEMBER, role_of
from multichat_tui.model.snapshots import ListedRow, Membership
from multichat_tui.node.roles import role_name
from multichat_tui.node.world import Channel, World

Deed: TypeAlias = SetRank | Remove | Ban | Unban
"""What is carried from a workspace into its channels."""


def directory(world: World, workspace: Channel) -> tuple[ListedRow, ...]:
    """As it is told; of channels that we are in, as they are."""
    if not workspace.rooted:
        return ()
    rows = []
    mine = workspace.view.rank(world.identity.user)
    for channel, (_, listing) in workspace.view.directory.items():
        found = world.channels.get(channel)
        here = found if found is not None and found.rooted and found.standing.membership is Membership.JOINED else None
        rows.append(
            ListedRow(
                channel=channel,
                name=listing.name if here is None else here.view.name,
                topic=listing.topic if here is None else here.view.topic,
                joined=here is not None,
                joining=found is not None and found.standing.membership is Membership.JOINING,
                open=listing.way_in is not None,
                members=None if here is None else len(here.view.members),
                role=role_of(listing.least) if listing.least > MEMBER else "",
                fits=mine is not None and mine >= listing.least,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.channel)))


def listed(world: World, workspace: Channel) -> Iterator[tuple[Channel, int, Listing]]:
    """The channels on a workspace's list that we are in, with what put them there."""
    for channel, (index, listing) in workspace.view.directory.items():
        found = world.channels.get(channel)
        if found is not None and found.rooted and found.standing.membership is Membership.JOINED:
            yield found, index, listing


def state_of(channel: Channel, way_in: WayIn) -> tuple[InvitationName, InvitationState] | None:
    """The invitation that a way in opens, as far as the channel is here."""
    join_key = public_key(join_seed(way_in.seed))
    if not channel.rooted:
        return None
    return next(((name, state) for name, state in channel.view.invitations.items() if state.invite.join_key == join_key), None)


@lru_cache(maxsize=1024)
def _join_key(seed: bytes) -> bytes:
    return public_key(join_seed(seed))


def came_by(world: World, channel: Channel, admit: Operation) -> tuple[Channel, Listing] | None:
    """The workspace by whose list somebody came into a channel, if we are in that, and what stood there."""
    key = None if admit.join is None else admit.join.join_key
    for workspace in workspaces(world):
        for listing in workspace.control.listings(channel.id):
            if listing.way_in is not None and _join_key(listing.way_in.seed) == key:
                return workspace, listing
    return None


def role_words(world: World, channel: Channel, admit: Operation) -> str:
    """The role in a workspace of ours that let somebody in, where nobody had to agree: `moderator of acme`; else nothing. The
    workspace's name is others' text.

    The logs of the two do not name each other: whether they had the role by then follows from the clocks of those who wrote."""
    found = came_by(world, channel, admit)
    if found is None or admit.joiner is None or found[1].least <= MEMBER:
        return ""
    workspace, listing = found
    rank = _rank_at(world, workspace, admit.joiner, _written_ms(world, admit.id))
    return f"{role_name(workspace.view, rank)} of {workspace.view.name}" if rank is not None and rank >= listing.least else ""


def _rank_at(world: World, channel: Channel, user: UserId, time_ms: int) -> int | None:
    """What somebody was by the last that was done to them until then."""
    if user in channel.view.founders:
        return FOUNDER
    for record in channel.control.done_to(user):
        operation = channel.control.operation(record)
        if operation is not None and channel.control.effective(record) and _written_ms(world, record) <= time_ms:
            return channel.control.state_after(operation).rank(user)
    return None


def _written_ms(world: World, record: RecordId) -> int:
    stored = world.txn.record(record)
    return 0 if stored is None else stored.header.timestamp_ms


def workspaces(world: World) -> list[Channel]:
    """Those that we are in."""
    found = [c for c in world.channels.values() if c.rooted and c.view.style is Style.WORKSPACE]
    return [c for c in found if c.standing.membership is Membership.JOINED]


def cause_of(workspace: ChannelId, operation: RecordId, user: UserId) -> bytes:
    """The mark of what is carried from a workspace into a channel: opaque to who does not know the workspace."""
    return mac(workspace, "mc.cause", operation, user)[:CAUSE_BYTES]


def deciding_workspace(world: World, act: Deed) -> Channel | None:
    """The workspace in which it was decided what an operation in a channel carries out, if we are in that."""
    for workspace in workspaces(world) if act.cause else ():
        for operation in workspace.control.newest_first():
            about = any(isinstance(each, SetRank | Remove | Ban | Unban) and each.user == act.user for each in operation.acts)
            if (
                about
                and cause_of(workspace.id, operation.id, act.user) == act.cause
                and workspace.control.effective(operation.id)
            ):
                return workspace
    return None
