"""Profiles from before answers were noted: opened at once, looked through in slices."""

from pathlib import Path

from builders import Talk, entry_of, person

from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import Message
from multichat_tui.model.codec import Rejected
from multichat_tui.model.ids import RecordId
from multichat_tui.model.limits import SALT_BYTES
from multichat_tui.model.records import Record
from multichat_tui.store.sqlite import SqliteStore

ANA, BEN = person("ana"), person("ben")
KEY = bytes(range(32))
AS_VERSION_2 = (
    "drop table reply; drop table reply_backlog; drop table reference; drop table reference_backlog;"
    "drop table mailbox_grant; drop table mailbox_queue; drop table mailbox_writer; drop table mailbox_closed;"
    "drop table mailbox_envelope; drop table mailbox_bytes; drop table mailbox_refusal; drop table mailbox_collected;"
    "drop table expiring; drop index record_missing; alter table record drop column absence;"
    "alter table record drop column proof; pragma user_version = 2;"
)


def reply_of(record: Record) -> RecordId | None:
    acts = decode_acts((record.body or b"")[SALT_BYTES:], record.header.log)
    assert not isinstance(acts, Rejected)
    return next((act.reply_to for act in acts if isinstance(act, Message)), None)


def test_answers_that_were_stored_before_are_found_after_some_slices(tmp_path: Path) -> None:
    path = tmp_path / "messages.db"
    talk = Talk.begin(ANA, BEN)
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        txn.append(talk.root, 1)
        asked = talk.say(ANA, "who comes?")
        answers = [talk.add(BEN, Message(text=f"answer {number}", reply_to=asked.id)) for number in range(12)]
        for record in (asked, *answers):
            txn.show(entry_of(record, txn.append(record, 1), ANA if record is asked else BEN))
    store._database.rows(AS_VERSION_2)
    store.close()

    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        assert txn.replies(asked.id, 99) == []
        assert not txn.index_older_replies(reply_of, 5)
        assert [entry.id for entry in txn.replies(asked.id, 99)] == [record.id for record in answers[-5:]]
    store.close()
    store = SqliteStore(path, KEY)
    with store.transaction() as txn:
        assert not txn.index_older_replies(reply_of, 5)
        assert txn.index_older_replies(reply_of, 5)
        assert txn.index_older_replies(reply_of, 5)
        assert [entry.id for entry in txn.replies(asked.id, 99)] == [record.id for record in answers]
    store.close()
