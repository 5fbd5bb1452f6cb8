"""Makes the frozen vectors beside this file: `python tests/vectors/make.py` from the top of the repository.

The vectors are the format. Run this only when the format changes on purpose, together with docs/protocol and a note in the
changelog; `test_vectors.py` holds the code against what stands in the files. All keys in here are public: never use them.

Bytes are in hex. Where a file gives inputs and outputs, a second implementation makes the outputs from the inputs.
"""

# ruff: noqa: E402 - the path is set first, as this is run as a program too

import hashlib
import ipaddress
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from mailbox_examples import mailbox_frames, mailboxes

from multichat_tui.channel.resources import Read, poll, registry, task, write
from multichat_tui.channel.resources.folding import fold
from multichat_tui.channel.resources.marks import PIN, REACT
from multichat_tui.channel.resources.message import EDIT
from multichat_tui.channel.resources.shape import ActShape, Deed, Plain
from multichat_tui.crypto.envelopes import envelope_bytes, verifier, wrap, wrapper_key, writer_seed
from multichat_tui.crypto.handshake import ClientHandshake, ServerHandshake
from multichat_tui.crypto.identity import (
    Account,
    DeviceSecrets,
    certify,
    claim_signed_bytes,
    first_device_list,
    joined_device_list,
    safety_number,
    sign_claim,
    sign_closing,
    sign_device_list,
    sign_device_statement,
    sign_join,
    sign_profile,
    sign_receipt,
    sign_statement,
)
from multichat_tui.crypto.keys import Signer, agree, link_key, mac, pair_key, public_key, sealing_public_key, sign
from multichat_tui.crypto.sas import (
    Party,
    Side,
    Transcript,
    agree_on,
    commit,
    nearby_code,
    nearby_join_seed,
    nearby_key,
)
from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import (
    Act,
    Admit,
    Ask,
    Ban,
    CloseInvitation,
    Create,
    Devices,
    Invite,
    Leave,
    Listing,
    Mark,
    Message,
    Redact,
    RefuseJoin,
    Remove,
    Rename,
    Report,
    SetRank,
    SetThreshold,
    Setting,
    Settlement,
    SettleReport,
    SetTopic,
    Style,
    Tip,
    Unban,
    WayIn,
    WideFence,
)
from multichat_tui.model.codec import encode
from multichat_tui.model.comparing import (
    CompareConfirm,
    CompareEnd,
    CompareKey,
    CompareStart,
    ComparisonId,
    EndReason,
    Purpose,
)
from multichat_tui.model.device_statements import Audience, DeviceStatementKind
from multichat_tui.model.emoji import EMOJI
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import (
    Ack,
    ChainRange,
    ChainTip,
    ChannelAck,
    ChannelOffer,
    DeviceStatementOffer,
    ElidedItem,
    Frame,
    FullItem,
    HeldIsland,
    HoleRange,
    Islands,
    JoinAnswer,
    JoinFrame,
    JoinOutcome,
    MessageFrame,
    Offer,
    PairFrame,
    ReadFrame,
    ReceiptOffer,
    Ref,
    Request,
    ReturnFrame,
    ReturnStage,
    StatementOffer,
    Vector,
    Withheld,
    WithheldRange,
)
from multichat_tui.model.hosts import Address
from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId, UserId, digest, fingerprint, short
from multichat_tui.model.invitations import Invitation, InvitationKind, join_seed, token_key
from multichat_tui.model.limits import INTRODUCTION_MS
from multichat_tui.model.mailbox_frames import MailboxFrame
from multichat_tui.model.ports import Credential, CredentialKind, LocalDevice
from multichat_tui.model.ranks import Permission
from multichat_tui.model.receipts import HeldChain
from multichat_tui.model.records import (
    Header,
    Kind,
    body_hash,
    encode_header,
    record_id,
    seal_body,
    signed_bytes,
    size_bucket,
)
from multichat_tui.model.sealed import Sealed
from multichat_tui.model.statements import Profile, StatementKind
from multichat_tui.model.vouching import Introduction, Vouch, encode_introductions, encode_vouches
from multichat_tui.net.announcement import announce

NOW_MS = 1_750_000_000_000


def filled(first: int, size: int = 32) -> bytes:
    """Bytes that count up, to tell them apart in a dump."""
    return bytes((first + n) % 256 for n in range(size))


ACCOUNTS = {name: Account(filled(first)) for name, first in (("ada", 0x00), ("grace", 0x40))}
DEVICES = {
    name: DeviceSecrets(signing_seed=filled(first), sealing_secret=filled(first + 0x10))
    for name, first in (("ada", 0x80), ("grace", 0xC0))
}
CERTIFICATES = {name: certify(ACCOUNTS[name], DEVICES[name], filled(0xA0), NOW_MS) for name in ACCOUNTS}
ADA, GRACE = CERTIFICATES["ada"], CERTIFICATES["grace"]
SEED = filled(0x50, 16)
FIRST_MESSAGE = (
    "030a205299dd0a4f9ec24a6ab21711521f20db18661a8fb36f2acba4d7460cced09e191220f54553e4a29888bfdf0acb2055631775c2ea"
    "0cd78f34869d19e8c0a84b5c33601a20ecf62c83b7f30211050d0c345ceb67cac2a6072bcacfeecd7901e853402e613a225f030a206aae"
    "dc8d8b2a59574dde87ce9dfd2da0c2824fc998da83bf9974d02afbb34814100022301bf412f6299a7c191a9eea3b767d9e0004a5ded53b"
    "90771433a0a5d0554557856ed8bcbbd879aedb0cf5008fe929ec1f9ec2016b17869a58"
)
"""An Olm pre-key message that a library has made."""


def accounts() -> list[dict[str, Any]]:
    return [
        {
            "entropy": account.entropy.hex(),
            "phrase": account.phrase,
            "signing_seed": account.seed.hex(),
            "account_key": account.key.hex(),
            "sealing_secret": account.sealing_secret.hex(),
            "sealing_key": sealing_public_key(account.sealing_secret).hex(),
            "user": account.user.hex(),
            "fingerprint": fingerprint(account.user),
            "short": short(account.user),
        }
        for account in ACCOUNTS.values()
    ]


def keys() -> dict[str, Any]:
    ada, grace = (DEVICES[name].sealing_secret for name in ("ada", "grace"))
    ours, theirs = sealing_public_key(ada), sealing_public_key(grace)
    shared = agree(ada, theirs)
    pair, paired = pair_key(ada, ours, theirs), pair_key(ada, ours, theirs, filled(0x70))
    assert shared is not None
    assert pair is not None
    assert paired is not None
    seed = DEVICES["ada"].signing_seed
    return {
        "digest": {"domain": "mc.user", "message": b"abc".hex(), "digest": digest("mc.user", b"abc").hex()},
        "mac": {
            "key": filled(1).hex(),
            "domain": "mc.pair",
            "parts": [b"ab".hex(), "", b"c".hex()],
            "mac": mac(filled(1), "mc.pair", b"ab", b"", b"c").hex(),
        },
        "signature": {
            "seed": seed.hex(),
            "public": public_key(seed).hex(),
            "message": b"abc".hex(),
            "signature": sign(seed, b"abc").hex(),
        },
        "pair": {
            "secret": ada.hex(),
            "mine": ours.hex(),
            "theirs": theirs.hex(),
            "shared_point": shared.hex(),
            "pairing_secret": filled(0x70).hex(),
            "pair_key_of_contacts": paired.hex(),
            "pair_key_of_others": pair.hex(),
            "link_key_of_contacts": link_key(paired).hex(),
        },
        "safety_number": {"users": [ADA.user.hex(), GRACE.user.hex()], "number": safety_number(ADA.user, GRACE.user)},
    }


def signed() -> dict[str, Any]:
    join = sign_join(DEVICES["grace"], join_seed(SEED), ChannelId(filled(0x20)), GRACE, "Grace", NOW_MS)
    statement = sign_profile(DEVICES["ada"], ADA.user, 3, Profile(name="Ada", status="at sea"))
    devices = first_device_list(ACCOUNTS["ada"], ADA)
    held = (HeldChain(device=filled(0x10, 8), seq=300, hash=filled(0x90, 8)),)
    said = sign_device_statement(
        Signer(DEVICES["ada"].signing_seed), ADA.device, Audience(GRACE.user), DeviceStatementKind.DEPOSITED, NOW_MS, b"content"
    )
    receipt = sign_receipt(Signer(DEVICES["ada"].signing_seed), ChannelId(filled(0x20)), ADA.device, 6, held)
    return {
        "certificate": {
            "account_entropy": ACCOUNTS["ada"].entropy.hex(),
            "device_seed": DEVICES["ada"].signing_seed.hex(),
            "sealing_secret": DEVICES["ada"].sealing_secret.hex(),
            "olm_key": ADA.olm_key.hex(),
            "created_ms": NOW_MS,
            "body": ADA.body.hex(),
            "encoded": ADA.encoded.hex(),
        },
        "device_list": {"encoded": devices.encoded.hex(), "digest": devices.digest.hex()},
        "join": {
            "device_seed": DEVICES["grace"].signing_seed.hex(),
            "invitation_seed": SEED.hex(),
            "join_seed": join_seed(SEED).hex(),
            "token_key": token_key(SEED).hex(),
            "channel": join.channel.hex(),
            "certificate": GRACE.encoded.hex(),
            "name": join.name,
            "timestamp_ms": NOW_MS,
            "encoded": join.encoded.hex(),
        },
        "profile": {
            "device_seed": DEVICES["ada"].signing_seed.hex(),
            "user": ADA.user.hex(),
            "number": 3,
            "name": "Ada",
            "status": "at sea",
            "encoded": statement.encoded.hex(),
        },
        "receipt": {
            "device_seed": DEVICES["ada"].signing_seed.hex(),
            "channel": receipt.channel.hex(),
            "number": receipt.number,
            "chains": [[c.device.hex(), c.seq, c.hash.hex()] for c in receipt.chains],
            "encoded": receipt.encoded.hex(),
        },
        "device_statement": {
            "device_seed": DEVICES["ada"].signing_seed.hex(),
            "audience": said.audience.hex(),
            "kind": said.kind,
            "number": said.number,
            "content": said.content.hex(),
            "encoded": said.encoded.hex(),
        },
        **private(),
    }


def private() -> dict[str, Any]:
    """Statements that their author alone tells: whom Ada vouches for, and whom she brings together with Grace."""
    vouches = (
        Vouch(user=GRACE.user, since_ms=NOW_MS, note="from the harbour"),
        Vouch(user=UserId(filled(0x60)), since_ms=NOW_MS - 1),
    )
    introductions = tuple(
        Introduction(
            other=UserId(filled(first)),
            name=name,
            seed=filled(first + 1, 16),
            hosts=hosts,
            since_ms=NOW_MS,
            expires_ms=NOW_MS + INTRODUCTION_MS,
            note=note,
        )
        for first, name, hosts, note in ((0x60, "Linus", True, "you both sail"), (0x20, "", False, ""))
    )
    contents = {
        "vouches": (StatementKind.VOUCH, 4, encode_vouches(vouches)),
        "introductions": (StatementKind.INTRODUCTION, 5, encode_introductions(GRACE.user, introductions)),
    }
    made: dict[str, Any] = {}
    for name, (kind, number, content) in contents.items():
        statement = sign_statement(DEVICES["ada"], ADA.user, kind, number, content)
        assert statement is not None
        made[name] = {
            "device_seed": DEVICES["ada"].signing_seed.hex(),
            "user": ADA.user.hex(),
            "kind": kind.value,
            "number": number,
            "content": content.hex(),
            "encoded": statement.encoded.hex(),
        }
    listed = sorted(vouches, key=lambda vouch: vouch.user)
    made["vouches"]["list"] = [[vouch.user.hex(), vouch.since_ms, vouch.note] for vouch in listed]
    made["introductions"]["reader"] = GRACE.user.hex()
    made["introductions"]["list"] = [
        [one.other.hex(), one.name, one.seed.hex(), one.hosts, one.since_ms, one.expires_ms, one.note] for one in introductions
    ]
    return made


def acts() -> dict[str, tuple[Act, ...]]:
    record = RecordId(filled(0x30))
    join = sign_join(DEVICES["grace"], join_seed(SEED), ChannelId(filled(0x20)), GRACE, "Grace", NOW_MS)
    tip = Tip(device=GRACE.device, log=Log.CONTENT, seq=4, hash=filled(0x60))
    seen = WideFence(marks=(Mark(device=filled(0x30, 8), seq=7), Mark(device=filled(0x31, 8), seq=0)), floor_ets=NOW_MS)
    invite = Invite(
        join_key=public_key(join_seed(SEED)), token_key=token_key(SEED), rank=0, uses=5, expires_ms=NOW_MS + 604_800_000
    )
    return {
        "create group": (Create(style=Style.GROUP, name="harbour", founders=((ADA,),), nonce=filled(9, 16)),),
        "create direct": (Create(style=Style.DIRECT, name="", founders=((ADA,), (GRACE,)), nonce=filled(9, 32)),),
        "invite": (invite,),
        "close invitation": (CloseInvitation(invitation=record, index=0),),
        "admit": (Admit(join=join.encoded),),
        "remove": (Remove(user=GRACE.user, fence=(tip,), reason="spam"),),
        "leave": (Leave(),),
        "topic and name": (SetTopic(topic="boats"), Rename(name="quay")),
        "message": (Message(text="Ahoy \u2693"),),
        "reply": (Message(text="Ahoy!", reply_to=record),),
        "rank": (SetRank(user=GRACE.user, rank=50),),
        "mute": (SetRank(user=GRACE.user, rank=-1, fence=(tip,), reason="shouts"),),
        "ban": (Ban(user=GRACE.user, fence=(tip,), until_ms=NOW_MS + 604_800_000, reason="spam"),),
        "unban": (Unban(user=GRACE.user, reason="said sorry"),),
        "mute for a time": (SetRank(user=GRACE.user, rank=-1, fence=(tip,), reason="shouts", until_ms=1_750_003_600_000),),
        "report a message": (Report(reason="spam", targets=(RecordId(filled(0x71)),)),),
        "report a member": (Report(reason="rude", user=GRACE.user, targets=()),),
        "settle a report": (SettleReport(report=RecordId(filled(0x72)), outcome=Settlement.ACTED, reason="told them"),),
        "redaction": (Redact(targets=(record,), reason="spam"),),
        "redaction with what tells about it": (Redact(targets=(record,), also=(RecordId(filled(0x73)),)),),
        "permission": (SetThreshold(permission=Permission.SEND, rank=50, fence=seen, reason="raid"),),
        "founders alone": (SetThreshold(permission=Permission.RENAME, rank=1000),),
        "request to be let in": (Ask(join=join.encoded),),
        "refused": (RefuseJoin(user=GRACE.user, join_key=public_key(join_seed(SEED)), reason="not now"),),
        "create workspace": (Create(style=Style.WORKSPACE, name="acme", founders=((ADA,),), nonce=filled(9, 16)),),
        "listed": (Listing(channel=ChannelId(filled(0x20)), name="harbour", topic="boats"),),
        "listed with a way in": (
            Listing(
                channel=ChannelId(filled(0x20)),
                name="harbour",
                way_in=WayIn(seed=SEED, user=ADA.user, expires_ms=NOW_MS + 604_800_000),
            ),
        ),
        "listed for those of a role": (
            Listing(
                channel=ChannelId(filled(0x20)),
                name="helm",
                way_in=WayIn(seed=SEED, user=ADA.user, expires_ms=NOW_MS + 604_800_000),
                least=50,
            ),
        ),
        "off the list": (Listing(channel=ChannelId(filled(0x20)), name=""),),
        "decided in a workspace": (
            SetRank(user=GRACE.user, rank=50, cause=filled(0x70, 16)),
            Remove(user=GRACE.user, fence=(), cause=filled(0x71, 16)),
            Ban(user=GRACE.user, fence=(), cause=filled(0x72, 16)),
            Unban(user=GRACE.user, cause=filled(0x73, 16)),
        ),
        "slow mode": (Setting(key=1, value=30_000, fence=seen, reason="raid"),),
        "closed for good": (Setting(key=4, value=1),),
        "name of a role": (Setting(key=6, value=(20, "reviewer")),),
        "edit": (write(EDIT, {"text": "Ahoy there!"}, (record, 0)),),
        "edit that follows another": (write(EDIT, {"text": "Ahoy there!!"}, (record, 2), (RecordId(filled(0x73)),)),),
        "reaction": (write(REACT, {"emoji": "\U0001f44d", "on": True}, (record, 0)),),
        "reaction taken back": (write(REACT, {"emoji": "\u2764\ufe0f", "on": False}, (record, 0), (RecordId(filled(0x74)),)),),
        "pin": (write(PIN, {"on": True}, (record, 0)),),
        "poll": (write(poll.MAKE, {"question": "When?", "options": ("Friday", "Saturday")}),),
        "vote": (write(poll.VOTE, {"option": 1}, (record, 0)),),
        "vote taken back": (write(poll.VOTE, {}, (record, 0), (RecordId(filled(0x75)),)),),
        "task": (write(task.MAKE, {"title": "wash the sails"}),),
        "task taken": (write(task.CHANGE, {"to": "taken"}, (record, 0)),),
        "ban and announcement": (Ban(user=GRACE.user, fence=(tip,), reason="spam"), Message(text="Sorry for the noise.")),
        "a setting of a newer version": (Setting(key=900, value={0: (True, None, "x"), 7: record}),),
    }


def record(name: str, header: Header, body: bytes) -> dict[str, Any]:
    header_bytes = encode_header(header)
    identifier = record_id(header_bytes)
    seed = DEVICES["ada"].signing_seed
    return {
        "name": name,
        "device_seed": seed.hex(),
        "salt": body[:32].hex(),
        "content": body[32:].hex(),
        "body_hash": body_hash(body).hex(),
        "body_size_bucket": size_bucket(len(body)),
        "header": header_bytes.hex(),
        "id": identifier.hex(),
        "signature": sign(seed, signed_bytes(identifier)).hex(),
    }


def records() -> list[dict[str, Any]]:
    bodies = {name: seal_body(encode_acts(act), filled(0xE0)) for name, act in acts().items()}
    root_body, topic_body, message_body = bodies["create group"], bodies["topic and name"], bodies["message"]
    device = DeviceId(ADA.device)
    root = Header(
        kind=Kind.ROOT,
        channel=None,
        log=Log.CONTROL,
        device=device,
        seq=0,
        prev=None,
        parents=(),
        control_heads=(),
        timestamp_ms=NOW_MS,
        ets=NOW_MS,
        body_hash=body_hash(root_body),
        body_size_bucket=size_bucket(len(root_body)),
    )
    root_id = record_id(encode_header(root))
    topic = Header(
        kind=Kind.CONTROL,
        channel=ChannelId(root_id),
        log=Log.CONTROL,
        device=device,
        seq=1,
        prev=root_id,
        parents=(root_id,),
        control_heads=(),
        timestamp_ms=NOW_MS - 5,
        ets=NOW_MS + 1,
        body_hash=body_hash(topic_body),
        body_size_bucket=size_bucket(len(topic_body)),
    )
    message = Header(
        kind=Kind.CONTENT,
        channel=ChannelId(root_id),
        log=Log.CONTENT,
        device=device,
        seq=0,
        prev=None,
        parents=(),
        control_heads=(record_id(encode_header(topic)),),
        timestamp_ms=NOW_MS + 1000,
        ets=NOW_MS + 1000,
        expires_ms=NOW_MS + 86_400_000,
        recipients=tuple(sorted((ADA.user, GRACE.user))),
        body_hash=body_hash(message_body),
        body_size_bucket=size_bucket(len(message_body)),
    )
    return [
        record("root", root, root_body),
        record("control", topic, topic_body),
        record("content, with expiry and recipients", message, message_body),
    ]


def frames() -> dict[str, Frame]:
    prefix, other = filled(0x10, 8), filled(0x90, 8)
    tip = ChainTip(device=prefix, log=Log.CONTENT, seq=300, hash=other)
    statement = StatementOffer(user=ADA.user, kind=1, number=3)
    signature = filled(0x01, 64)
    bare = ElidedItem(
        device=0, log=Log.CONTENT, seq=7, timestamp_ms=NOW_MS, check=other, signature=signature, body=filled(0xE0) + b"body"
    )
    rich = ElidedItem(
        device=1,
        log=Log.CONTROL,
        seq=8,
        timestamp_ms=NOW_MS + 70_000,
        check=prefix,
        signature=signature,
        body=filled(0xE0) + b"body",
        parents=(Ref(device=0, seq=6), Ref(device=1, seq=7)),
        control_heads=(Ref(device=0, seq=0),),
        ets=NOW_MS + 80_000,
        kind=4,
        expires_ms=NOW_MS + 90_000,
        recipients=(ADA.user,),
    )
    full = FullItem(header_bytes=b"header", signature=signature, body=None)
    return {
        "offer": Offer(number=2, channels=(ChannelOffer(channel=ChannelId(filled(0x20)), tips=(tip,)),), statements=(statement,)),
        "request": Request(
            channel=prefix,
            ranges=(ChainRange(device=other, log=Log.CONTROL, first=3, last=9),),
            ids=(RecordId(filled(0x30)),),
            statements=((UserId(ADA.user), 1),),
        ),
        "request for full forms": Request(channel=prefix, full=True),
        "offer of a fingerprint": Offer(number=0, fingerprint=filled(0x70, 20)),
        "offer of vectors and receipts": Offer(
            number=3,
            vectors=(Vector(channel=prefix, table=filled(0x80, 4), places=((0, 3, other), (5, 300, prefix))),),
            receipts=(b"receipt",),
            receipt_numbers=(ReceiptOffer(channel=prefix, device=other, number=2),),
        ),
        "request for the newest": Request(
            channel=prefix, ranges=(ChainRange(device=other, log=Log.CONTENT, first=3, last=900),), newest=384
        ),
        "page of the newest, more to follow": MessageFrame(channel=prefix, items=(full,), following=2),
        "answer with nothing": MessageFrame(channel=prefix, following=0),
        "receipts in a parcel": MessageFrame(channel=bytes(8), receipts=(b"one receipt", b"another")),
        "islands": Islands(channel=prefix, islands=(HeldIsland(device=other, first=300, last=900, hash=prefix),)),
        "islands and holes": Islands(
            channel=prefix,
            islands=(HeldIsland(device=other, first=300, last=900, hash=prefix),),
            holes=(HoleRange(device=other, first=0, last=7),),
        ),
        "withheld": Withheld(channel=prefix, ranges=(WithheldRange(first=3, header_bytes=b"header", signature=signature),)),
        "offer of device statements": Offer(
            number=4,
            device_statements=(b"said",),
            device_numbers=(DeviceStatementOffer(audience=prefix, device=other, kind=1, number=NOW_MS),),
        ),
        "request for device statements": Request(channel=bytes(8), device_statements=((prefix, other, 1),)),
        "message of device statements": MessageFrame(channel=bytes(8), device_statements=(b"said", b"more")),
        "ack of a fingerprint of four parts": Ack(offer=0, same=13),
        "ack of device statements": Ack(
            device_statements=(DeviceStatementOffer(audience=prefix, device=other, kind=1, number=NOW_MS),)
        ),
        "request for receipts": Request(channel=bytes(8), receipts=((prefix, other),)),
        "ack of a fingerprint": Ack(offer=0, same=5),
        "ack of vectors that cannot be read": Ack(offer=3, unread=(prefix,)),
        "message": MessageFrame(channel=prefix, devices=(prefix, other), items=(bare, rich, full), statements=(b"statement",)),
        "ack": Ack(channels=(ChannelAck(channel=prefix, tips=(tip,)),), offer=2, statements=(statement,)),
        "empty ack": Ack(),
        "join": JoinFrame(join=b"join"),
        "read": ReadFrame(join_key=filled(0x40), tips=(tip,)),
        "join answer": JoinAnswer(join_key=filled(0x40), outcome=JoinOutcome.ADMITTED),
        "join denied": JoinAnswer(join_key=filled(0x40), outcome=JoinOutcome.DENIED, reason="not now"),
        "compare start, meeting": CompareStart(
            comparison=ComparisonId(filled(0x50)),
            purpose=Purpose.MEET,
            commitment=filled(0x60),
            name="ada",
            nearby=filled(0x70, 16),
        ),
        "compare start, verifying": CompareStart(
            comparison=ComparisonId(filled(0x50)), purpose=Purpose.VERIFY, commitment=filled(0x60)
        ),
        "compare key": CompareKey(comparison=ComparisonId(filled(0x50)), public=filled(0x61), name="ada"),
        "compare confirm": CompareConfirm(comparison=ComparisonId(filled(0x50)), box=b"box", heard=True),
        "compare end": CompareEnd(comparison=ComparisonId(filled(0x50)), reason=EndReason.DIFFERENT),
        "pair": PairFrame(invitation=filled(0x40), devices=b"devices", profile=b"profile", share=filled(0x60), confirmed=True),
    }


def all_frames() -> dict[str, Frame | MailboxFrame]:
    return {**frames(), **mailbox_frames()}


def invitations() -> list[dict[str, Any]]:
    made = (
        Invitation(
            kind=InvitationKind.PAIR,
            seed=SEED,
            user=ADA.user,
            expires_ms=NOW_MS,
            addresses=("192.0.2.7:4001", "[2001:db8::7]:4001"),
        ),
        Invitation(
            kind=InvitationKind.JOIN, seed=SEED, user=ADA.user, expires_ms=NOW_MS, addresses=(), channel=ChannelId(filled(0x20))
        ),
        Invitation(
            kind=InvitationKind.READ, seed=SEED, user=ADA.user, expires_ms=NOW_MS, addresses=(), channel=ChannelId(filled(0x20))
        ),
    )
    return [
        {
            "kind": i.kind.value,
            "seed": i.seed.hex(),
            "user": i.user.hex(),
            "expires_ms": i.expires_ms,
            "addresses": list(i.addresses),
            "channel": None if i.channel is None else i.channel.hex(),
            "token_key": i.token_key.hex(),
            "join_key": public_key(join_seed(i.seed)).hex(),
            "link": i.link,
        }
        for i in made
    ]


def local_device(name: str) -> LocalDevice:
    certificate = CERTIFICATES[name]
    return LocalDevice(
        device=certificate.device, signing_seed=DEVICES[name].signing_seed, certificate=certificate, incarnation=len(name)
    )


def handshake(name: str, key: bytes, *, invited: bool) -> dict[str, Any]:
    """What goes over a link on which ada listens (port 4001) and grace dials (without listening)."""
    join = join_seed(SEED)
    theirs = Credential(kind=CredentialKind.PEER, key=key, device=GRACE.device)
    ours = Credential(kind=CredentialKind.PEER, key=key, device=ADA.device)
    if invited:
        theirs = Credential(kind=CredentialKind.OPEN_INVITATION, key=key, join_key=public_key(join))
        ours = Credential(kind=CredentialKind.HELD_INVITATION, key=key, join_key=public_key(join), join_seed=join)
    certificate_hash = filled(0xD0)
    # Both speak version 1 alone, as when these vectors were frozen.
    server = ServerHandshake(
        local_device("ada"), lambda: (theirs,), certificate_hash, lambda size: filled(0x11, size), port=4001, versions=(1,)
    )
    client = ClientHandshake(local_device("grace"), ours, certificate_hash, lambda size: filled(0x22, size), versions=(1,))
    nonce = server.begin()
    hello = client.receive(nonce).send
    proof = server.receive(hello).send
    last = client.receive(proof).send
    return {
        "name": name,
        "server": {"device_seed": DEVICES["ada"].signing_seed.hex(), "certificate": ADA.encoded.hex(), "incarnation": 3},
        "client": {"device_seed": DEVICES["grace"].signing_seed.hex(), "certificate": GRACE.encoded.hex(), "incarnation": 5},
        "key": key.hex(),
        "join_seed": join.hex() if invited else None,
        "certificate_hash": certificate_hash.hex(),
        "server_port": 4001,
        "server_nonce": nonce.hex(),
        "client_hello": hello.hex(),
        "server_proof": proof.hex(),
        "client_proof": last.hex(),
    }


def links() -> dict[str, Any]:
    pair = pair_key(DEVICES["ada"].sealing_secret, ADA.sealing_key, GRACE.sealing_key)
    assert pair is not None
    key = link_key(pair)
    addresses = (ipaddress.ip_address("192.0.2.7"), ipaddress.ip_address("2001:db8::7"))
    credential = Credential(kind=CredentialKind.PEER, key=key, device=GRACE.device)
    announcement, text = announce(
        (credential.key,), day=20_000, port=4001, addresses=addresses, entropy=lambda size: filled(0x33, size)
    )
    noise = filled(0x33, 8)
    (token,) = announcement.tokens - {noise}
    return {
        "handshakes": [
            handshake("peers", key, invited=False),
            handshake("under an invitation", token_key(SEED), invited=True),
        ],
        "announcement": {
            "key": key.hex(),
            "day": 20_000,
            "instance": announcement.instance,
            "port": 4001,
            "addresses": [str(address) for address in addresses],
            "packed_addresses": text["a"].hex(),
            "token": token.hex(),
        },
        "announcement of many": announcement_of_many(addresses),
    }


def announcement_of_many(addresses: tuple[Address, ...]) -> dict[str, Any]:
    """One key more than announcements name: 32 of them in full, 200 cut short."""
    keys = [filled(number % 256, 30) + number.to_bytes(2, "big") for number in range(233)]
    announcement, text = announce(keys, day=20_001, port=4002, addresses=addresses, entropy=lambda size: filled(0x44, size))
    return {
        "keys": {"in full": keys[31].hex(), "cut short": keys[32].hex(), "last": keys[231].hex(), "not named": keys[232].hex()},
        "day": 20_001,
        "instance": announcement.instance,
        "port": 4002,
        "strings": {name: value.hex() for name, value in text.items()},
    }


def codec() -> dict[str, Any]:
    """Accepted encodings are told by a diagnostic notation of their values; rejected ones by what is wrong with them."""
    accepted = [
        0,
        23,
        24,
        255,
        256,
        65535,
        65536,
        2**32 - 1,
        2**32,
        2**63 - 1,
        -1,
        -24,
        -25,
        -(2**63),
        b"",
        b"a" * 24,
        "",
        "\u00fc\U0001f600",
    ]
    more: list[Any] = [True, False, None, [], [1, [b"\x02"]], {}, {0: 1, 23: [], 24: None, 65535: {}}, [[[[[[[[]]]]]]]]]
    return {
        "accepted": [{"value": repr(value), "encoded": encode(value).hex()} for value in (*accepted, *more)],
        "rejected": REJECTED,
    }


REJECTED = {
    "nothing": "",
    "trailing bytes": "0000",
    "integer in two bytes that fits in one": "1817",
    "integer in eight bytes that fits in four": "1b00000000ffffffff",
    "integer of 2**63": "1b8000000000000000",
    "integer below -2**63": "3b8000000000000000",
    "length in two bytes that fits in one": "580161",
    "array of indefinite length": "9fff",
    "map of indefinite length": "bfff",
    "text that is no UTF-8": "61ff",
    "text with a surrogate": "63eda080",
    "float": "f93c00",
    "undefined": "f7",
    "simple value": "e0",
    "tag": "c100",
    "big integer": "c249010000000000000000",
    "nine arrays deep": "818181818181818180",
    "key twice": "a200000001",
    "keys descending": "a201000000",
    "negative key": "a12000",
    "text key": "a1616100",
    "key of 65536": "a11a0001000000",
    "cut off": "4461",
    "length of 2**60": "5b1000000000000000",
}


def devices() -> dict[str, Any]:
    """Lists that follow each other, and how a restored device of ada's comes back to grace."""
    account, key = ACCOUNTS["ada"], ACCOUNTS["ada"].return_key
    second = DeviceSecrets(signing_seed=filled(0x60), sealing_secret=filled(0x70))
    certificate = certify(account, second, filled(0xB0), NOW_MS + 1)
    first = first_device_list(account, ADA)
    following = sign_device_list(account, first, (ADA, certificate), (ADA.device,))
    contradicting = sign_device_list(account, first, (ADA,), (ADA.device,))
    joined = joined_device_list(account, (following, contradicting), None, ())
    share, answer = filled(0x11), filled(0x22)
    stages = {}
    for stage, sender, receiver in (
        (ReturnStage.ASK, second.device, GRACE.device),
        (ReturnStage.TELL, GRACE.device, second.device),
        (ReturnStage.DONE, second.device, GRACE.device),
        (ReturnStage.WELCOME, GRACE.device, second.device),
    ):
        said = answer if sender == GRACE.device else share
        proof = mac(key, "mc.retproof", bytes([stage]), sender, receiver, said)
        listed = {ReturnStage.TELL: first.encoded, ReturnStage.DONE: following.encoded}.get(stage, b"")
        stages[stage.name.lower()] = encode_frame(ReturnFrame(stage=stage, proof=proof, share=said, account_list=listed)).hex()
    prefix = bytes(8)
    fence = (Tip(device=ADA.device, log=Log.CONTENT, seq=3, hash=filled(0x30)),)
    return {
        "entropy": account.entropy.hex(),
        "return_key": key.hex(),
        "lists": {
            name: {"encoded": listed.encoded.hex(), "number": listed.number, "digest": listed.digest.hex(), "mark": listed.mark}
            for name, listed in {
                "first": first,
                "following": following,
                "contradicting": contradicting,
                "joined": joined,
            }.items()
        },
        "act": encode_acts((Devices(devices=following.encoded, fence=fence),)).hex(),
        "closing": sign_closing(account, NOW_MS).encoded.hex(),
        "shares": {"teller": answer.hex(), "returner": share.hex()},
        "devices": {"teller": GRACE.device.hex(), "returner": second.device.hex()},
        "return": stages,
        "secret": mac(key, "mc.retpair", answer, share).hex(),
        "message": encode_frame(
            MessageFrame(channel=prefix, lists=(following.encoded,), return_key=key, return_key_held=filled(0x44, 8))
        ).hex(),
    }


def comparing() -> dict[str, Any]:
    """Words and emoji: one whole comparison, and somebody nearby."""
    comparison, binding = filled(0x50), filled(0x80)
    beginner = Party(user=UserId(filled(0x01)), device=DeviceId(filled(0x02)))
    answerer = Party(user=UserId(filled(0x03)), device=DeviceId(filled(0x04)))
    secrets = filled(0x11), filled(0x22)
    publics = tuple(sealing_public_key(secret) for secret in secrets)
    transcript = Transcript(
        purpose=Purpose.VERIFY.value,
        comparison=comparison,
        commitment=commit(comparison, publics[0]),
        beginner_key=publics[0],
        answerer_key=publics[1],
        binding=binding,
        beginner=beginner,
        answerer=answerer,
    )
    agreed = agree_on(secrets[0], publics[1], transcript)
    assert agreed is not None
    return {
        "comparison": comparison.hex(),
        "purpose": transcript.purpose,
        "binding": binding.hex(),
        "beginner": {"user": beginner.user.hex(), "device": beginner.device.hex(), "secret": secrets[0].hex()},
        "answerer": {"user": answerer.user.hex(), "device": answerer.device.hex(), "secret": secrets[1].hex()},
        "beginner_key": publics[0].hex(),
        "answerer_key": publics[1].hex(),
        "commitment": transcript.commitment.hex(),
        "said": transcript.digest.hex(),
        "root": agreed.root.hex(),
        "emoji": list(agreed.emoji),
        "emoji_names": [EMOJI[n][1] for n in agreed.emoji],
        "words": list(agreed.words),
        "pairing_secret": agreed.pairing_secret.hex(),
        "beginners_plaintext": (beginner.user + beginner.device).hex(),
        "beginners_box": agreed.seal(Side.BEGINNER, beginner.user + beginner.device).hex(),
        "answerers_box": agreed.seal(Side.ANSWERER, answerer.user + answerer.device).hex(),
        "claims": [
            {
                "side": side.value,
                "claim": agreed.claim(side).hex(),
                "signed": claim_signed_bytes(agreed.claim(side)).hex(),
                "seed": seed.hex(),
                "signature": sign_claim(Signer(seed), agreed.claim(side)).hex(),
            }
            for side, seed in ((Side.BEGINNER, filled(0xA0)), (Side.ANSWERER, filled(0xC0)))
        ],
        "nearby": {
            "id": filled(0x70, 16).hex(),
            "code": nearby_code(filled(0x70, 16)),
            "key": nearby_key(filled(0x70, 16)).hex(),
            "join_seed": nearby_join_seed(filled(0x70, 16)).hex(),
        },
    }


def resources() -> list[dict[str, Any]]:
    """Acts on one resource each, by (record, ets, user), and what counts of them: section 19."""
    ada, grace = ADA.user, GRACE.user

    def case(name: str, made: Act, *done: tuple[ActShape, dict[str, Plain], int, UserId, tuple[int, ...]]) -> dict[str, Any]:
        root = registry().read(made)
        assert root is not None
        first = _resource_deed(root, 0, 1, ada)
        written = [
            (write(shape, values, (first.record, 0), tuple(RecordId(filled(each)) for each in after)), number, user)
            for number, (shape, values, _, user, after) in enumerate(done, 1)
        ]
        deeds = []
        for (act, number, user), (_, _, ets, _, _) in zip(written, done, strict=True):
            read = registry().read(act)
            assert read is not None
            deeds.append(_resource_deed(read, number, ets, user))
        present = fold(first, deeds)
        return {
            "name": name,
            "made": {"record": first.record.hex(), "ets": 1, "user": ada.hex(), "content": encode_acts((made,)).hex()},
            "acts": [
                {"record": deed.record.hex(), "ets": deed.ets, "user": deed.user.hex(), "content": encode_acts((act,)).hex()}
                for deed, (act, _, _) in zip(deeds, written, strict=True)
            ],
            "accepted": sorted(deed.record.hex() for deed in present.accepted),
            "counts": sorted(deed.record.hex() for deed in present.slots.values()),
        }

    ask = write(poll.MAKE, {"question": "When?", "options": ("Friday", "Saturday")})
    todo = write(task.MAKE, {"title": "wash the sails"})
    taken, done = {"to": "taken"}, {"to": "done"}
    return [
        case(
            "edits beside each other, and by somebody else",
            Message(text="one"),
            (EDIT, {"text": "two"}, 5, ada, ()),
            (EDIT, {"text": "three"}, 4, ada, ()),
            (EDIT, {"text": "mine"}, 9, grace, ()),
        ),
        case(
            "an edit that follows another stands before it in display order",
            Message(text="one"),
            (EDIT, {"text": "two"}, 8, ada, ()),
            (EDIT, {"text": "three"}, 3, ada, (1,)),
            (EDIT, {"text": "three"}, 9, ada, (2,)),
        ),
        case(
            "reactions put and taken back",
            Message(text="one"),
            (REACT, {"emoji": "\U0001f44d", "on": True}, 2, ada, ()),
            (REACT, {"emoji": "\U0001f44d", "on": True}, 3, grace, ()),
            (REACT, {"emoji": "\U0001f44d", "on": False}, 4, ada, (1,)),
            (REACT, {"emoji": "\U0001f389", "on": False}, 5, ada, ()),
        ),
        case("a pin", Message(text="one"), (PIN, {"on": True}, 2, ada, ()), (PIN, {"on": False}, 3, grace, ())),
        case(
            "votes changed, taken back, and for what is no option",
            ask,
            (poll.VOTE, {"option": 0}, 2, ada, ()),
            (poll.VOTE, {"option": 1}, 3, ada, (1,)),
            (poll.VOTE, {"option": 1}, 4, grace, ()),
            (poll.VOTE, {}, 5, grace, (3,)),
            (poll.VOTE, {"option": 2}, 6, grace, (4,)),
        ),
        case(
            "a task taken by two at once, and ended by the one who has it not",
            todo,
            (task.CHANGE, taken, 3, grace, ()),
            (task.CHANGE, taken, 2, ada, ()),
            (task.CHANGE, done, 4, grace, (1,)),
            (task.CHANGE, done, 5, ada, (2, 3)),
        ),
    ]


def _resource_deed(read: Read, number: int, ets: int, user: UserId) -> Deed:
    return Deed(
        shape=read.shape,
        record=RecordId(filled(number)),
        index=0,
        ets=ets,
        time_ms=NOW_MS,
        user=user,
        rank=0,
        moderates=False,
        values=read.values,
        after=read.after,
    )


def envelopes() -> dict[str, Any]:
    pair, queue, ada = filled(0x30), filled(0x60, 16), DEVICES["ada"].device
    key, prefix = wrapper_key(pair, queue), verifier(pair, queue, ada)[:8]
    first = bytes.fromhex(FIRST_MESSAGE)
    messages = {
        "a message that can begin its session": Sealed(
            session=hashlib.sha256(first[71:103] + first[37:69] + first[3:35]).digest()[:16], counter=0, kind=0, ciphertext=first
        ),
        "a later one": Sealed(session=filled(0x10, 16), counter=300, kind=1, ciphertext=filled(0x20, 80)),
        "the longest of the smallest envelope": Sealed(session=filled(0x10, 16), counter=0, kind=1, ciphertext=filled(0, 438)),
        "one byte more": Sealed(session=filled(0x10, 16), counter=0, kind=1, ciphertext=filled(0, 439)),
    }
    return {
        "pair": pair.hex(),
        "queue": queue.hex(),
        "device": ada.hex(),
        "wrapper_key": key.hex(),
        "writer_seed": writer_seed(pair, queue, ada).hex(),
        "verifier": verifier(pair, queue, ada).hex(),
        "prekey_of_the_first": first[3:35].hex(),
        "messages": [
            {
                "name": name,
                "session": message.session.hex(),
                "counter": message.counter,
                "kind": message.kind,
                "ciphertext": message.ciphertext.hex(),
                "sealed": message.encoded.hex(),
                "envelope": wrap(key, queue, prefix, message.encoded).hex(),
            }
            for name, message in messages.items()
        ],
        "sizes": [[length, envelope_bytes(length)] for length in (0, 467, 468, 723, 724, 979, 980, 1491, 1492, 197120)],
    }


def everything() -> dict[str, Any]:
    return {
        "accounts": accounts(),
        "acts": [{"name": name, "content": encode_acts(act).hex()} for name, act in acts().items()],
        "codec": codec(),
        "devices": devices(),
        "envelopes": envelopes(),
        "comparing": comparing(),
        "frames": [{"name": name, "encoded": encode_frame(frame).hex()} for name, frame in all_frames().items()],
        "invitations": invitations(),
        "keys": keys(),
        "links": links(),
        "mailboxes": mailboxes(),
        "records": records(),
        "resources": resources(),
        "signed": signed(),
    }


def main() -> None:
    for name, content in everything().items():
        (HERE / f"{name}.json").write_text(json.dumps(content, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
