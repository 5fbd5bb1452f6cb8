"""Control logs told by hand: real records of real people, each on top of what its author had seen, played in several orders of
arrival, which must all come to the same."""

import random
from dataclasses import dataclass, field

from builders import START_MS, Person, make_record, make_root, person
from slow_authority import Slow

from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.counting import counts
from multichat_tui.channel.operations import Operation
from multichat_tui.crypto.identity import device_list_holds, join_holds, sign_device_list, sign_join
from multichat_tui.crypto.keys import public_key
from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import Act, Admit, Devices, Invite, Message, Tip
from multichat_tui.model.ids import ChannelId, Log, RecordId, digest
from multichat_tui.model.invitations import join_seed, token_key
from multichat_tui.model.limits import SALT_BYTES
from multichat_tui.model.ranks import MEMBER
from multichat_tui.model.records import Header, Kind, Record

ORDERS = 4
"""Of arrival, by chance, beside that in which a story was told."""


def acts_of(record: Record) -> tuple[Act, ...]:
    acts = decode_acts((record.body or b"")[SALT_BYTES:], Log.CONTROL)
    assert isinstance(acts, tuple)
    return acts


@dataclass
class Story:
    """`after` names what an author had seen: these records and all before them; everything so far if it is left out. Whoever has
    written more than they admit to have seen goes on from there: their chain has a fork then."""

    founders: tuple[Person, ...]
    records: list[Record] = field(default_factory=list)
    _seeds: dict[RecordId, bytes] = field(default_factory=dict)
    _ends: dict[tuple[bytes, Log], Record] = field(default_factory=dict)
    _clock: int = START_MS

    def __post_init__(self) -> None:
        self.records.append(make_root(self.founders, name="dev"))

    @property
    def root(self) -> Record:
        return self.records[0]

    @property
    def channel(self) -> ChannelId:
        return ChannelId(self.root.id)

    # Writing

    def write(self, author: Person, *acts: Act, after: tuple[Record, ...] | None = None, least: bytes | None = None) -> Record:
        """With `least`, the author tries until the record's id is smaller than that."""
        seen = self._seen(self.records if after is None else after)
        mine = [record for record in self.records if record.id in seen and record.header.device == author.device]
        prev = mine[-1] if mine else None
        cited = {each for record in self.records if record.id in seen for each in record.header.dependencies}
        while True:
            record = self._made(author, Log.CONTROL, acts, prev, tuple(sorted(seen - cited)), ())
            if least is None or record.id < least:
                self.records.append(record)
                return record

    def invite(self, author: Person, rank: int = MEMBER, uses: int = 1, after: tuple[Record, ...] | None = None) -> Record:
        seed = digest("mc.test.seed", str(len(self.records)).encode())[:16]
        keys = {"join_key": public_key(join_seed(seed)), "token_key": token_key(seed)}
        record = self.write(author, Invite(rank=rank, uses=uses, expires_ms=START_MS * 2, **keys), after=after)
        self._seeds[record.id] = seed
        return record

    def join_key(self, invitation: Record) -> bytes:
        """The public key that an invitation goes by."""
        return public_key(join_seed(self._seeds[invitation.id]))

    def join(self, joiner: Person, invitation: Record) -> Admit:
        """What somebody who joins by an invitation has signed, in the hands of who lets them in."""
        seed = join_seed(self._seeds[invitation.id])
        return Admit(
            join=sign_join(joiner.secrets, seed, self.channel, joiner.certificate, joiner.name, START_MS).encoded,
        )

    def admit(
        self,
        author: Person,
        joiner: Person,
        invitation: Record,
        after: tuple[Record, ...] | None = None,
        least: bytes | None = None,
    ) -> Record:
        return self.write(author, self.join(joiner, invitation), after=after, least=least)

    def seat(self, joiner: Person, rank: int = MEMBER) -> Record:
        """The first founder invites and lets in somebody."""
        return self.admit(self.founders[0], joiner, self.invite(self.founders[0], rank))

    def say(self, author: Person, *heads: Record) -> Header:
        """A message by somebody who has seen these control records and all before them."""
        prev = self._ends.get((author.device, Log.CONTENT))
        record = self._made(author, Log.CONTENT, (Message(text="hi"),), prev, (), tuple(head.id for head in heads))
        self._ends[author.device, Log.CONTENT] = record
        return record.header

    def _made(
        self,
        author: Person,
        log: Log,
        acts: tuple[Act, ...],
        prev: Record | None,
        parents: tuple[RecordId, ...],
        heads: tuple[RecordId, ...],
    ) -> Record:
        self._clock += 1
        return make_record(
            author,
            kind=Kind.CONTROL if log is Log.CONTROL else Kind.CONTENT,
            channel=self.channel,
            log=log,
            seq=0 if prev is None else prev.header.seq + 1,
            prev=None if prev is None else prev.id,
            parents=parents,
            control_heads=heads,
            timestamp_ms=self._clock,
            ets=self._clock,
            acts=acts,
        )

    def _seen(self, heads: list[Record] | tuple[Record, ...]) -> set[RecordId]:
        by_id = {record.id: record for record in self.records}
        found: set[RecordId] = set()
        waiting = [head.id for head in heads] or [self.root.id]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += by_id[each].header.dependencies
        return found

    # What comes out

    def played(self, *contents: tuple[Header, Person]) -> ControlLog:
        """The log in the order in which it was told, after it was found to be the same in others, where every record tells the
        same as all at once, and in the slow and obvious way."""
        first = self._log(self.records)
        told = self._told(first, contents)
        for number in range(ORDERS):
            assert self._told(self._log(self._shuffled(random.Random(number))), contents) == told
        return first

    def counted(self, *contents: tuple[Header, Person]) -> list[bool]:
        log = self.played(*contents)
        return [counts(log, header, author.user) for header, author in contents]

    def _log(self, records: list[Record]) -> ControlLog:
        log = ControlLog(self.channel, join_holds, device_list_holds)
        for record in records:
            log.add(record, acts_of(record))
            assert log.view == log.resolved_from_nothing()
        operations = [log.operation(record.id) for record in records]
        found = [operation for operation in operations if isinstance(operation, Operation)]
        slow = Slow(found).resolve((1 << len(found)) - 1)
        assert slow.directory() == {channel: listing.name for channel, (_, listing) in log.view.directory.items()}
        assert {records[index].id for index in slow.levels} == {record.id for record in records if log.effective(record.id)}
        return log

    def _shuffled(self, chance: random.Random) -> list[Record]:
        """Another order in which all comes after what it follows from; the root is what a log begins with."""
        waiting, done, order = self.records[1:], {self.root.id}, [self.root]
        while waiting:
            record = chance.choice([each for each in waiting if done.issuperset(each.header.dependencies)])
            waiting.remove(record)
            done.add(record.id)
            order.append(record)
        return order

    def _told(self, log: ControlLog, contents: tuple[tuple[Header, Person], ...]) -> tuple[object, ...]:
        """What a view says, without the numbers that depend on the order of arrival."""
        view = log.view
        return (
            view.name,
            view.topic,
            {user: log.records_by_index(began) for user, began in view.members.items()},
            view.ranks,
            view.thresholds,
            {user: [(log.records_by_index(ban.operation), ban.level) for ban in bans] for user, bans in view.bans.items()},
            [(log.records_by_index(ending.operation), ending.user, ending.fence) for ending in view.endings],
            [(log.records_by_index(each.operation), each.user, each.rank, each.fence) for each in view.rankings],
            [(log.records_by_index(each.operation), each.permission, each.rank, each.fence) for each in view.rulings],
            {record.id for record in self.records if log.effective(record.id)},
            {record.id: log.verdict(record.id) for record in self.records if log.reverted(record.id)},
            {name: (state.used_by, state.closed) for name, state in view.invitations.items()},
            {
                device: {(log.records_by_index(each.operation), each.author, each.level, each.fence) for each in found}
                for device, found in view.revocations.items()
            },
            view.settings,
            [(log.records_by_index(each.operation), each.key, each.value, each.fence) for each in view.halts],
            [(petition.user, petition.join.join_key) for petition in log.waiting()],
            {channel: (log.records_by_index(index), act) for channel, (index, act) in view.directory.items()},
            [counts(log, header, author.user) for header, author in contents],
        )


def second_device(owner: Person) -> Person:
    return person(owner.name, 1)


def listing(owner: Person, *revoked: Person) -> Devices:
    """Both devices of somebody, of which some are revoked."""
    certificates = (owner.certificate, second_device(owner).certificate)
    listed = sign_device_list(owner.account, None, certificates, tuple(each.device for each in revoked))
    return Devices(devices=listed.encoded)


def fence(*last: Header) -> tuple[Tip, ...]:
    """Up to and with these."""
    return tuple(Tip(device=each.device, log=each.log, seq=each.seq, hash=bytes(32)) for each in last)
