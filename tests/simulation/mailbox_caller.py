"""Somebody who comes to mailboxes in a simulation."""

from itertools import count

from mailbox_calls import Caller, come
from simulated_world import SimulatedWorld

from multichat_tui.model.mailboxes import MailboxAddress
from multichat_tui.net.simulated import SimulatedNetwork

_callers = count(1)


async def call(world: SimulatedWorld, address: MailboxAddress, *, site: str | None = None) -> Caller:
    """Come to a mailbox as somebody new."""
    number = next(_callers)
    return await come(SimulatedNetwork(world.hub, f"caller {number}", site=site), address, number.to_bytes(32, "big"))
