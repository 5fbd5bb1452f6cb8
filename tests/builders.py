"""People and signed records for tests: all real, all the same in every run."""

from dataclasses import dataclass, field

from multichat_tui.crypto.identity import Account, DeviceSecrets, certify, first_device_list
from multichat_tui.crypto.keys import Signer
from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import Act, Create, Message, SetTopic, Style
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import FullItem
from multichat_tui.model.identity import Certificate, DeviceList
from multichat_tui.model.ids import ChannelId, DeviceId, Log, RecordId, UserId, digest
from multichat_tui.model.ports import TimelineEntry
from multichat_tui.model.records import (
    Header,
    Kind,
    Record,
    body_hash,
    decode_record,
    encode_header,
    expected_ets,
    record_id,
    seal_body,
    signed_bytes,
    size_bucket,
)

START_MS = 1_750_000_000_000
"""When everything in tests begins."""


AS_VERSION_1 = (
    "drop table found; drop table found_text; drop table search_backlog; alter table entry drop column place;"
    "drop table reply; drop table reply_backlog; drop table reference; drop table reference_backlog;"
    "alter table record drop column proof;"
    "drop table mailbox_grant; drop table mailbox_queue; drop table mailbox_writer; drop table mailbox_closed;"
    "drop table mailbox_envelope; drop table mailbox_bytes; drop table mailbox_refusal; drop table mailbox_collected;"
    "drop table expiring; drop index record_missing; alter table record drop column absence;"
    "pragma user_version = 1;"
)
"""What takes a database back to how version 1 of the schema wrote it."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account with one device."""

    name: str
    account: Account
    secrets: DeviceSecrets
    certificate: Certificate

    @property
    def user(self) -> UserId:
        return self.certificate.user

    @property
    def device(self) -> DeviceId:
        return self.certificate.device

    @property
    def device_list(self) -> DeviceList:
        return first_device_list(self.account, self.certificate)


def person(name: str, device: int = 0) -> Person:
    """The same name gives the same account, another `device` number another device of it."""
    which = f"{name}/{device}".encode()
    account = Account(digest("mc.test.account", name.encode()))
    secrets = DeviceSecrets(signing_seed=digest("mc.test.device", which), sealing_secret=digest("mc.test.sealing", which))
    return Person(name, account, secrets, certify(account, secrets, digest("mc.test.olm", which), START_MS))


def signed_record(signer: Signer, header: Header, body: bytes) -> Record:
    """A record of exactly this header, whatever it says."""
    header_bytes = encode_header(header)
    identifier = record_id(header_bytes)
    signature = signer.sign(signed_bytes(identifier))
    return Record(header=header, header_bytes=header_bytes, id=identifier, signature=signature, body=body)


def whole(*records: Record) -> tuple[FullItem, ...]:
    """Records as a frame carries them that leaves nothing out."""
    return tuple(FullItem(header_bytes=r.header_bytes, signature=r.signature, body=r.body) for r in records)


def make_record(
    author: Person,
    *,
    kind: Kind,
    channel: ChannelId | None,
    log: Log,
    seq: int,
    prev: RecordId | None,
    parents: tuple[RecordId, ...],
    control_heads: tuple[RecordId, ...],
    timestamp_ms: int,
    ets: int,
    acts: tuple[Act, ...] = (),
    content: bytes | None = None,
    expires_ms: int | None = None,
    recipients: tuple[UserId, ...] | None = None,
    salt: bytes | None = None,
) -> Record:
    """A signed record of exactly these fields. `content` replaces the acts' encoding; a merge may have neither."""
    if content is None:
        content = encode_acts(acts) if acts else b"\xa0"
    place = f"{author.name} {log} {seq} {timestamp_ms}".encode()
    body = seal_body(content, digest("mc.test.salt", place) if salt is None else salt)
    header = Header(
        kind=kind,
        channel=channel,
        log=log,
        device=author.device,
        seq=seq,
        prev=prev,
        parents=tuple(sorted(parents)),
        control_heads=tuple(sorted(control_heads)),
        timestamp_ms=timestamp_ms,
        ets=ets,
        expires_ms=expires_ms,
        recipients=recipients,
        body_hash=body_hash(body),
        body_size_bucket=size_bucket(len(body)),
    )
    made = signed_record(Signer(author.secrets.signing_seed), header, body)
    record = decode_record(made.header_bytes, made.signature, body)
    if isinstance(record, Rejected):
        raise ValueError(f"{record.reason}: {record.detail}")
    return record


def make_root(
    founders: tuple[Person, ...], *, name: str = "harbour", at_ms: int = START_MS, style: Style = Style.GROUP
) -> Record:
    """The root of a group by its first founder; with an empty name and two founders, of a direct conversation."""
    create = Create(
        style=style if name else Style.DIRECT,
        name=name,
        founders=tuple((founder.certificate,) for founder in founders),
        nonce=digest("mc.test.nonce", f"{name} {at_ms} {founders[0].name}".encode()),
    )
    return make_record(
        founders[0],
        kind=Kind.ROOT,
        channel=None,
        log=Log.CONTROL,
        seq=0,
        prev=None,
        parents=(),
        control_heads=(),
        timestamp_ms=at_ms,
        ets=at_ms,
        acts=(create,),
    )


@dataclass
class Talk:
    """A channel in the making: knows every chain's end and the heads, so that each next record fits.

    `records` holds all in causal order, the root first. Time goes on by a second a record unless `at_ms` says otherwise.
    """

    root: Record
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records.append(self.root)

    @classmethod
    def begin(cls, *founders: Person, name: str = "harbour", at_ms: int = START_MS) -> "Talk":
        return cls(make_root(founders, name=name, at_ms=at_ms))

    @property
    def channel(self) -> ChannelId:
        return self.root.channel

    def heads(self, log: Log) -> tuple[RecordId, ...]:
        mine = [record for record in self.records if record.header.log == log]
        cited = {i for record in mine for i in (*record.header.parents, record.header.prev)}
        return tuple(sorted(record.id for record in mine if record.id not in cited))

    def end(self, device: DeviceId, log: Log) -> Record | None:
        """The chain's last record; of a fork, the branch that went on last."""
        chain = [r for r in self.records if r.header.device == device and r.header.log == log]
        return chain[-1] if chain else None

    def say(self, author: Person, text: str, **other: object) -> Record:
        """A message; see `add`."""
        return self.add(author, Message(text=text), **other)

    def set_topic(self, author: Person, topic: str, **other: object) -> Record:
        """A control record; see `add`."""
        return self.add(author, SetTopic(topic=topic), log=Log.CONTROL, **other)

    def add(
        self,
        author: Person,
        *acts: Act,
        log: Log = Log.CONTENT,
        at_ms: int | None = None,
        after: Record | None | str = "end",
        parents: tuple[RecordId, ...] | None = None,
        content: bytes | None = None,
        recipients: tuple[UserId, ...] | None = None,
        expires_ms: int | None = None,
    ) -> Record:
        """The author's next record. `after` another than the chain's end makes a fork; `parents` default to the heads."""
        prev = self.end(author.device, log) if after == "end" else after
        assert prev is None or isinstance(prev, Record)
        parents = self.heads(log) if parents is None else parents
        timestamp_ms = START_MS + 1000 * len(self.records) if at_ms is None else at_ms
        above = (record.header.ets for record in self.records if record.id in parents)
        record = make_record(
            author,
            kind=Kind.CONTROL if log == Log.CONTROL else Kind.CONTENT,
            channel=self.channel,
            log=log,
            seq=0 if prev is None else prev.header.seq + 1,
            prev=None if prev is None else prev.id,
            parents=parents,
            control_heads=() if log == Log.CONTROL else self.heads(Log.CONTROL),
            timestamp_ms=timestamp_ms,
            ets=expected_ets(timestamp_ms, above),
            acts=acts,
            content=content,
            recipients=recipients,
            expires_ms=expires_ms,
        )
        self.records.append(record)
        return record


def entry_of(
    record: Record,
    arrival: int,
    author: Person | None = None,
    *,
    mention: bool = False,
    late: bool = False,
    hidden: bool = False,
    notice: bool = False,
) -> TimelineEntry:
    """The timeline entry of a stored record."""
    return TimelineEntry(
        channel=record.channel,
        id=record.id,
        ets=record.header.ets,
        arrival=arrival,
        user=author.user if author else UserId(digest("mc.test.user", record.header.device)),
        device=record.header.device,
        mention=mention,
        late=late,
        hidden=hidden,
        notice=notice,
    )


def seeded_entropy(seed: str) -> "SeededEntropy":
    return SeededEntropy(seed.encode())


@dataclass
class SeededEntropy:
    """Entropy that is the same in every run: a BLAKE2b counter stream."""

    seed: bytes
    drawn: int = 0

    def __call__(self, count: int) -> bytes:
        stream = b""
        while len(stream) < count:
            stream += digest("mc.test.entropy", self.drawn.to_bytes(8, "big"), self.seed)
            self.drawn += 1
        return stream[:count]
