"""How deposits end: their reader has what they cover, may not have it, or says that it was lost; or their time is over.

What is then still lacking is looked for again by `depositing`, and sealed anew. docs/protocol/deposits.md, 23.4.
"""

from collections.abc import Callable

from multichat_tui.model.frames import ChainRange
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.limits import AWAY_MS, LIFT_MS, MAX_DEPOSIT_BYTES
from multichat_tui.model.parcels import Cover
from multichat_tui.node.deposits import Stage
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Session

SWEEP_MS = 10 * 60 * 1000
"""It is looked so often what nobody waits for any more."""
ANSWER_MS = 24 * 60 * 60 * 1000
"""Mere answers are given up after this: what they acknowledge is asked for again, or known by other ways."""


class DepositEnds:
    def __init__(self, world: World, look: Callable[[DeviceId, int], None], waits: Callable[[DeviceId], bool]) -> None:
        """`look`: at what a device lacks, at that time. `waits`: whether that is to be done sometime."""
        self._world = world
        self._look = look
        self._waits = waits
        self._swept_at = 0

    def on_lost(self, session: Session, channel: Channel, ranges: tuple[ChainRange, ...]) -> None:
        """See `requests`."""
        self._uncover(session.device, channel.id, [(each.log, each.device, each.first, each.last) for each in ranges])

    def _uncover(self, device: DeviceId, channel: ChannelId, ranges: list[tuple[Log, bytes, int, int]]) -> None:
        """A device says that it lacks these ranges of chains: (log, device prefix, first, last). Deposits that cover them are
        lost on their way, unless they were made only now; it is believed once in a while."""
        world = self._world
        heard = world.heard.of(world.txn, device, world.now)
        if heard.lifted_ms and heard.lifted_ms + LIFT_MS > world.now:
            return
        heard.lifted_ms = world.now
        world.heard.keep(world.txn, device)
        for row in world.deposits.of(device):
            if row.made_ms + AWAY_MS > world.now:
                continue
            if any(_overlaps(cover, channel, ranges) for cover in row.covers):
                world.deposits.remove(world.txn, row)
                self._look(device, world.now)

    def end_what_came(self, device: DeviceId) -> None:
        """Deposits all of which a device is known to hold have done their work."""
        world = self._world
        full = world.deposits.full(device) or world.deposits.size >= MAX_DEPOSIT_BYTES
        newest = -1
        for row in world.deposits.of(device):
            if row.covers and all(self.came(device, cover) for cover in row.covers):
                newest = max(newest, row.serial)
                world.deposits.remove(world.txn, row)
        for row in world.deposits.of(device):
            if row.covers and row.serial < newest and row.settled:
                # A later one was taken, this one was not.
                world.count("deposit-passed-over")
                world.deposits.remove(world.txn, row)
                full = True
        if full or (newest >= 0 and self._waits(device)):
            # What was gathered meanwhile need not wait as long as it had to.
            self._look(device, max(world.now, world.deposits.gathers_until(device, world.now)))

    def end_what_is_void(self, gone: set[tuple[ChannelId, ChainKey, int]]) -> None:
        """What has lost its text since it was sealed is not put anywhere any more: what is left of it is sealed anew. Nor is what
        is for somebody who may not have it any more."""
        world = self._world
        for row in world.deposits.all() if gone or world.audiences_changed else ():
            taken = any(
                cover.channel == channel and (cover.log, cover.device[:PREFIX_SIZE]) == key and cover.first <= seq <= cover.last
                for cover in row.covers
                for channel, key, seq in gone
            )
            if not taken and all(self._may_have(row.device, cover) for cover in row.covers):
                continue
            if row.stored and taken:
                # It lies there already: it is not put anywhere else.
                row.wanted, row.frozen = row.stored, True
                row.targets = [target for target in row.targets if target.stage is not Stage.WAITING]
                world.deposits.keep(world.txn, row)
            else:
                world.deposits.remove(world.txn, row)
                self._look(row.device, world.now)

    def _may_have(self, device: DeviceId, cover: Cover) -> bool:
        channel = self._world.channels.get(cover.channel)
        return channel is not None and channel.live and channel.serves(device)

    def came(self, device: DeviceId, cover: Cover) -> bool:
        """Whether nothing of this is to be brought to the device any more: it has it, or may not have it."""
        world = self._world
        channel = world.channels.get(cover.channel)
        if channel is None or not self._may_have(device, cover):
            return True
        key: ChainKey = (cover.log, cover.device[:PREFIX_SIZE])
        if not cover.leaf:
            return world.peer_has(device, channel.id, key, cover.last)
        leaves = {leaf for leaf in channel.chains.forks.get(key, {}) if leaf.startswith(cover.leaf)}
        known = (each.branches.get((channel.id, key), set()) for each in world.sources() if each.device == device)
        return not leaves or any(leaves <= found for found in known)

    def sweep(self) -> bool:
        """What nobody waits for any more goes, once in a while. Whether that is now."""
        world = self._world
        if self._swept_at + SWEEP_MS > world.now:
            return False
        self._swept_at = world.now
        for device in world.deposits.devices:
            self.end_what_came(device)
            known = world.certificate_of(device) is not None
            for row in world.deposits.of(device):
                answer = not row.covers and row.made_ms + ANSWER_MS <= world.now
                if known and row.covers and row.expires_ms <= world.now and row.collected:
                    self._note_unconfirmed(device)
                if not known or answer or row.expires_ms <= world.now:
                    world.deposits.remove(world.txn, row)
                    self._look(device, world.now)
        for device in world.heard.devices:
            if world.certificate_of(device) is None:
                world.heard.forget(world.txn, device)
                world.unheard.discard(device)
                world.left_to_links.discard(device)
        return True

    def _note_unconfirmed(self, device: DeviceId) -> None:
        """What its mailboxes have given out was never acknowledged, and its time is over."""
        world = self._world
        world.count("deposit-unconfirmed")
        world.heard.of(world.txn, device, world.now).unconfirmed_ms = world.now
        world.heard.keep(world.txn, device)


def _overlaps(cover: Cover, channel: ChannelId, ranges: list[tuple[Log, bytes, int, int]]) -> bool:
    return cover.channel == channel and any(
        cover.log is log and cover.device[:PREFIX_SIZE] == prefix and cover.first <= last and first <= cover.last
        for log, prefix, first, last in ranges
    )
