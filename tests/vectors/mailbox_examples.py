"""Examples of the mailbox protocol, for `make`: frames, a link, a receipt and a proof."""

from typing import Any

from multichat_tui.crypto.keys import Signer, public_key
from multichat_tui.crypto.mailboxes import audit_proof, open_queue, show_grant, show_writer, sign_deposit, take_queue
from multichat_tui.model.limits import MAX_QUEUE_BYTES
from multichat_tui.model.mailbox_frames import (
    AllowWriters,
    Challenge,
    CloseQueue,
    DeleteEnvelopes,
    Deposited,
    Envelopes,
    FetchedEnvelope,
    FetchEnvelopes,
    GrantUsage,
    HasEnvelopes,
    ListedEnvelope,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    MailboxFrame,
    PutEnvelope,
    Word,
)
from multichat_tui.model.mailboxes import MailboxAddress, MailboxGrant, MailboxId, envelope_hash, grant_key_seed, queue_id

NOW_MS = 1_750_000_000_000


def filled(first: int, size: int = 32) -> bytes:
    """Bytes that count up, to tell them apart in a dump."""
    return bytes((first + n) % 256 for n in range(size))


MAILBOX, QUEUE, WRITER, BINDING, SEED = filled(0x11), filled(0x31), filled(0x51), filled(0x71), filled(0x91, 16)
ENVELOPE, NONCE = filled(0xB1, 512), filled(0xD1)
ID = queue_id(public_key(QUEUE))
PREFIX = public_key(WRITER)[:8]
EXPIRES_MS = NOW_MS + 86_400_000


def mailbox_frames() -> dict[str, MailboxFrame]:
    hash = envelope_hash(ENVELOPE)
    receipt = sign_deposit(Signer(MAILBOX), ID, hash, EXPIRES_MS)
    usage = GrantUsage(used_bytes=512, quota_bytes=67_108_864, queues=1, most_queues=256)
    return {
        "mailbox: grant": show_grant(1, SEED, BINDING),
        "mailbox: open": open_queue(2, QUEUE, BINDING, 1_048_576),
        "mailbox: open, with the usual quota": open_queue(2, QUEUE, BINDING, MAX_QUEUE_BYTES),
        "mailbox: take": take_queue(3, QUEUE, BINDING),
        "mailbox: allow": AllowWriters(number=4, queue=ID, allow=((public_key(WRITER), 65_536),), forbid=(filled(0x61, 8),)),
        "mailbox: forbid": AllowWriters(number=5, queue=ID, forbid=(filled(0x61, 8),)),
        "mailbox: write": show_writer(6, WRITER, ID, BINDING),
        "mailbox: put": PutEnvelope(number=7, queue=ID, writer=PREFIX, envelope=ENVELOPE, expires_ms=EXPIRES_MS),
        "mailbox: list": ListEnvelopes(number=8, queue=ID, after=0, limit=1024),
        "mailbox: subscribe": ListEnvelopes(number=9, queue=ID, after=7, limit=0, subscribe=True),
        "mailbox: fetch": FetchEnvelopes(number=10, queue=ID, serials=(8, 9)),
        "mailbox: delete": DeleteEnvelopes(number=11, queue=ID, serials=(8,)),
        "mailbox: close": CloseQueue(number=12, queue=ID),
        "mailbox: challenge": Challenge(number=13, queue=ID, envelope=hash, nonce=NONCE),
        "mailbox: has": HasEnvelopes(number=14, queue=ID, envelopes=(hash, filled(0xE1))),
        "mailbox: deposited": Deposited(number=7, receipts=(receipt,)),
        "mailbox: deposited and collected": Deposited(number=14, receipts=(receipt,), collected=(filled(0xE1),)),
        "mailbox: listing": Listing(
            number=8,
            queue=ID,
            envelopes=(ListedEnvelope(serial=8, envelope=hash, size=512, writer=PREFIX, stored_ms=NOW_MS),),
            more=True,
        ),
        "mailbox: envelopes": Envelopes(
            number=10, queue=ID, envelopes=(FetchedEnvelope(serial=8, writer=PREFIX, envelope=ENVELOPE),), following=1
        ),
        "mailbox: done": MailboxAnswer(number=11, word=Word.DONE),
        "mailbox: usage": MailboxAnswer(number=1, word=Word.DONE, usage=usage),
        "mailbox: busy": MailboxAnswer(number=7, word=Word.BUSY, retry_after_ms=30_000),
        "mailbox: proof": MailboxAnswer(number=13, word=Word.DONE, proof=audit_proof(NONCE, ENVELOPE)),
    }


def mailboxes() -> dict[str, Any]:
    addresses = ("203.0.113.5:4700", "[2001:db8::5]:4700")
    address = MailboxAddress(mailbox=MailboxId(public_key(MAILBOX)), door_key=filled(0x21), addresses=addresses)
    grant = MailboxGrant(address=address, seed=SEED)
    hash = envelope_hash(ENVELOPE)
    return {
        "link": {
            "text": grant.link,
            "mailbox": address.mailbox.hex(),
            "door_key": address.door_key.hex(),
            "addresses": list(addresses),
            "seed": SEED.hex(),
            "grant": public_key(grant_key_seed(SEED)).hex(),
        },
        "deposit": {
            "mailbox_seed": MAILBOX.hex(),
            "queue_key": public_key(QUEUE).hex(),
            "queue": ID.hex(),
            "envelope": ENVELOPE.hex(),
            "hash": hash.hex(),
            "expires_ms": EXPIRES_MS,
            "signature": sign_deposit(Signer(MAILBOX), ID, hash, EXPIRES_MS).signature.hex(),
            "nonce": NONCE.hex(),
            "proof": audit_proof(NONCE, ENVELOPE).hex(),
        },
    }
