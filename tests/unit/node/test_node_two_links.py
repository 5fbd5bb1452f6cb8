"""Two links to one device: which one stays."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.ids import LinkId
from multichat_tui.model.limits import DOUBT_MS
from multichat_tui.model.ports import LinkPath, LinkUp
from multichat_tui.model.trust import AlarmKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.dialing import ANSWER_MS
from multichat_tui.sync.session import Session

SECOND = LinkId(999)


async def linked(seed: int) -> tuple[Person, Session, Person]:
    """Two contacts; the node with the lower device id has dialled the link. (lower, its side of the link, higher)"""
    world = SimulatedWorld(seed)
    ann, bob = await world.add("ann", "bob")
    await world.pair(ann, bob)
    low, high = sorted((ann, bob), key=lambda person: _world(person).identity.device)
    await until(lambda: _holds_one(low), "one link")
    (session,) = _world(low).sessions.values()
    session.dialled = True
    return low, session, high


def _world(person: Person):
    engine = person.api._engine
    assert engine is not None
    return engine.world


async def _holds_one(person: Person) -> bool:
    return len(_world(person).sessions) == 1


def dialled_by_the_other(session: Session, *, incarnation: int) -> LinkUp:
    return LinkUp(
        link=SECOND,
        device=session.device,
        dialled=False,
        path=LinkPath.LAN,
        address="elsewhere:4",
        incarnation=incarnation,
    )


async def _has_left(person: Person, link: LinkId) -> bool:
    return link not in _world(person).sessions


def test_of_two_links_made_at_the_same_time_the_lower_device_s_stays() -> None:
    async def play() -> None:
        low, session, _ = await linked(1)
        session.began_at = _world(low).now
        low.api._deliver(dialled_by_the_other(session, incarnation=session.incarnation))
        await low.api.status()  # what was delivered before has been dealt with
        await asyncio.sleep(1)
        assert set(_world(low).sessions) == {session.link}

    run_virtual(play())


def test_a_peer_that_was_started_anew_replaces_the_link_that_died_with_it() -> None:
    async def play() -> None:
        low, session, high = await linked(2)
        high.api.die()
        low.api._deliver(dialled_by_the_other(session, incarnation=session.incarnation + 1))
        await until(lambda: _has_left(low, session.link), "the first link is closed", timeout_s=2 * DOUBT_MS / 1000)
        assert (await low.api.status()).rows.alarms == ()

    run_virtual(play())


def test_two_links_under_different_incarnations_that_both_live_are_two_copies() -> None:
    async def play() -> None:
        low, session, _ = await linked(4)
        low.api._deliver(dialled_by_the_other(session, incarnation=session.incarnation + 1))

        async def told() -> bool:
            return [alarm.kind for alarm in (await low.api.status()).rows.alarms] == [AlarmKind.RUNNING_TWICE]

        await until(told, "a warning", timeout_s=2 * DOUBT_MS / 1000)

    run_virtual(play())


def test_a_peer_that_calls_again_later_has_lost_the_first_link() -> None:
    async def play() -> None:
        low, session, _ = await linked(3)
        session.began_at = _world(low).now - ANSWER_MS - 1
        low.api._deliver(dialled_by_the_other(session, incarnation=session.incarnation))
        await until(lambda: _has_left(low, session.link), "the first link is closed", timeout_s=5)

    run_virtual(play())
