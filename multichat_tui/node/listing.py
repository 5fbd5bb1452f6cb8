"""Workspaces, read: which channels stand on their lists, and what in a channel was decided in one of them."""

from collections.abc import Iterator
from typing import TypeAlias

from multichat_tui.channel.view import InvitationName, InvitationState
from multichat_tui.crypto.keys import mac, public_key
from multichat_tui.model.acts import Ban, Listing, Remove, SetRank, Style, Unban, WayIn
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.invitations import join_seed
from multichat_tui.model.limits import CAUSE_BYTES
from multichat_tui.model.ranks import MEMBER, role_of
from multichat_tui.model.snapshots import ListedRow, Membership
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
