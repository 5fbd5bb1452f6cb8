"""Which redaction holds of a record, as far as is known here: asked of what refers to it, every time, and never kept."""

from collections.abc import Iterator

from multichat_tui.channel.redacting import Redaction, has_right, redaction_in
from multichat_tui.model.acts import Act, Type, UnknownAct
from multichat_tui.model.ids import ID_SIZE, Log, RecordId, UserId
from multichat_tui.model.limits import MAX_REDACTIONS, MAX_REFERENCES
from multichat_tui.model.ports import Transaction
from multichat_tui.model.ranks import Permission
from multichat_tui.model.records import Record
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.world import Channel

REDACTS = (int(Type.REDACT),)
TELLING = (65, 67, 68)
"""Acts that only tell about another record: edit, react, pin."""
TARGET = 1
"""The field of these acts that names it."""


def redaction_of(txn: Transaction, channel: Channel, record: Record) -> Redaction | None:
    """The first effective one that names it as a target, in the order of `_redacting`, else the first that names it at all. The
    control log is never redacted."""
    author = channel.control.user_of(record.header.device)
    if not channel.redacts or record.header.log is Log.CONTROL or author is None:
        return None
    first: Redaction | None = None
    for each in _redacting(txn, channel, record.id, author):
        redaction = None
        if each.channel == channel.id:
            redaction = redaction_in(channel.control, each, acts_of(each), record.id, author)
        if redaction is not None and redaction.named:
            return redaction
        first = first or redaction
    return first


def _redacting(txn: Transaction, channel: Channel, target: RecordId, author: UserId) -> Iterator[Record]:
    """What would redact a record, in display order. Where that is more than MAX_REDACTIONS, by those who have no right to it say,
    what the record's author and those who may moderate have written is looked at before the rest: nobody crowds them out."""
    found = txn.references(target, MAX_REDACTIONS, kinds=REDACTS)
    yield from found
    if len(found) < MAX_REDACTIONS:
        return
    control, view = channel.control, channel.view
    able = {author, *(user for user in view.members if view.may(user, Permission.MODERATE))}
    devices = tuple(sorted(device for device, certificate in control.certificates.items() if certificate.user in able))
    yield from txn.references(target, MAX_REFERENCES, kinds=REDACTS, by=devices)
    yield from txn.references(target, MAX_REFERENCES, kinds=REDACTS)


def told_about(acts: tuple[Act, ...]) -> tuple[RecordId, ...]:
    """The records that a record only tells about, if it does nothing else: edits and reactions."""
    targets = [act.fields.get(TARGET) for act in acts if isinstance(act, UnknownAct) and act.type in TELLING]
    found = tuple(RecordId(target) for target in targets if isinstance(target, bytes) and len(target) == ID_SIZE)
    return found if len(found) == len(acts) else ()


def goes_with(txn: Transaction, channel: Channel, record: Record, acts: tuple[Act, ...]) -> RecordId | None:
    """The redacted record with whose text that of this one goes, as it tells about nothing else. None: there is none such."""
    author = channel.control.user_of(record.header.device)
    targets = told_about(acts) if record.header.log is Log.CONTENT else ()
    if author is None or not targets:
        return None
    for target in targets:
        held = txn.record(target)
        redaction = None if held is None or held.channel != channel.id else redaction_of(txn, channel, held)
        written = None if redaction is None else txn.record(redaction.record)
        if written is None or not has_right(channel.control, written, author):
            return None
    return targets[0]
