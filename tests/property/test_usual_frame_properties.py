"""What is written and read in one step is what the general way writes and reads."""

from hypothesis import given, settings
from hypothesis import strategies as st
from model_strategies import ids, tampered

from multichat_tui.model.codec import Value, encode
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.limits import MAX_FRAME_BYTES, MAX_INTEGER, MAX_TIMESTAMP_MS
from multichat_tui.model.mailbox_bytes import mailbox_frame, mailbox_value
from multichat_tui.model.mailbox_frames import Deposited, DepositReceipt, MailboxFrame, PutEnvelope
from multichat_tui.model.mailboxes import QueueId, deposit_signed_bytes
from multichat_tui.model.schema import as_map, read
from multichat_tui.model.usual_frames import decode_usual, encode_usual

numbers = st.integers(0, 30) | st.integers(0, MAX_INTEGER)
times = st.integers(0, MAX_TIMESTAMP_MS - 1)
envelopes = st.binary(max_size=30) | st.integers(200, 70_000).map(bytes)
puts = st.builds(PutEnvelope, number=numbers, queue=ids(16), writer=ids(8), envelope=envelopes, expires_ms=times)
receipts = st.builds(DepositReceipt, envelope=ids(), expires_ms=times, signature=ids(64))
deposits = st.builds(Deposited, number=numbers, receipts=st.tuples(receipts))


def general(value: Value) -> MailboxFrame:
    return mailbox_frame(as_map(value, "frame"))


@settings(max_examples=40)
@given(puts | deposits)
def test_usual_frames_are_written_as_all_others_are(frame: MailboxFrame) -> None:
    assert encode_usual(frame) == encode(mailbox_value(frame)) == encode_frame(frame)


@settings(max_examples=40)
@given(puts)
def test_a_put_is_read_as_all_other_frames_are(frame: PutEnvelope) -> None:
    assert decode_usual(encode_frame(frame)) == read(encode_frame(frame), MAX_FRAME_BYTES, general) == frame


@settings(max_examples=150)
@given(st.data())
def test_of_a_put_that_was_tampered_with_nothing_else_is_made(data: st.DataObject) -> None:
    encoded = data.draw(tampered(encode_frame(data.draw(puts))))
    usual = decode_usual(encoded)
    if usual is not None:
        assert usual == read(encoded, MAX_FRAME_BYTES, general)
    decode_frame(encoded)


@settings(max_examples=20)
@given(ids(16), ids(), times)
def test_what_a_mailbox_signs_is_one_encoding(queue: bytes, envelope: bytes, expires_ms: int) -> None:
    encoded = encode([queue, envelope, expires_ms])
    assert deposit_signed_bytes(QueueId(queue), envelope, expires_ms) == b"multichat deposit 1\0" + encoded
