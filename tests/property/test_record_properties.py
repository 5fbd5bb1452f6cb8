"""Headers, acts and what accounts sign: exact round trips, and values instead of exceptions for any bytes."""

import random
from typing import Any

import pytest
from builders import person
from hypothesis import given, settings
from hypothesis import strategies as st
from model_strategies import id_sets, ids, loose_cbor, plain_text, tampered, values

from multichat_tui.crypto.identity import (
    certificate_holds,
    device_list_holds,
    join_holds,
    sign_join,
    sign_profile,
    statement_holds,
)
from multichat_tui.model.act_bytes import decode_acts, encode_acts
from multichat_tui.model.acts import (
    Admit,
    CloseInvitation,
    Create,
    Devices,
    Invite,
    Leave,
    Message,
    Remove,
    Rename,
    SetTopic,
    Style,
    Tip,
    UnknownAct,
)
from multichat_tui.model.codec import Rejected, decode, encode
from multichat_tui.model.identity import decode_certificate, decode_device_list
from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId, UserId, digest
from multichat_tui.model.invitations import Invitation, InvitationKind, parse_link
from multichat_tui.model.joins import decode_join
from multichat_tui.model.limits import MAX_ETS, MAX_HEADER_BYTES, MAX_INTEGER, MAX_TIMESTAMP_MS, SALT_BYTES
from multichat_tui.model.records import (
    Header,
    Kind,
    _header,
    body_hash,
    decode_header,
    decode_record,
    encode_header,
    size_bucket,
)
from multichat_tui.model.schema import read
from multichat_tui.model.statements import Profile, decode_profile, decode_statement, encode_profile

times = st.integers(0, MAX_TIMESTAMP_MS - 1)
numbers = st.integers(0, MAX_INTEGER)
ada, grace = person("ada"), person("grace")


@st.composite
def headers(draw: st.DrawFn) -> Header:
    """Headers that keep all the rules."""
    kind = draw(st.sampled_from([Kind.ROOT, Kind.CONTROL, Kind.CONTENT, Kind.MERGE, 5, 255]))
    root = kind == Kind.ROOT
    control = root or kind == Kind.CONTROL or (kind != Kind.CONTENT and draw(st.booleans()))
    seq = 0 if root else draw(st.one_of(st.just(0), st.integers(1, MAX_INTEGER)))
    some = id_sets(16).filter(bool)
    return Header(
        version=draw(st.integers(1, 255)),
        suite=draw(st.integers(1, 255)),
        kind=kind,
        channel=None if root else draw(ids()),
        log=Log.CONTROL if control else Log.CONTENT,
        device=draw(ids()),
        seq=seq,
        prev=draw(ids()) if seq else None,
        parents=() if root else draw(some if control else id_sets(16)),
        control_heads=() if control else draw(some),
        timestamp_ms=draw(times),
        ets=draw(st.integers(0, MAX_ETS - 1)),
        expires_ms=draw(st.one_of(st.none(), times)),
        recipients=draw(st.one_of(st.none(), id_sets(8))),
        body_hash=draw(ids()),
        body_size_bucket=draw(st.integers(0, 63)),
    )


@settings(max_examples=300)
@given(headers())
def test_a_header_comes_back_as_it_was_signed(header: Header) -> None:
    assert decode_header(encode_header(header)) == header


@given(headers(), st.dictionaries(st.integers(16, 65535), values, max_size=3))
def test_keys_of_newer_versions_are_left_to_the_bytes(header: Header, newer: dict[int, Any]) -> None:
    fields = decode(encode_header(header), 4096)
    assert isinstance(fields, dict)
    longer = encode({**fields, **dict(sorted(newer.items()))})
    found = decode_header(longer)
    assert found == header if len(longer) <= 2048 else isinstance(found, Rejected)
    record = decode_record(longer, bytes(64), None)
    assert isinstance(record, Rejected) or record.header_bytes == longer


@settings(max_examples=200)
@given(st.data())
def test_a_header_that_was_tampered_with_is_rejected_or_says_something_else(data: st.DataObject) -> None:
    encoded = encode_header(data.draw(headers()))
    other = data.draw(tampered(encoded))
    found = decode_header(other)
    if not isinstance(found, Rejected) and other != encoded:
        record, original = decode_record(other, bytes(64), None), decode_record(encoded, bytes(64), None)
        assert not isinstance(record, Rejected)
        assert not isinstance(original, Rejected)
        assert record.id != original.id


@given(st.binary(min_size=SALT_BYTES + 1, max_size=400), st.data())
def test_a_changed_body_is_not_the_headers(body: bytes, data: st.DataObject) -> None:
    header = Header(
        kind=Kind.CONTENT,
        channel=ChannelId(bytes(32)),
        log=Log.CONTENT,
        device=ada.device,
        seq=0,
        prev=None,
        parents=(),
        control_heads=(ada.user,),  # any 32 bytes
        timestamp_ms=0,
        ets=0,
        body_hash=body_hash(body),
        body_size_bucket=size_bucket(len(body)),
    )
    header_bytes = encode_header(header)
    assert not isinstance(decode_record(header_bytes, bytes(64), body), Rejected)
    other = data.draw(tampered(body))
    assert isinstance(decode_record(header_bytes, bytes(64), other), Rejected) == (other != body)


names = plain_text.filter(lambda text: 1 <= len(text) <= 48)
tips = st.builds(Tip, device=ids(), log=st.sampled_from(Log), seq=numbers, hash=ids())
control_acts = st.one_of(
    st.builds(
        Invite,
        join_key=ids(),
        token_key=ids(),
        rank=st.integers(0, 100),
        uses=st.integers(1, 1024),
        expires_ms=times,
    ),
    st.builds(CloseInvitation, invitation=ids(), index=st.integers(0, 15)),
    st.builds(Remove, user=ids(), fence=st.lists(tips, max_size=3).map(tuple), reason=plain_text),
    st.builds(SetTopic, topic=plain_text),
    st.builds(Rename, name=names),
    st.builds(
        UnknownAct,
        type=st.sampled_from([62, 63]),
        fields=st.dictionaries(st.integers(1, 30), values, max_size=2).map(lambda fields: dict(sorted(fields.items()))),
    ),
)
content_acts = st.one_of(
    st.builds(Message, text=plain_text.filter(bool), reply_to=st.one_of(st.none(), ids())),
    st.builds(UnknownAct, type=st.sampled_from([65, 255, 65536]), fields=st.just({1: [b"x", {0: None}]})),
)
lone_acts = st.one_of(
    st.just(Leave()),
    st.builds(Devices, devices=st.binary(max_size=200), fence=st.lists(tips, max_size=3).map(tuple)),
    st.builds(Admit, join=st.binary(max_size=200)),
    st.builds(
        Create,
        style=st.sampled_from(Style),
        name=names,
        founders=st.just(((ada.certificate,), (grace.certificate,))),
        nonce=st.binary(min_size=16, max_size=32),
    ),
)


@settings(max_examples=300)
@given(
    st.one_of(
        st.lists(st.one_of(control_acts, content_acts), min_size=1, max_size=4), st.lists(lone_acts, min_size=1, max_size=1)
    )
)
def test_acts_come_back_as_they_were_written(acts: list[Any]) -> None:
    assert decode_acts(encode_acts(tuple(acts)), Log.CONTROL) == tuple(acts)


@given(st.lists(content_acts, max_size=3), control_acts)
def test_a_control_act_in_the_content_log_spoils_the_record(acts: list[Any], act: Any) -> None:
    assert isinstance(decode_acts(encode_acts((*acts, act)), Log.CONTENT), Rejected)
    if acts:
        assert decode_acts(encode_acts(tuple(acts)), Log.CONTENT) == tuple(acts)


@settings(max_examples=200)
@given(st.data(), st.sampled_from(Log))
def test_acts_that_were_tampered_with_are_acts_or_a_rejection(data: st.DataObject, log: Log) -> None:
    encoded = encode_acts((data.draw(st.one_of(control_acts, content_acts, lone_acts)),))
    found = decode_acts(data.draw(tampered(encoded)), log)
    if not isinstance(found, Rejected):
        assert decode_acts(encode_acts(found), log) == found


join = sign_join(grace.secrets, digest("mc.test.join"), ChannelId(bytes(32)), grace.certificate, "Grace", 1_750_000_000_000)
statement = sign_profile(ada.secrets, ada.user, 3, Profile(name="Ada", status="here"))
SIGNED = [
    (ada.certificate.encoded, decode_certificate, certificate_holds),
    (ada.device_list.encoded, decode_device_list, device_list_holds),
    (join.encoded, decode_join, join_holds),
    (statement.encoded, decode_statement, statement_holds),
]


@settings(max_examples=600)
@given(st.data(), st.sampled_from(SIGNED))
def test_what_is_signed_holds_only_unchanged(data: st.DataObject, signed: Any) -> None:
    encoded, decoder, holds = signed
    other = data.draw(tampered(encoded))
    found = decoder(other)
    if not isinstance(found, Rejected):
        assert found.encoded == other
        assert holds(found) == (other == encoded)


DECODERS: list[Any] = [
    decode_header,
    decode_certificate,
    decode_device_list,
    decode_join,
    decode_statement,
    decode_profile,
    lambda encoded: decode_acts(encoded, Log.CONTROL),
]


@settings(max_examples=600)
@given(st.sampled_from(DECODERS), st.one_of(st.binary(max_size=90), loose_cbor()))
def test_any_bytes_at_all_are_a_value_or_a_rejection(decoder: Any, encoded: bytes) -> None:
    assert decoder(encoded) is not None


@settings(max_examples=300)
@given(st.sampled_from(DECODERS), st.dictionaries(st.integers(0, 15), values, max_size=16))
def test_maps_of_the_wrong_types_are_a_value_or_a_rejection(decoder: Any, fields: dict[int, Any]) -> None:
    assert decoder(encode(dict(sorted(fields.items())))) is not None


@given(names, st.text(st.characters(exclude_categories=["Cs"]), max_size=48))
def test_profiles_come_back_as_they_were_written(name: str, status: str) -> None:
    profile = Profile(name=name, status=status)
    assert decode_profile(encode_profile(profile)) == profile


addresses = st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64), max_size=8).map(tuple)


@st.composite
def invitations(draw: st.DrawFn) -> Invitation:
    kind = draw(st.sampled_from(InvitationKind))
    return Invitation(
        kind=kind,
        seed=draw(ids(16)),
        user=draw(ids()),
        expires_ms=draw(times),
        addresses=draw(addresses),
        channel=None if kind is InvitationKind.PAIR else draw(ids()),
    )


@given(invitations(), st.data())
def test_an_invitation_link_survives_wrapping_and_not_a_change(invitation: Invitation, data: st.DataObject) -> None:
    link = invitation.link
    assert parse_link(link) == invitation
    width = data.draw(st.integers(1, 80))
    wrapped = "\r\n  ".join(link[at : at + width] for at in range(0, len(link), width))
    assert len(wrapped) > 2048 or parse_link(f"  {wrapped}\n") == invitation
    at = data.draw(st.integers(len("multichat:join/"), len(link) - 1))
    assert isinstance(parse_link(link[:at]), Rejected)
    other = link[:at] + data.draw(st.characters()) + link[at + 1 :]
    found = parse_link(other)
    assert isinstance(found, Rejected) or found == invitation


@given(st.text(max_size=60), st.sampled_from(["", "multichat:", "multichat:join/", "multichat:pair/"]))
def test_any_text_is_an_invitation_or_a_rejection(text: str, start: str) -> None:
    assert isinstance(parse_link(start + text), Rejected)


@given(seed=st.integers(0, 2**32))
def test_a_header_written_field_by_field_is_the_encoding_of_its_map(seed: int) -> None:
    chance = random.Random(seed)

    def ids(most: int) -> tuple[bytes, ...]:
        return tuple(sorted(chance.randbytes(32) for _ in range(chance.randrange(most + 1))))

    def number() -> int:
        return chance.randrange(2 ** chance.choice((1, 5, 8, 9, 16, 17, 32, 33, 63)))

    header = Header(
        version=chance.randrange(1, 256),
        suite=chance.randrange(1, 256),
        kind=chance.randrange(1, 256),
        channel=chance.choice((None, ChannelId(chance.randbytes(32)))),
        log=chance.choice(tuple(Log)),
        device=DeviceId(chance.randbytes(32)),
        seq=number(),
        prev=chance.choice((None, RecordId(chance.randbytes(32)))),
        parents=tuple(RecordId(i) for i in ids(20)),
        control_heads=tuple(RecordId(i) for i in ids(20)),
        timestamp_ms=number(),
        ets=number(),
        expires_ms=chance.choice((None, number())),
        recipients=chance.choice((None, tuple(UserId(i) for i in ids(30)))),
        body_hash=chance.randbytes(32),
        body_size_bucket=number(),
    )
    fields = {
        0: header.version,
        1: header.suite,
        2: header.kind,
        3: header.channel,
        4: header.log.value,
        5: header.device,
        6: header.seq,
        7: header.prev,
        8: header.parents,
        9: header.control_heads,
        10: header.timestamp_ms,
        11: header.ets,
        12: header.expires_ms,
        13: header.recipients,
        14: header.body_hash,
        15: header.body_size_bucket,
    }
    assert encode_header(header) == encode({key: value for key, value in fields.items() if value is not None})


@settings(max_examples=400)
@given(st.data())
def test_a_message_alone_is_decoded_as_any_content_is(data: st.DataObject) -> None:
    """In the content log there is a short way for it; there is none in the control log, which may hold messages too."""
    text = data.draw(st.one_of(plain_text, st.text(st.characters(exclude_categories=["Cs"]), min_size=200, max_size=300)))
    content = encode({0: [{0: 64, 1: text}]})
    if data.draw(st.booleans()):
        content = content[:8] + data.draw(tampered(content[8:]))
    assert decode_acts(content, Log.CONTENT) == decode_acts(content, Log.CONTROL)
    if 1 <= len(text) <= 300 and content == encode({0: [{0: 64, 1: text}]}):
        assert decode_acts(content, Log.CONTENT) == (Message(text=text),)


@settings(max_examples=400)
@given(st.data())
def test_headers_are_judged_the_quick_way_as_by_the_walk_over_all_values(data: st.DataObject) -> None:
    encoded = encode_header(data.draw(headers()))
    if data.draw(st.booleans()):
        encoded = data.draw(tampered(encoded))
    assert decode_header(encoded) == read(encoded, MAX_HEADER_BYTES, _header)


@pytest.mark.parametrize("key", ["f4", "f5", "6130", "4130", "80", "f90000", "20", "f6"])
def test_a_header_with_a_key_that_is_no_number_is_refused(key: str) -> None:
    content = encode_header(ada_header())
    assert isinstance(decode_header(bytes([content[0] + 1]) + content[1:] + bytes.fromhex(key) + b"\x00"), Rejected)
    assert isinstance(decode_header(content[:1] + bytes.fromhex(key) + content[2:]), Rejected)


def ada_header() -> Header:
    return Header(
        kind=Kind.CONTENT, channel=ChannelId(bytes(32)), log=Log.CONTENT, device=ada.device, seq=0, prev=None, parents=(),
        control_heads=(RecordId(b"c" * 32),), timestamp_ms=1, ets=1, body_hash=bytes(32), body_size_bucket=0,
    )  # fmt: skip
