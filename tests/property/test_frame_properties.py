"""Frames and their parts: every frame comes back as it was sent; no bytes at all make a decoder raise."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from model_strategies import id_sets, ids, loose_cbor, tampered

from multichat_tui.model.codec import Rejected
from multichat_tui.model.comparing import CompareConfirm, CompareEnd, CompareKey, CompareStart, EndReason, Purpose
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import (
    Ack,
    ChainRange,
    ChainTip,
    ChannelAck,
    ChannelOffer,
    DeviceStatementOffer,
    ElidedItem,
    FullItem,
    JoinAnswer,
    JoinFrame,
    JoinOutcome,
    MessageFrame,
    Offer,
    PairFrame,
    ReceiptOffer,
    Ref,
    Request,
    ReturnFrame,
    ReturnStage,
    StatementOffer,
    Vector,
)
from multichat_tui.model.ids import Log
from multichat_tui.model.limits import MAX_ETS, MAX_INTEGER, MAX_NAME_CHARACTERS, MAX_TIMESTAMP_MS, NEARBY_ID_BYTES

logs = st.sampled_from(Log)
numbers = st.integers(0, MAX_INTEGER)
times = st.integers(0, MAX_TIMESTAMP_MS - 1)
prefixes = ids(8)
tips = st.builds(ChainTip, device=prefixes, log=logs, seq=numbers, hash=prefixes)
tip_lists = st.lists(tips, max_size=3).map(tuple)
statement_offers = st.lists(st.builds(StatementOffer, user=ids(), kind=st.integers(1, 255), number=numbers), max_size=3).map(
    tuple
)
plain_offers = st.builds(
    Offer,
    number=numbers,
    channels=st.lists(st.builds(ChannelOffer, channel=ids(), tips=tip_lists), max_size=3).map(tuple),
    statements=statement_offers,
    vectors=st.lists(
        st.builds(
            Vector,
            channel=prefixes,
            table=st.binary(min_size=4, max_size=4),
            places=st.lists(st.tuples(st.integers(0, 16384), numbers, prefixes), max_size=4).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    receipts=st.lists(st.binary(max_size=60), max_size=2).map(tuple),
    receipt_numbers=st.lists(st.builds(ReceiptOffer, channel=prefixes, device=prefixes, number=numbers), max_size=3).map(tuple),
    device_statements=st.lists(st.binary(max_size=60), max_size=2).map(tuple),
    device_numbers=st.lists(
        st.builds(DeviceStatementOffer, audience=prefixes, device=prefixes, kind=st.integers(1, 255), number=numbers), max_size=3
    ).map(tuple),
)
greetings = st.builds(Offer, number=numbers, fingerprint=st.binary(min_size=20, max_size=20))
offers = st.one_of(plain_offers, greetings)


@st.composite
def ranges(draw: st.DrawFn) -> ChainRange:
    first, last = sorted((draw(numbers), draw(numbers)))
    return ChainRange(device=draw(prefixes), log=draw(logs), first=first, last=last)


requests = st.builds(
    Request,
    channel=prefixes,
    ranges=st.lists(ranges(), max_size=3).map(tuple),
    ids=id_sets(3),
    statements=st.lists(st.tuples(ids(), st.integers(1, 255)), max_size=3).map(tuple),
    full=st.booleans(),
    receipts=st.lists(st.tuples(prefixes, prefixes), max_size=3).map(tuple),
    device_statements=st.lists(st.tuples(prefixes, prefixes, st.integers(1, 255)), max_size=3).map(tuple),
)
full_items = st.builds(
    FullItem, header_bytes=st.binary(max_size=90), signature=ids(64), body=st.one_of(st.none(), st.binary(max_size=90))
)


def elided_items(devices: int) -> st.SearchStrategy[ElidedItem]:
    places = st.integers(0, devices - 1)
    refs = st.lists(st.builds(Ref, device=places, seq=numbers), max_size=3).map(tuple)
    return st.builds(
        ElidedItem,
        device=places,
        log=logs,
        seq=numbers,
        timestamp_ms=times,
        check=prefixes,
        signature=ids(64),
        body=st.binary(max_size=90),
        parents=st.one_of(st.none(), refs),
        control_heads=st.one_of(st.none(), refs),
        ets=st.one_of(st.none(), st.integers(0, MAX_ETS - 1)),
        kind=st.one_of(st.none(), st.integers(1, 255)),
        expires_ms=st.one_of(st.none(), times),
        recipients=st.one_of(st.none(), id_sets(3)),
    )


@st.composite
def message_frames(draw: st.DrawFn) -> MessageFrame:
    devices = draw(st.lists(prefixes, max_size=3).map(tuple))
    items: st.SearchStrategy[Any] = st.one_of(full_items, elided_items(len(devices))) if devices else full_items
    return MessageFrame(
        channel=draw(prefixes),
        devices=devices,
        items=draw(st.lists(items, max_size=4).map(tuple)),
        statements=draw(st.lists(st.binary(max_size=60), max_size=2).map(tuple)),
        lists=draw(st.lists(st.binary(max_size=60), max_size=2).map(tuple)),
        return_key=draw(st.one_of(st.just(b""), ids())),
        return_key_held=draw(st.one_of(st.just(b""), prefixes)),
        device_statements=draw(st.lists(st.binary(max_size=60), max_size=2).map(tuple)),
    )


acks = st.builds(
    Ack,
    channels=st.lists(st.builds(ChannelAck, channel=prefixes, tips=tip_lists), max_size=3).map(tuple),
    offer=st.one_of(st.none(), numbers),
    statements=statement_offers,
    same=st.one_of(st.none(), st.integers(0, 255)),
    unread=st.lists(prefixes, max_size=3).map(tuple),
    device_statements=st.lists(
        st.builds(DeviceStatementOffer, audience=prefixes, device=prefixes, kind=st.integers(1, 255), number=numbers), max_size=3
    ).map(tuple),
)
joins = st.builds(JoinFrame, join=st.binary(max_size=90))
reasons = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)
answers = st.builds(JoinAnswer, join_key=ids(), outcome=st.sampled_from(JoinOutcome), reason=reasons)
pairs = st.builds(
    PairFrame,
    invitation=ids(),
    devices=st.binary(max_size=60),
    profile=st.binary(max_size=60),
    share=ids(),
    confirmed=st.booleans(),
)
returns = st.builds(
    ReturnFrame,
    stage=st.sampled_from(ReturnStage),
    proof=ids(),
    share=ids(),
    account_list=st.binary(max_size=60),
    account_profile=st.binary(max_size=60),
    teller_list=st.binary(max_size=60),
    teller_profile=st.binary(max_size=60),
)
names = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=MAX_NAME_CHARACTERS)
comparisons = st.one_of(
    st.builds(CompareStart, comparison=ids(), purpose=st.just(Purpose.VERIFY), commitment=ids()),
    st.builds(
        CompareStart,
        comparison=ids(),
        purpose=st.just(Purpose.MEET),
        commitment=ids(),
        name=names,
        nearby=st.just(b"") | st.binary(min_size=NEARBY_ID_BYTES, max_size=NEARBY_ID_BYTES),
    ),
    st.builds(CompareKey, comparison=ids(), public=ids(), name=names),
    st.builds(CompareConfirm, comparison=ids(), box=st.binary(max_size=60), heard=st.booleans()),
    st.builds(CompareEnd, comparison=ids(), reason=st.sampled_from(EndReason)),
)
frames = st.one_of(offers, requests, message_frames(), acks, joins, answers, pairs, returns, comparisons)


@settings(max_examples=200)
@given(frames)
def test_a_frame_comes_back_as_it_was_sent(frame: Any) -> None:
    assert decode_frame(encode_frame(frame)) == frame


@settings(max_examples=250)
@given(st.data())
def test_a_frame_that_was_tampered_with_is_a_frame_or_a_rejection(data: st.DataObject) -> None:
    found = decode_frame(data.draw(tampered(encode_frame(data.draw(frames)))))
    if not isinstance(found, Rejected):
        assert decode_frame(encode_frame(found)) == found


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=90), loose_cbor()))
def test_any_bytes_are_a_frame_or_a_rejection(encoded: bytes) -> None:
    found = decode_frame(encoded)
    if not isinstance(found, Rejected):
        assert decode_frame(encode_frame(found)) == found
