"""A channel goes from this node as if it had never been here."""

from multichat_tui.model.ports import Space
from multichat_tui.node.device_statements import forget_said
from multichat_tui.node.islands import forget_islands
from multichat_tui.node.world import Channel, World


def forget_channel(world: World, channel: Channel) -> None:
    """Whatever is stored of it, and held in memory."""
    for key, _ in world.txn.scan(Space.RECEIPT, channel.id):
        world.txn.delete(Space.RECEIPT, key)
    forget_islands(world.txn, channel)
    forget_said(world, channel.id)
    world.txn.forget_channel(channel.id)
    world.drop_channel(channel)
    world.changed_channels.discard(channel.id)
