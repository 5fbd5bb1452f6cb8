"""Parcels carried by hand between the nodes of a simulated world: no link, no mailbox, just what one says for another."""

from collections.abc import Callable
from typing import TypeVar

from simulated_world import Person

from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import MAX_CONTENTS_BYTES
from multichat_tui.model.parcels import Parcel
from multichat_tui.node.engine import Engine
from multichat_tui.node.service import Outcome

T = TypeVar("T")


def within(person: Person, act: Callable[[Engine], T]) -> T:
    """Do something in a batch of its own of a running node; what it causes is let out after the commit."""
    node = person.api
    engine = node._engine
    assert engine is not None
    with node._store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        result = act(engine)
        effects = engine.finish()
    node._let_out(Outcome(effects=effects))
    return result


def device_of(person: Person) -> DeviceId:
    return within(person, lambda engine: engine.world.identity.device)


def write(sender: Person, reader: Person, limit: int = MAX_CONTENTS_BYTES) -> Parcel | None:
    """What one's node says for another's device now. Nobody remembers that it was said: each call says it again."""
    device = device_of(reader)
    return within(sender, lambda engine: engine.parcels.contents_for(device, limit))


def hand_over(sender: Person, reader: Person, contents: bytes) -> bool:
    device = device_of(sender)
    return within(reader, lambda engine: engine.parcels.take(device, contents))


def carry(sender: Person, reader: Person, limit: int = MAX_CONTENTS_BYTES) -> bool:
    """One parcel from hand to hand. False if there was nothing to say."""
    parcel = write(sender, reader, limit)
    return parcel is not None and hand_over(sender, reader, parcel.contents)


def counter(person: Person, name: str) -> int:
    return within(person, lambda engine: engine.world.counters.get(name, 0))
