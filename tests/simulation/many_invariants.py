"""What must hold of a history of many nodes: while it goes on, and when everything has healed."""

from typing import TYPE_CHECKING

from simulated_world import Person
from test_five_nodes import check_dependencies

from multichat_tui.channel.counting import counts
from multichat_tui.model.ids import ChannelId, Log, RecordId
from multichat_tui.model.limits import (
    FUTURE_TOLERANCE_MS,
    MAX_LACKING_TIPS,
    MAX_PENDING_OFFERS,
    PARKED_BYTES,
    PARKED_BYTES_PER_PEER,
    PARKED_RECORDS_PER_PEER,
)
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.model.records import Record
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.model.statements import StatementKind
from multichat_tui.node.world import Channel, World

if TYPE_CHECKING:
    from many_nodes import History
    from many_plan import Place


def world_of(person: Person) -> World:
    engine = person.api._engine
    assert engine is not None
    return engine.world


def records_of(txn: Transaction, channel: ChannelId) -> dict[RecordId, Record]:
    return {record.id: record for log in Log for _, record in txn.arrivals(channel, log, 0, 10**9)}


def present(history: "History", place: "Place") -> list[Person]:
    """Honest machines of those who are members at the end, as the founder sees it."""
    members = history.members(place)
    founder = world_of(place.founder).channels[place.channel]
    return [
        person
        for person in history.honest
        if world_of(person).identity.user in members and world_of(person).identity.device not in founder.view.revocations
    ]


def authority(channel: Channel) -> tuple[object, ...]:
    view = channel.view
    bans = sorted((user, sorted(ban.level for ban in found)) for user, found in view.bans.items())
    rules = sorted(view.ranks.items()), sorted(view.thresholds.items()), bans
    return view.name, view.topic, sorted(view.members), sorted(view.founders), sorted(view.revocations), rules


def differences(history: "History") -> list[str]:
    """In what honest members differ from the founder, by channel: membership first, then what they show."""
    found = []
    for place in history.places:
        first = world_of(place.founder).channels[place.channel]
        shown = None
        for person in present(history, place):
            mine = world_of(person).channels.get(place.channel)
            if mine is None or not mine.rooted:
                found.append(f"{person.name} does not know {place.mark}")
            elif authority(mine) != authority(first):
                found.append(f"{person.name} sees other members of {place.mark}")
            elif mine.chains.digest() != first.chains.digest():
                # Beyond the fence of somebody removed, some hold what others never will: what is shown decides.
                shown = effective(place.founder, place.channel) if shown is None else shown
                if effective(person, place.channel) != shown:
                    found.append(f"{person.name} holds other records of {place.mark}")
    return found or unknown_names(history) or history.texts.differences()


def unknown_names(history: "History") -> list[str]:
    """Members who are there and whose newest profile another one does not have. Of an account with several machines each may have
    made one."""
    found = []
    for place in history.places:
        people = present(history, place)
        for other in people:
            own = world_of(other).identity
            if len(history.machines_of(other)) > 1:
                continue
            for person in people:
                known = world_of(person).statements.get((own.user, StatementKind.PROFILE))
                if person is not other and (known is None or known.number < own.profile.number):
                    found.append(f"{person.name} does not have the profile of {other.name} in {place.mark}")
    return found


def effective(person: Person, channel: ChannelId) -> list[RecordId]:
    """What counts of a channel, in display order."""
    with person.store.inner.transaction() as txn:
        return [record.id for _, record in txn.timeline((channel,), before=None, after=None, limit=10**6)]


def check_delivery(history: "History") -> None:
    """No honest node believes of an honest device that it holds what it does not; all that others cause stays in its bounds."""
    by_device = {}
    held: dict[tuple[str, ChannelId], set[RecordId]] = {}
    for person in history.honest:
        if person.running and person.api._engine is not None:
            by_device[world_of(person).identity.device] = person
        with person.store.inner.transaction() as txn:
            for place in history.places:
                held[person.name, place.channel] = set(records_of(txn, place.channel))
    for person in history.honest:
        if not person.running or person.api._engine is None:
            continue
        world = world_of(person)
        assert world.grounds.size <= PARKED_BYTES
        for lot in world.grounds.lots.values():
            assert len(lot.places) <= PARKED_RECORDS_PER_PEER
            assert lot.size <= PARKED_BYTES_PER_PEER
        for session in world.sessions.values():
            assert len(session.offers) <= MAX_PENDING_OFFERS
            assert all(len(tips) <= MAX_LACKING_TIPS for tips in session.lacking.values())
        for place in history.places:
            mine = world.channels.get(place.channel)
            if mine is None:
                continue
            with person.store.inner.transaction() as txn:
                for device, other in by_device.items():
                    theirs = held[other.name, place.channel]
                    for (log, author), seq in world.peer_holds(device, place.channel).items():
                        end = mine.devices.get(author)
                        if other is person or end is None or not theirs:
                            continue
                        first = 0 if log is Log.CONTROL else max(0, seq - 3)
                        for record in txn.chain(place.channel, log, end, first, seq):
                            if (log, author) in mine.chains.forks:
                                continue
                            assert record.id in theirs, f"{person.name} believes that {other.name} holds what it does not"


def check_chains(history: "History") -> None:
    """Whatever an honest machine holds at any time, it holds what that depends on."""
    for person in history.chance_of_checks.sample(history.honest, min(4, len(history.honest))):
        with person.store.inner.transaction() as txn:
            for place in history.places:
                check_dependencies(txn, place.channel)


async def check_end(history: "History") -> None:
    """Everything has healed and all say that they hold the same: it is so, it is in order, and nothing acknowledged is lost."""
    now_ms = history.world.now_ms()
    for place in history.places:
        people = present(history, place)
        assert place.founder in people
        rows = {person.name: history.texts.alike(person, await person.rows(place.channel)) for person in people}
        first = outline(rows[place.founder.name], now_ms)
        texts = [text for _, kind, text in first if kind is RowKind.MESSAGE]
        assert len(texts) > 0
        for person in people:
            other = outline(rows[person.name], now_ms)
            odd = [row for row in (*first, *other) if (row in first) != (row in other)]
            assert other == first, f"{person.name} shows {place.mark} in another way than {place.founder.name}: {odd[:4]}"
            with person.store.inner.transaction() as txn:
                check_dependencies(txn, place.channel)
        ids = [identifier for identifier, _, _ in first]
        assert len(ids) == len(set(ids)), "a message is shown twice"
        for author in people:
            for channel, record in author.acknowledged:
                if channel == place.channel and record not in ids:
                    lost = f"{author.name}'s acknowledged message is lost in {place.mark}"
                    assert is_hidden_by_rule(place.founder, place.channel, record), lost
        check_removed(history, place)


def is_hidden_by_rule(person: Person, channel: ChannelId, record: RecordId) -> bool:
    """Held, and without effect by what was decided beside it: its author was silenced, or the channel locked down."""
    with person.store.inner.transaction() as txn:
        entry, stored = txn.entry(record), txn.record(record)
    mine = world_of(person).channels[channel]
    user = None if stored is None else mine.control.user_of(stored.header.device)
    if entry is None or stored is None or user is None or not entry.hidden:
        return False
    return not counts(mine.control, stored.header, user)


def outline(rows: list[MessageRow], now_ms: int) -> list[tuple[RecordId, RowKind, str]]:
    """Rows as all see them: what is dated ahead is held back from all but its author's device, and those who are away do not tell
    their new names to everybody."""
    ahead = now_ms + FUTURE_TOLERANCE_MS
    named = (RowKind.JOINED, RowKind.REMOVED, RowKind.DEVICES, RowKind.MODERATED, RowKind.REDACTED)
    return [
        (row.id, RowKind.HELD, "") if row.time_ms > ahead else (row.id, row.kind, "" if row.kind in named else row.text)
        for row in rows
    ]


def check_removed(history: "History", place: "Place") -> None:
    """Who was removed, and a device that was revoked, hold nothing that was written in the knowledge of it."""
    control = world_of(place.founder).channels[place.channel].control
    for ending in control.view.endings:
        if ending.fence is not None and ending.user not in control.view.members:
            end = control.records_by_index(ending.operation)
            for person in history.world.people.values():
                if history.users.get(person.account_entropy) == ending.user:
                    assert not _written_knowing(person, place, end), f"{person.name} was removed from {place.mark}, and served"
    for device, revocations in control.view.revocations.items():
        end = control.records_by_index(min(revocation.operation for revocation in revocations))
        for name in history.lost:
            if history.devices[name] == device:
                person = history.world.people[name]
                assert not _written_knowing(person, place, end), f"{name} was revoked, and served in {place.mark}"


def _written_knowing(person: Person, place: "Place", end: RecordId) -> list[RecordId]:
    """Messages that a machine holds, whose authors held this control record. It may hold others than the founder does."""
    with person.store.inner.transaction() as txn:
        after = {end}
        for _, record in txn.arrivals(place.channel, Log.CONTROL, 0, 10**9):
            if after.intersection(record.header.parents):
                after.add(record.id)
        contents = [record for _, record in txn.arrivals(place.channel, Log.CONTENT, 0, 10**9)]
    return [record.id for record in contents if after.intersection(record.header.control_heads)]


def read_out(person: Person) -> dict[str, object]:
    """All that a profile holds, as its store shows it."""
    found: dict[str, object] = {}
    with person.store.inner.transaction() as txn:
        for space in Space:
            found[f"values of {space.name}"] = sorted(txn.scan(space))
        channels = [ChannelId(key) for key, _ in sorted(txn.scan(Space.CHANNEL))]
        for number, channel in enumerate(channels):
            for log in Log:
                found[f"records {number} {log.name}"] = [
                    (arrival, record.id, record.header_bytes, record.signature, record.body)
                    for arrival, record in txn.arrivals(channel, log, 0, 10**9)
                ]
                found[f"heads {number} {log.name}"] = txn.heads(channel, log)
            found[f"ends {number}"] = txn.chain_ends(channel)
            found[f"timeline {number}"] = [
                (entry, record.id) for entry, record in txn.timeline((channel,), before=None, after=None, limit=10**6)
            ]
            devices = {end.device for end in txn.chain_ends(channel)}
            for device in sorted(devices):
                found[f"acknowledged by {device.hex()}"] = txn.acknowledged(device)
    return found
