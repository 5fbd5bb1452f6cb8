"""Devices in the control log: certified and revoked by lists, and what of a revoked device's content counts."""

from builders import Person, make_record, make_root, person

from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.counting import counts
from multichat_tui.crypto.identity import device_list_holds, join_holds, sign_device_list, sign_join
from multichat_tui.crypto.keys import public_key
from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import Act, Admit, Devices, Invite, Message, SetTopic, Tip
from multichat_tui.model.ids import ChannelId, Log, RecordId
from multichat_tui.model.invitations import join_seed, token_key
from multichat_tui.model.limits import SALT_BYTES
from multichat_tui.model.ranks import Permission
from multichat_tui.model.records import Header, Kind, Record

ANN, BOB, EVE = person("ann"), person("bob"), person("eve")
SECOND = person("bob", 1)
SEED = b"s" * 16
AT_MS = 1_750_000_000_000


class Founded:
    """A control log of ann (its founder), bob and eve, and content of bob's devices."""

    def __init__(self) -> None:
        self.root = make_root((ANN,), name="dev")
        self.control = ControlLog(ChannelId(self.root.id), join_holds, device_list_holds)
        self.ends: dict[tuple[bytes, Log], Record] = {(ANN.device, Log.CONTROL): self.root}
        self.control.add(self.root, _acts(self.root))
        self.head = self.root.id
        self.write(
            ANN, Invite(join_key=public_key(join_seed(SEED)), token_key=token_key(SEED), rank=0, uses=2, expires_ms=AT_MS * 2)
        )
        for joiner in (BOB, EVE):
            join = sign_join(joiner.secrets, join_seed(SEED), ChannelId(self.root.id), joiner.certificate, joiner.name, AT_MS)
            self.write(ANN, Admit(join=join.encoded))

    def write(self, author: Person, act: Act, parent: RecordId | None = None) -> Record:
        """On top of everything, or of one record."""
        record = self._record(author, Log.CONTROL, act, (self.head if parent is None else parent,), ())
        self.control.add(record, (act,))
        if parent is None:
            self.head = record.id
        return record

    def say(self, author: Person, heads: RecordId | None = None) -> Header:
        record = self._record(author, Log.CONTENT, Message(text="hi"), (), (self.head if heads is None else heads,))
        return record.header

    def _record(self, author: Person, log: Log, act: Act, parents: tuple[RecordId, ...], heads: tuple[RecordId, ...]) -> Record:
        prev = self.ends.get((author.device, log))
        record = make_record(
            author,
            kind=Kind.CONTROL if log is Log.CONTROL else Kind.CONTENT,
            channel=ChannelId(self.root.id),
            log=log,
            seq=0 if prev is None else prev.header.seq + 1,
            prev=None if prev is None else prev.id,
            parents=parents,
            control_heads=heads,
            timestamp_ms=AT_MS + len(self.ends),
            ets=AT_MS + len(self.ends),
            acts=(act,),
        )
        self.ends[author.device, log] = record
        return record


def _acts(record: Record) -> tuple[Act, ...]:
    acts = decode_acts((record.body or b"")[SALT_BYTES:], Log.CONTROL)
    assert isinstance(acts, tuple)
    return acts


def listed(owner: Person, *revoked: Person, also: tuple[Person, ...] = (SECOND,)) -> bytes:
    certificates = (owner.certificate, *(p.certificate for p in also))
    return sign_device_list(owner.account, None, certificates, tuple(p.device for p in revoked)).encoded


def fence(person_: Person, seq: int) -> tuple[Tip, ...]:
    return (Tip(device=person_.device, log=Log.CONTENT, seq=seq, hash=bytes(32)),)


def test_a_list_makes_a_members_second_device_known_whoever_brings_it() -> None:
    log = Founded()
    log.write(EVE, Devices(devices=listed(BOB)))
    assert log.control.user_of(SECOND.device) == BOB.user
    assert counts(log.control, log.say(SECOND), BOB.user)
    topic = log.write(SECOND, SetTopic(topic="from the second device"))
    assert log.control.effective(topic.id)


def test_a_list_of_a_stranger_changes_nothing() -> None:
    log = Founded()
    stranger = person("stranger")
    record = log.write(EVE, Devices(devices=listed(stranger, also=())))
    assert not log.control.effective(record.id)
    assert log.control.user_of(stranger.device) is None


def test_a_list_with_a_wrong_signature_changes_nothing() -> None:
    log = Founded()
    forged = bytearray(listed(BOB))
    forged[-1] ^= 1
    record = log.write(EVE, Devices(devices=bytes(forged)))
    assert not log.control.effective(record.id)
    assert log.control.user_of(SECOND.device) is None


def test_a_list_revokes_no_device_of_another_account() -> None:
    log = Founded()
    mallory = sign_device_list(EVE.account, None, (EVE.certificate,), (BOB.device,))
    log.write(EVE, Devices(devices=mallory.encoded))
    assert not log.control.view.revocations
    assert counts(log.control, log.say(BOB), BOB.user)


def test_what_counted_when_it_was_asked_first_does_not_once_its_device_is_revoked() -> None:
    log = Founded()
    first, second = log.say(BOB), log.say(BOB)
    assert counts(log.control, first, BOB.user)
    assert counts(log.control, second, BOB.user)
    log.write(EVE, Devices(devices=listed(BOB, BOB), fence=fence(BOB, 0)))
    assert counts(log.control, first, BOB.user)
    assert not counts(log.control, second, BOB.user)


def test_content_counts_for_the_rights_that_it_needs_and_not_for_those_of_others() -> None:
    log = Founded()
    said = log.say(BOB)
    assert counts(log.control, said, BOB.user)
    assert not counts(log.control, said, BOB.user, needed=frozenset({Permission.MODERATE}))
    assert counts(log.control, log.say(ANN), ANN.user, needed=frozenset({Permission.MODERATE}))


def test_of_a_revoked_device_counts_what_lies_within_the_fence_and_did_not_know_better() -> None:
    log = Founded()
    before = log.head
    first, second = log.say(BOB), log.say(BOB)
    log.write(EVE, Devices(devices=listed(BOB, BOB), fence=fence(BOB, 0)))
    assert counts(log.control, first, BOB.user)
    assert not counts(log.control, second, BOB.user)
    assert not counts(log.control, log.say(BOB, before), BOB.user)
    assert not counts(log.control, log.say(BOB), BOB.user)
    topic = log.write(BOB, SetTopic(topic="still me"))
    assert not log.control.effective(topic.id)
    assert counts(log.control, log.say(SECOND), BOB.user)


def test_what_a_device_does_beside_its_revocation_has_no_effect() -> None:
    log = Founded()
    before = log.head
    log.write(EVE, Devices(devices=listed(BOB, BOB)))
    topic = log.write(BOB, SetTopic(topic="had not seen it"), before)
    assert not log.control.effective(topic.id)


def test_a_fence_drawn_too_low_by_a_member_is_corrected_by_the_account_and_by_a_founder() -> None:
    log = Founded()
    headers = [log.say(BOB) for _ in range(3)]

    def counted() -> list[bool]:
        return [counts(log.control, header, BOB.user) for header in headers]

    before = log.head
    log.write(EVE, Devices(devices=listed(BOB, BOB), fence=()))
    assert counted() == [False, False, False]
    log.write(ANN, Devices(devices=listed(BOB, BOB), fence=fence(BOB, 0)), before)
    assert counted() == [True, False, False]
    log.write(SECOND, Devices(devices=listed(BOB, BOB), fence=fence(BOB, 1)))
    assert counted() == [True, True, False]
