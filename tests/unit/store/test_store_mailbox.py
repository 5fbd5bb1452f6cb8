"""A mailbox on the disk: what was deleted is in no file any more, and a full disk takes nothing that was acknowledged."""

import resource
from pathlib import Path

import pytest
from deciphered import deciphered

from multichat_tui.model.errors import StorageFailed
from multichat_tui.model.mailbox_store import KeptGrant
from multichat_tui.model.mailboxes import envelope_hash, queue_id
from multichat_tui.store.schema import released_migrations
from multichat_tui.store.sqlite import SqliteStore

KEY = bytes(range(32))
GRANT = KeptGrant(key=b"g" * 32, name="friend", quota_bytes=10**9, most_queues=9, made_ms=5)
QUEUES = [queue_id(bytes([number]) * 32) for number in range(3)]
WRITER = b"w" * 32


def envelope_of(number: int) -> bytes:
    """Of several pages, with a mark all over it that is not the beginning of another one."""
    return f"quicksilver{number:04x} ".encode() * (1 + 700 * (number % 3))


def furnish(path: Path, count: int) -> SqliteStore:
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.mailbox.add_grant(GRANT)
        for queue in QUEUES:
            txn.mailbox.open(queue, GRANT.key, 1)
            txn.mailbox.allow(queue, WRITER, 10**9)
    for number in range(count):
        with store.transaction() as txn:
            put(txn, number)
    return store


def put(txn, number: int, expires_ms: int = 10**12) -> int:
    envelope = envelope_of(number)
    queue = QUEUES[number % len(QUEUES)]
    hash = envelope_hash(envelope)
    return txn.mailbox.put(queue, WRITER[:8], hash, envelope, stored_ms=2, expires_ms=expires_ms + number)


def test_what_was_taken_closed_or_swept_is_in_no_page_of_the_file_and_not_in_the_log(tmp_path: Path) -> None:
    path, count = tmp_path / "messages.db", 60
    store = furnish(path, count)
    store.close()
    assert all(envelope_of(number)[:16] in deciphered(path, KEY) for number in range(count))
    store = SqliteStore(path, KEY, create=False)
    with store.transaction() as txn:
        serials = [kept.serial for kept in txn.mailbox.listing(QUEUES[0], 0, 99)]
        assert txn.mailbox.collect(QUEUES[0], tuple(serials[:10])) == 10
        txn.mailbox.close(QUEUES[1])
    with store.transaction() as txn:
        while txn.mailbox.sweep(10**12 + 30, 7) == 7:
            pass
        txn.mailbox.forget_traces()
    after = deciphered(path, KEY)
    gone = {number for number in range(count) if number % 3 == 1 or (number % 3 == 0 and number < 30) or number <= 30}
    assert {number for number in range(count) if envelope_of(number)[:16] not in after} == gone
    store.close()


def test_a_commit_that_the_disk_refuses_leaves_all_that_was_there(tmp_path: Path) -> None:
    store = furnish(tmp_path / "messages.db", 3)

    def put_many() -> None:
        with store.transaction() as txn:
            for number in range(3, 100):
                put(txn, number)

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        with pytest.raises(StorageFailed):
            put_many()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with store.transaction() as txn:
        assert [queue.envelopes for queue in txn.mailbox.queues(GRANT.key)] == [1, 1, 1]
        put(txn, 3)
    with store.transaction() as txn:
        assert sum(queue.envelopes for queue in txn.mailbox.queues(GRANT.key)) == 4
    store.close()


def test_a_profile_from_before_mailboxes_gets_one(tmp_path: Path) -> None:
    known = released_migrations()
    before = next(migration.number for migration in known if migration.name == "mailbox") - 1
    SqliteStore(tmp_path / "messages.db", KEY, migrations=known[:before]).close()
    store = SqliteStore(tmp_path / "messages.db", KEY, create=False)
    with store.transaction() as txn:
        assert txn.mailbox.grants() == []
        txn.mailbox.add_grant(GRANT)
    store.close()
