"""The twin survives crashes in simulations: a block that raises leaves its structures exactly as they were."""

import copy
from dataclasses import replace

import pytest
from builders import Talk, entry_of, person

from multichat_tui.model.ids import Log
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.store.memory import MemoryStore
from multichat_tui.store.undo import UndoLog

ANA, BEN = person("ana"), person("ben")


def filled() -> tuple[MemoryStore, Talk]:
    store, talk = MemoryStore(), Talk.begin(ANA, BEN)
    for number in range(6):
        talk.say((ANA, BEN)[number % 2], f"message {number}")
    with store.transaction() as txn:
        for record in talk.records[:4]:
            arrival = txn.append(record, 1)
            if record.header.log == Log.CONTENT:
                txn.show(entry_of(record, arrival, ANA))
        txn.put(Space.SELF, b"a", b"1")
        txn.put(Space.CHANNEL, talk.channel, b"standing")
        txn.acknowledge(BEN.device, talk.channel, Log.CONTENT, ANA.device, 0)
    return store, talk


def _append(txn: Transaction, talk: Talk) -> None:
    txn.append(talk.records[4], 1)


def _append_beyond_a_gap(txn: Transaction, talk: Talk) -> None:
    txn.append(talk.records[6], 1)
    txn.append(talk.records[5], 1)


def _append_elsewhere(txn: Transaction, talk: Talk) -> None:
    other = Talk.begin(BEN, ANA, name="other")
    txn.append(other.root, 1)
    txn.show(entry_of(other.say(BEN, "hi"), txn.append(other.records[1], 1), BEN))


def _hide(txn: Transaction, talk: Talk) -> None:
    entry = txn.entry(talk.records[2].id)
    assert entry is not None
    txn.show(replace(entry, hidden=True))
    txn.show(replace(entry, mention=True))


def _values(txn: Transaction, talk: Talk) -> None:
    txn.put(Space.SELF, b"a", b"2")
    txn.put(Space.SELF, b"b", b"2")
    txn.delete(Space.SELF, b"a")


def _acknowledge(txn: Transaction, talk: Talk) -> None:
    txn.acknowledge(BEN.device, talk.channel, Log.CONTENT, ANA.device, 5)
    txn.acknowledge(ANA.device, talk.channel, Log.CONTENT, ANA.device, 5)


def _forget(txn: Transaction, talk: Talk) -> None:
    txn.forget_channel(talk.channel)


@pytest.mark.parametrize(
    "changes",
    [
        [_append],
        [_append_beyond_a_gap],
        [_append_elsewhere],
        [_hide],
        [_values],
        [_acknowledge],
        [_forget],
        [_append, _hide, _values, _acknowledge, _forget, _append_elsewhere, _values],
    ],
)
def test_a_rollback_leaves_every_structure_as_it_was(changes: list) -> None:
    store, talk = filled()
    before = copy.deepcopy(store._state)

    def interrupted() -> None:
        with store.transaction() as txn:
            for change in changes:
                change(txn, talk)
            assert store._state != before
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store._state == before


def test_an_undo_log_takes_changes_back_in_reverse() -> None:
    undo, mapping, ordered, members = UndoLog(), {"a": 1}, [1, 2, 2, 3], {"x"}
    undo.assign(mapping, "a", 2)
    undo.assign(mapping, "b", 3)
    undo.drop(mapping, "a")
    undo.drop(mapping, "nothing")
    undo.insert(ordered, 2)
    undo.remove(ordered, 1)
    undo.add(members, "y")
    undo.add(members, "x")
    assert undo.discard(members, "x")
    assert not undo.discard(members, "z")
    assert (mapping, ordered, members) == ({"b": 3}, [2, 2, 2, 3], {"y"})
    undo.roll_back()
    assert (mapping, ordered, members) == ({"a": 1}, [1, 2, 2, 3], {"x"})
