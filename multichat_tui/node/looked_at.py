"""Stored content as the rules of a channel look at it (`channel.content_rules.Content`): read only as far as they ask."""

from multichat_tui.channel.content_rules import is_paced
from multichat_tui.model.acts import Act
from multichat_tui.model.ids import RecordId
from multichat_tui.model.limits import MAX_PACED_BACK
from multichat_tui.model.ports import Transaction
from multichat_tui.model.records import Kind, Record
from multichat_tui.node.act_words import acts_of


class LookedAt:
    def __init__(self, txn: Transaction, record: Record) -> None:
        self._txn = txn
        self._record = record
        self._acts: tuple[Act, ...] | None = None

    def acts(self) -> tuple[Act, ...]:
        if self._acts is None:
            self._acts = acts_of(self._record)
        return self._acts

    def paced_before_ms(self) -> int | None:
        before = paced_record(self._txn, self._record.header.prev)
        return None if before is None else before.header.timestamp_ms


def paced_record(txn: Transaction, at: RecordId | None) -> Record | None:
    """The newest message of a chain, from the record `at` downwards; None if it is further back than rules look, or not held."""
    for _ in range(MAX_PACED_BACK):
        record = None if at is None else txn.record(at)
        if record is None or record.header.recipients is not None:
            # What is for some is a message for all the others, who cannot tell; so it is one for everybody.
            return record
        if record.header.kind is not Kind.MERGE and is_paced(acts_of(record)):
            return record
        at = record.header.prev
    return None
