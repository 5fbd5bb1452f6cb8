"""Making and checking accounts, devices and what they sign. All secrets come from the recovery phrase or from entropy."""

import difflib

from mnemonic import Mnemonic

from multichat_tui.crypto.keys import Signer, public_key, sealing_public_key, sign, verify
from multichat_tui.model.acts import Create
from multichat_tui.model.codec import encode
from multichat_tui.model.device_statements import (
    Audience,
    DeviceStatement,
    DeviceStatementKind,
    decode_device_statement,
    device_statement_body,
    device_statement_signed_bytes,
)
from multichat_tui.model.identity import (
    MAX_DEVICES,
    Certificate,
    DeviceList,
    certificate_body,
    certificate_signed_bytes,
    decode_certificate,
    decode_device_list,
    device_list_body,
    device_list_signed_bytes,
)
from multichat_tui.model.ids import ChannelId, DeviceId, UserId, digest, user_id
from multichat_tui.model.joins import Join, decode_join, join_body, join_signed_bytes
from multichat_tui.model.receipts import HeldChain, Receipt, decode_receipt, receipt_body, receipt_signed_bytes
from multichat_tui.model.statements import (
    Profile,
    Statement,
    StatementKind,
    decode_statement,
    encode_profile,
    statement_body,
    statement_signed_bytes,
)
from multichat_tui.model.values import dataclass

PHRASE_WORDS = 24
ENTROPY_BYTES = 32
"""What the recovery phrase of 24 words holds (BIP 39)."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account's secrets. Opened only to create it and to change its devices."""

    entropy: bytes

    def __repr__(self) -> str:
        return "Account(…)"

    @property
    def seed(self) -> bytes:
        return digest("mc.acctsig", self.entropy)

    @property
    def key(self) -> bytes:
        return public_key(self.seed)

    @property
    def sealing_secret(self) -> bytes:
        return digest("mc.acctdh", self.entropy)

    @property
    def user(self) -> UserId:
        return user_id(self.key)

    @property
    def return_key(self) -> bytes:
        """What contacts know a returning device by: handed to them, and derived again from the phrase
        (docs/protocol/introductions.md, section 11)."""
        return digest("mc.return", self.entropy)

    @property
    def phrase(self) -> str:
        """Twenty-four English words."""
        return str(Mnemonic("english").to_mnemonic(self.entropy))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSecrets:
    """A device's secrets: 32-byte Ed25519 seed and X25519 secret. The Olm account is pickled elsewhere."""

    signing_seed: bytes
    sealing_secret: bytes

    def __repr__(self) -> str:
        return "DeviceSecrets(…)"

    @property
    def device(self) -> DeviceId:
        return DeviceId(public_key(self.signing_seed))


def account_from_phrase(phrase: str) -> Account | None:
    """The account of a recovery phrase; None if a word or the checksum is wrong. White space and case do not matter."""
    words = " ".join(phrase.lower().split())
    mnemonic = Mnemonic("english")
    if len(words.split()) != 24 or not mnemonic.check(words):
        return None
    return Account(bytes(mnemonic.to_entropy(words)))


def read_phrase(phrase: str) -> Account | str:
    """The account of a recovery phrase, or what is wrong with it, in words. The words themselves are repeated only where they are
    in no list. White space and case do not matter."""
    words = phrase.lower().split()
    if len(words) != PHRASE_WORDS:
        return f"A recovery phrase has {PHRASE_WORDS} words; this has {len(words)}."
    mnemonic = Mnemonic("english")
    known = set(mnemonic.wordlist)
    for number, word in enumerate(words, 1):
        if word not in known:
            close = difflib.get_close_matches(word, mnemonic.wordlist, n=1, cutoff=0.5)
            hint = f" Is it {close[0]!r}?" if close else ""
            return f"Word {number}, {word[:20]!r}, is not in the list of words.{hint}"
    account = account_from_phrase(" ".join(words))
    return account or "All words are in the list, but they do not belong together: one is another word, or two are exchanged."


def certify(account: Account, secrets: DeviceSecrets, olm_key: bytes, created_ms: int) -> Certificate:
    body = certificate_body(
        account_key=account.key,
        device=secrets.device,
        sealing_key=sealing_public_key(secrets.sealing_secret),
        olm_key=olm_key,
        created_ms=created_ms,
    )
    signed = certificate_signed_bytes(body)
    certificate = decode_certificate(encode([body, sign(account.seed, signed), sign(secrets.signing_seed, signed)]))
    assert isinstance(certificate, Certificate)
    return certificate


def first_device_list(account: Account, certificate: Certificate) -> DeviceList:
    return sign_device_list(account, None, (certificate,), ())


def sign_device_list(
    account: Account, previous: DeviceList | None, certificates: tuple[Certificate, ...], revoked: tuple[DeviceId, ...]
) -> DeviceList:
    """The list that follows `previous`; without one, the account's first."""
    body = device_list_body(
        account_key=account.key,
        account_sealing_key=sealing_public_key(account.sealing_secret),
        number=0 if previous is None else previous.number + 1,
        previous=bytes(32) if previous is None else previous.digest,
        certificates=certificates,
        revoked=revoked,
    )
    devices = decode_device_list(encode([body, sign(account.seed, device_list_signed_bytes(body))]))
    assert isinstance(devices, DeviceList)
    return devices


def joined_device_list(
    account: Account, lists: tuple[DeviceList, ...], mine: Certificate | None, revoke: tuple[DeviceId, ...]
) -> DeviceList:
    """The list after these: what they all hold, and `mine`, with `revoke` revoked. Of more devices than a list has room for,
    revoked ones are left out first, the oldest before the others."""
    base = max(lists, key=lambda listed: (listed.number, listed.digest))
    certificates = {c.device: c for listed in lists for c in listed.certificates}
    if mine is not None:
        certificates[mine.device] = mine
    revoked = {device for listed in lists for device in listed.revoked} | set(revoke)
    kept = sorted(certificates.values(), key=lambda c: (c.device in revoked, -c.created_ms, c.device))[:MAX_DEVICES]
    chosen = tuple(sorted(kept, key=lambda c: (c.created_ms, c.device)))
    named = {c.device for c in chosen}
    return sign_device_list(account, base, chosen, tuple(sorted(revoked & named)))


def certificate_holds(certificate: Certificate) -> bool:
    """By the account's key and by the device's own."""
    signed = certificate_signed_bytes(certificate.body)
    return verify(certificate.account_key, signed, certificate.signature) and verify(
        certificate.device, signed, certificate.device_signature
    )


def founders_hold(create: Create) -> bool:
    """Whether every device that a root names as a founder's is one: else anybody could found channels in anybody's name."""
    return all(certificate_holds(certificate) for founder in create.founders for certificate in founder)


def device_list_holds(devices: DeviceList) -> bool:
    return verify(devices.account_key, device_list_signed_bytes(devices.body), devices.signature) and all(
        certificate_holds(certificate) for certificate in devices.certificates
    )


def sign_profile(secrets: DeviceSecrets, user: UserId, number: int, profile: Profile) -> Statement:
    body = statement_body(
        user=user, kind=StatementKind.PROFILE, device=secrets.device, number=number, content=encode_profile(profile)
    )
    statement = decode_statement(encode([body, sign(secrets.signing_seed, statement_signed_bytes(body))]))
    assert isinstance(statement, Statement)
    return statement


def sign_statement(secrets: DeviceSecrets, user: UserId, kind: StatementKind, number: int, content: bytes) -> Statement | None:
    """None: it would be longer than a statement may be."""
    body = statement_body(user=user, kind=kind, device=secrets.device, number=number, content=content)
    statement = decode_statement(encode([body, sign(secrets.signing_seed, statement_signed_bytes(body))]))
    return statement if isinstance(statement, Statement) else None


def statement_holds(statement: Statement) -> bool:
    """By its own device's key; whether that is a device of the user is for the caller to check. A closing is signed by the
    account's key, and by no other."""
    if statement.kind == StatementKind.CLOSED and user_id(statement.device) != statement.user:
        return False
    return verify(statement.device, statement_signed_bytes(statement.body), statement.signature)


def sign_closing(account: Account, now_ms: int) -> Statement:
    """The account is closed. Signed by its own key, which stands where other statements name a device."""
    body = statement_body(
        user=account.user, kind=StatementKind.CLOSED, device=DeviceId(account.key), number=now_ms, content=encode({0: now_ms})
    )
    statement = decode_statement(encode([body, sign(account.seed, statement_signed_bytes(body))]))
    assert isinstance(statement, Statement)
    return statement


def claim_signed_bytes(claim: bytes) -> bytes:
    return b"multichat claim 1\0" + claim


def sign_claim(signer: Signer, claim: bytes) -> bytes:
    """A device says in a comparison that it is the one at this end; `claim` is `sas.Agreed.claim`."""
    return signer.sign(claim_signed_bytes(claim))


def claim_holds(device: DeviceId, claim: bytes, signature: bytes) -> bool:
    return verify(device, claim_signed_bytes(claim), signature)


def sign_receipt(signer: Signer, channel: ChannelId, device: DeviceId, number: int, chains: tuple[HeldChain, ...]) -> Receipt:
    body = receipt_body(channel=channel, device=device, number=number, chains=chains)
    receipt = decode_receipt(encode([body, signer.sign(receipt_signed_bytes(body))]))
    assert isinstance(receipt, Receipt)
    return receipt


def receipt_holds(receipt: Receipt) -> bool:
    """By its own device's key; whether that is a device of the channel is for the caller to check."""
    return verify(receipt.device, receipt_signed_bytes(receipt.body), receipt.signature)


def sign_device_statement(
    signer: Signer, device: DeviceId, audience: Audience, kind: DeviceStatementKind, number: int, content: bytes
) -> DeviceStatement:
    """The caller keeps `content` well below MAX_DEVICE_STATEMENT_BYTES."""
    body = device_statement_body(audience=audience, device=device, kind=kind, number=number, content=content)
    statement = decode_device_statement(encode([body, signer.sign(device_statement_signed_bytes(body))]))
    assert isinstance(statement, DeviceStatement)
    return statement


def device_statement_holds(statement: DeviceStatement) -> bool:
    """By its own device's key; whether that is one that may speak to this audience is for the caller to check."""
    return verify(statement.device, device_statement_signed_bytes(statement.body), statement.signature)


def sign_join(
    secrets: DeviceSecrets, invitation_seed: bytes, channel: ChannelId, certificate: Certificate, name: str, now_ms: int
) -> Join:
    """`invitation_seed` is `invitations.join_seed` of the link's seed."""
    body = join_body(
        channel=channel, join_key=public_key(invitation_seed), certificate=certificate, name=name, timestamp_ms=now_ms
    )
    signed = join_signed_bytes(body)
    join = decode_join(encode([body, sign(invitation_seed, signed), sign(secrets.signing_seed, signed)]))
    assert isinstance(join, Join)
    return join


def join_holds(join: Join) -> bool:
    signed = join_signed_bytes(join.body)
    return (
        certificate_holds(join.certificate)
        and verify(join.join_key, signed, join.join_signature)
        and verify(join.certificate.device, signed, join.device_signature)
    )


def safety_number(one: UserId, other: UserId) -> str:
    """Sixty digits in groups of five, the same for both: twelve groups from a hash over the sorted user ids.

    The construction of groups (five digits from 40 bits each) follows Signal's numeric fingerprint; the hash is ours.
    """
    low, high = sorted((one, other))
    first = digest("mc.safety", low + high, b"\0")
    second = digest("mc.safety", low + high, b"\1")
    stream = first[:30] + second[:30]
    groups = (int.from_bytes(stream[i : i + 5], "big") % 100_000 for i in range(0, 60, 5))
    return " ".join(f"{group:05d}" for group in groups)
