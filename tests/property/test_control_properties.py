"""The control log's authority: the same from any order of arrival, and told the same step by step as all at once."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from builders import Person, make_record, make_root, person
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from multichat_tui.channel import control
from multichat_tui.channel.authority import Authority
from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.counting import counts
from multichat_tui.channel.view import View
from multichat_tui.channel.viewing import viewed
from multichat_tui.crypto.identity import device_list_holds, join_holds, sign_device_list, sign_join
from multichat_tui.crypto.keys import public_key
from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import (
    Act,
    Admit,
    Ban,
    CloseInvitation,
    Devices,
    Invite,
    Leave,
    Mark,
    Message,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    SetTopic,
    Tip,
    Unban,
    WideFence,
)
from multichat_tui.model.codec import Rejected
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log, RecordId, UserId
from multichat_tui.model.invitations import join_seed, token_key
from multichat_tui.model.limits import SALT_BYTES
from multichat_tui.model.ranks import ADMIN, MEMBER, MODERATOR, MUTED, Permission
from multichat_tui.model.ranks import FOUNDER as FOUNDER_RANK
from multichat_tui.model.records import Header, Kind, Record

START_MS = 1_750_000_000_000
FOUNDER = person("founder")
OTHERS = tuple(person(f"member {number}") for number in range(5))
SECOND = {p.user: person(p.name, 1) for p in (FOUNDER, *OTHERS)}
"""A second device of each account."""


@dataclass
class History:
    """A control log written by several hands, each of which sees a random part of it."""

    random: random.Random
    records: list[Record] = field(default_factory=list)
    ends: dict[bytes, Record] = field(default_factory=dict)
    invitations: list[tuple[RecordId, bytes]] = field(default_factory=list)
    forking: bool = False
    """Authors write on top of earlier records of theirs, too."""

    @property
    def channel(self) -> ChannelId:
        return ChannelId(self.records[0].id)

    def write(self, author: Person, seen: set[RecordId], acts: tuple[Act, ...]) -> Record:
        """On top of what the author has seen, and of their own chain."""
        prev = self.ends.get(author.device)
        if prev is not None and self.forking and self.random.random() < 0.3:
            # Another branch: on top of something earlier of one's own, or of nothing.
            mine = [record for record in self.records if record.header.device == author.device]
            prev = self.random.choice(mine if author is FOUNDER else [None, *mine])
        seen = set(seen)
        if prev is not None:
            seen |= past(self.records, prev.id)
        by_id = {record.id: record for record in self.records}
        covered = {d for i in seen for d in by_id[i].header.dependencies}
        heads = tuple(sorted(seen - covered))[:16]
        record = make_record(
            author,
            kind=Kind.CONTROL,
            channel=self.channel,
            log=Log.CONTROL,
            seq=0 if prev is None else prev.header.seq + 1,
            prev=None if prev is None else prev.id,
            parents=heads,
            control_heads=(),
            timestamp_ms=START_MS + len(self.records),
            ets=START_MS + len(self.records),
            acts=acts,
        )
        self.records.append(record)
        self.ends[author.device] = record
        return record

    def some_view(self) -> set[RecordId]:
        """The past of one or two random records: what somebody may have seen, perhaps long ago."""
        chosen = self.random.choices(self.records, k=self.random.choice((1, 1, 2)))
        return set().union(*(past(self.records, record.id) for record in chosen))


def past(records: list[Record], identifier: RecordId) -> set[RecordId]:
    """A record and everything before it."""
    by_id = {record.id: record for record in records}
    found: set[RecordId] = set()
    stack = [identifier]
    while stack:
        current = stack.pop()
        if current not in found:
            found.add(current)
            stack.extend(by_id[current].header.dependencies)
    return found


def acts_of(record: Record) -> tuple[Act, ...]:
    acts = decode_acts((record.body or b"")[SALT_BYTES:], Log.CONTROL)
    assert not isinstance(acts, Rejected)
    return acts


def log_of(records: list[Record]) -> ControlLog:
    log = ControlLog(ChannelId(records[0].id), join_holds, device_list_holds)
    for record in records:
        log.add(record, acts_of(record))
    return log


def generate(seed: int, steps: int, *, forking: bool = False) -> History:
    history = History(random.Random(seed), forking=forking)
    root = make_root((FOUNDER,), name="dev")
    history.records.append(root)
    history.ends[FOUNDER.device] = root
    for _ in range(steps):
        propose(history)
    return history


def propose(history: History) -> None:
    """Pick a kind of act first, then somebody who could do it in the view that they have."""
    chance = history.random
    seen = history.some_view()
    log = log_of([record for record in history.records if record.id in seen])
    members = [p for p in (FOUNDER, *OTHERS, *SECOND.values()) if p.device in log.certificates]
    author = chance.choice(members)
    kinds = {"invite": 3, "join": 6, "remove": 2, "leave": 1, "close": 1, "topic": 1, "rename": 1, "devices": 4}
    kinds |= {"rank": 4, "ban": 2, "unban": 1, "threshold": 1}
    kind = chance.choices(tuple(kinds), tuple(kinds.values()))[0]
    match kind:
        case "invite":
            seed = chance.randbytes(16)
            invite = Invite(
                join_key=public_key(join_seed(seed)),
                token_key=token_key(seed),
                rank=chance.choice((MEMBER, MEMBER, MODERATOR)),
                uses=chance.choice((1, 1, 2, 3)),
                expires_ms=START_MS * 2,
            )
            record = history.write(author, seen, (invite,))
            history.invitations.append((record.id, seed))
        case "join":
            known = [entry for entry in history.invitations if entry[0] in seen]
            if known:
                _, seed = chance.choice(known)
                joiner = chance.choice(OTHERS)
                join = sign_join(joiner.secrets, join_seed(seed), history.channel, joiner.certificate, joiner.name, START_MS)
                history.write(author, seen, (Admit(join=join.encoded),))
        case "remove":
            target = chance.choice(OTHERS)
            history.write(author, seen, (Remove(user=target.user, fence=_fence(history, target, seen)),))
        case "rank":
            target, rank = chance.choice(OTHERS), chance.choice((ADMIN, MODERATOR, MEMBER, MUTED))
            history.write(author, seen, (SetRank(user=target.user, rank=rank, fence=_fence(history, target, seen)),))
        case "ban":
            target = chance.choice(OTHERS)
            history.write(author, seen, (Ban(user=target.user, fence=_fence(history, target, seen)),))
        case "unban":
            history.write(author, seen, (Unban(user=chance.choice(OTHERS).user),))
        case "threshold":
            permission = chance.choice((Permission.SEND, Permission.TOPIC, Permission.INVITE))
            rank = chance.choice((MEMBER, MODERATOR))
            history.write(author, seen, (SetThreshold(permission=permission, rank=rank, fence=_wide_fence(history)),))
        case "leave":
            history.write(author, seen, (Leave(),))
        case "close":
            if history.invitations:
                record_id, _ = chance.choice(history.invitations)
                history.write(author, seen, (CloseInvitation(invitation=record_id, index=0),))
        case "devices":
            target = chance.choice((FOUNDER, *OTHERS))
            history.write(author, seen, (_some_devices(history, target, seen),))
        case "topic":
            history.write(author, seen, (SetTopic(topic=f"topic {len(history.records)}"),))
        case _:
            history.write(author, seen, (Rename(name=f"name {len(history.records)}"),))


def _fence(history: History, target: Person, seen: set[RecordId]) -> tuple[Tip, ...]:
    return tuple(
        Tip(device=end.header.device, log=Log.CONTROL, seq=end.header.seq, hash=end.id)
        for device, end in history.ends.items()
        if device == target.device and end.id in seen
    )


def _wide_fence(history: History) -> WideFence:
    """Of some of the chains of content that the stories below have; the others are bounded by a time."""
    chance = history.random
    devices = sorted({each.device[:PREFIX_SIZE] for each in (FOUNDER, *OTHERS) if chance.random() < 0.7})
    marks = tuple(Mark(device=device, seq=chance.randrange(4)) for device in devices)
    return WideFence(marks=marks, floor_ets=chance.choice((0, START_MS, START_MS + 2)))


def _some_devices(history: History, target: Person, seen: set[RecordId]) -> Devices:
    """A list of both devices of somebody, of which one may be revoked, with a fence at what was seen or somewhere below."""
    chance, second = history.random, SECOND[target.user]
    revoked = chance.choice(((), (target.device,), (second.device,)))
    fence = tuple(
        Tip(device=end.header.device, log=Log.CONTROL, seq=chance.randint(0, end.header.seq), hash=end.id)
        for device, end in history.ends.items()
        if device in revoked and end.id in seen
    )
    listed = sign_device_list(target.account, None, (target.certificate, second.certificate), revoked)
    return Devices(devices=listed.encoded, fence=fence)


def shuffled(records: list[Record], chance: random.Random) -> list[Record]:
    """Another causal order of the same records."""
    waiting, done, order = list(records), set(), []
    while waiting:
        ready = [record for record in waiting if all(d in done for d in record.header.dependencies)]
        record = chance.choice(ready)
        waiting.remove(record)
        done.add(record.id)
        order.append(record)
    return order


def told(log: ControlLog, records: list[Record]) -> tuple[object, ...]:
    """What a view says, without the numbers that depend on the order of arrival."""
    view: View = log.view
    return (
        view.name,
        view.topic,
        sorted(view.members),
        sorted(view.ranks.items()),
        sorted(view.thresholds.items()),
        sorted((user, [(ban.level, ban.until_ms) for ban in bans]) for user, bans in view.bans.items()),
        [(ending.user, ending.fence) for ending in view.endings],
        [(ranking.user, ranking.rank, ranking.fence) for ranking in view.rankings],
        [(ruling.permission, ruling.rank, ruling.fence) for ruling in view.rulings],
        sorted(r.id for r in records if log.effective(r.id)),
        sorted((name, s.used_by, s.closed) for name, s in view.invitations.items()),
        sorted((d, sorted(((r.author, r.fence) for r in found), key=repr)) for d, found in view.revocations.items()),
        sorted((device, certificate.user) for device, certificate in log.certificates.items()),
    )


def test_a_devices_records_are_counted_on_all_branches_before_a_record() -> None:
    """The bound of a device depends on what a record comes after, not on what else is held."""
    history = History(random.Random(0))
    root = make_root((FOUNDER,), name="dev")
    history.records.append(root)
    topics = []
    for number in range(3):
        history.ends[FOUNDER.device] = root
        topics.append(history.write(FOUNDER, {root.id}, (SetTopic(topic=str(number)),)))
    log = log_of(history.records)
    assert log.written_before(FOUNDER.device, (topics[0].id,)) == 2
    assert log.written_before(FOUNDER.device, tuple(topic.id for topic in topics)) == 4
    assert log.written_before(OTHERS[0].device, (topics[0].id,)) == 0


MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 25), forking=st.booleans())
def test_the_order_of_arrival_changes_nothing(seed: int, steps: int, forking: bool) -> None:
    history = generate(seed, steps, forking=forking)
    first = told(log_of(history.records), history.records)
    chance = random.Random(seed)
    for _ in range(3):
        assert told(log_of(shuffled(history.records, chance)), history.records) == first
    event(f"members: {len(first[2])}")


@MANY
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 25), forking=st.booleans())
@example(seed=221440026, steps=12, forking=False)  # somebody was removed, admitted again, and invites
def test_step_by_step_equals_all_at_once(seed: int, steps: int, forking: bool) -> None:
    history = generate(seed, steps, forking=forking)
    log = ControlLog(history.channel, join_holds, device_list_holds)
    for record in history.records:
        log.add(record, acts_of(record))
        assert log.view == log.resolved_from_nothing()


@MANY
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 25), forking=st.booleans())
@example(seed=694, steps=9, forking=True)  # of two who come in beside each other, the first one arrives last
@example(seed=767, steps=16, forking=True)  # a rank is given to somebody whose admit is void, as is heard in the end
def test_in_any_order_step_by_step_equals_all_at_once(seed: int, steps: int, forking: bool) -> None:
    history = generate(seed, steps, forking=forking)
    log = ControlLog(history.channel, join_holds, device_list_holds)
    for record in shuffled(history.records, random.Random(seed)):
        log.add(record, acts_of(record))
        assert log.view == log.resolved_from_nothing()


@MANY
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 25), forking=st.booleans(), back=st.integers(0, 3))
def test_a_state_of_the_past_is_the_same_taken_back_or_decided_at_once(seed: int, steps: int, forking: bool, back: int) -> None:
    """`back`: how many operations are taken back at most; none is kept from one question to the next."""
    history = generate(seed, steps, forking=forking)
    log = log_of(history.records)
    chance = random.Random(seed)
    for record in history.records:
        heads = tuple({record.id, chance.choice(history.records).id})
        for asked in ((record.id,), heads):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(control, "MAX_TAKEN_BACK", back)
                log._states.clear()
                found = viewed(log.state_at(asked))
            assert found == viewed(Authority(log.state_at(asked).subjects, log.mask(asked)))


@MANY
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 25), forking=st.booleans())
def test_an_invitation_admits_no_more_accounts_than_it_has_uses(seed: int, steps: int, forking: bool) -> None:
    view = log_of(generate(seed, steps, forking=forking).records).view
    for state in view.invitations.values():
        assert len(state.used_by) <= state.invite.uses


@MANY
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 25))
def test_founders_are_in_unless_they_left_and_nobody_is_removed_by_who_may_not(seed: int, steps: int) -> None:
    history = generate(seed, steps)
    log = log_of(history.records)
    left = {ending.user for ending in log.view.endings if ending.fence is None}
    assert (FOUNDER.user in log.view.members) == (FOUNDER.user not in left)
    for ending in log.view.endings:
        operation = log.operation(log.records_by_index(ending.operation))
        assert operation is not None
        assert operation.user == ending.user or log.state_at((operation.id,)).level(operation) >= MODERATOR


def test_a_removed_member_cannot_bring_anybody_in_by_citing_old_heads() -> None:
    history = History(random.Random(0))
    root = make_root((FOUNDER,), name="dev")
    history.records.append(root)
    history.ends[FOUNDER.device] = root
    mallory, friend = OTHERS[0], OTHERS[1]
    seed, other = b"1" * 16, b"2" * 16
    start = {root.id}
    invited = history.write(FOUNDER, start, (_invite(seed),))
    admitted = history.write(FOUNDER, {invited.id}, (_admit(history, mallory, seed),))
    before = past(history.records, admitted.id)
    history.write(FOUNDER, before, (Remove(user=mallory.user, fence=()),))
    back_dated = history.write(mallory, before, (_invite(other),))
    history.write(mallory, past(history.records, back_dated.id), (_admit(history, friend, other),))
    assert sorted(log_of(history.records).view.members) == [FOUNDER.user]


def test_what_a_removed_member_back_dates_has_no_effect() -> None:
    history = History(random.Random(0))
    root = make_root((FOUNDER,), name="dev")
    history.records.append(root)
    history.ends[FOUNDER.device] = root
    mallory, friend = OTHERS[0], OTHERS[1]
    seed, other = b"1" * 16, b"2" * 16
    invited = history.write(FOUNDER, {root.id}, (_invite(seed),))
    admitted = history.write(FOUNDER, {invited.id}, (_admit(history, mallory, seed),))
    second = history.write(FOUNDER, {admitted.id}, (_invite(other),))
    before = past(history.records, second.id)
    history.write(FOUNDER, before, (Remove(user=mallory.user, fence=()),))
    topic = history.write(mallory, before, (SetTopic(topic="still mine"),))
    history.write(mallory, past(history.records, topic.id), (_admit(history, friend, other),))
    log = log_of(history.records)
    assert log.view.topic == ""
    assert not log.effective(topic.id)
    assert sorted(log.view.members) == [FOUNDER.user]


def test_of_two_who_use_a_single_use_link_at_once_the_same_one_is_in_everywhere() -> None:
    history = History(random.Random(0))
    root = make_root((FOUNDER,), name="dev")
    history.records.append(root)
    history.ends[FOUNDER.device] = root
    helper, ann, bob = OTHERS[0], OTHERS[1], OTHERS[2]
    first, single = b"1" * 16, b"2" * 16
    invited = history.write(FOUNDER, {root.id}, (_invite(first),))
    admitted = history.write(FOUNDER, {invited.id}, (_admit(history, helper, first),))
    both = history.write(FOUNDER, {admitted.id}, (_invite(single),))
    seen = past(history.records, both.id)
    history.write(FOUNDER, seen, (_admit(history, ann, single),))
    history.write(helper, seen, (_admit(history, bob, single),))
    members = log_of(history.records).view.members
    assert (ann.user in members) != (bob.user in members)
    assert told(log_of(shuffled(history.records, random.Random(1))), history.records) == told(
        log_of(history.records), history.records
    )


def test_somebody_who_left_comes_back_by_a_new_invitation_only() -> None:
    history = History(random.Random(0))
    root = make_root((FOUNDER,), name="dev")
    history.records.append(root)
    history.ends[FOUNDER.device] = root
    ann = OTHERS[0]
    first, second = b"1" * 16, b"2" * 16
    invited = history.write(FOUNDER, {root.id}, (_invite(first),))
    admitted = history.write(FOUNDER, {invited.id}, (_admit(history, ann, first),))
    left = history.write(ann, {admitted.id}, (Leave(),))
    assert ann.user not in log_of(history.records).view.members
    again = history.write(FOUNDER, past(history.records, left.id), (_invite(second),))
    history.write(FOUNDER, {again.id}, (_admit(history, ann, second),))
    assert ann.user in log_of(history.records).view.members


def _invite(seed: bytes) -> Invite:
    return Invite(join_key=public_key(join_seed(seed)), token_key=token_key(seed), rank=0, uses=1, expires_ms=START_MS * 2)


def _admit(history: History, joiner: Person, seed: bytes) -> Admit:
    join = sign_join(joiner.secrets, join_seed(seed), history.channel, joiner.certificate, joiner.name, START_MS)
    return Admit(join=join.encoded)


def slowly_counts(log: ControlLog, records: list[Record], header: Header, user: UserId) -> bool:
    """Whether content counts, asked of every record of the log: the words of the protocol's section on it."""
    seen = set().union(*(past(records, head) for head in header.control_heads))
    cited = log_of([record for record in records if record.id in seen]).view
    rank = cited.rank(user)
    if rank is None or rank < cited.threshold(Permission.SEND) or header.device in cited.revocations:
        return False
    revocations: list[tuple[int, tuple[Tip, ...]]] = []
    bounds: list[bool] = []
    for record in records:
        operation = log.operation(record.id)
        assert operation is not None
        for act in operation.acts if log.effective(record.id) else ():
            if isinstance(act, Devices):
                if operation.devices is not None and header.device in operation.devices.certified_revoked:
                    own = operation.user == operation.devices.user
                    heads = tuple(each.id for each in records)
                    level = FOUNDER_RANK + 1 if own else log.state_at(heads).level(operation)
                    revocations.append((level, tuple(tip for tip in act.fence if tip.device == header.device)))
            elif record.id not in seen:
                bounds += _bounds(log, act, header, user, rank)
    weight = max((level for level, _ in revocations), default=0)
    return all(bounds) and all(_lies_within(fence, header) for level, fence in revocations if level == weight)


def _bounds(log: ControlLog, act: Act, header: Header, user: UserId, rank: int) -> Iterator[bool]:
    """Whether content lies within the fence of an act that its author had not seen, if the act concerns it."""
    match act:
        case Remove() | Ban() if act.user == user:
            yield _lies_within(act.fence, header)
        case SetRank() if act.user == user and act.rank < log.view.threshold(Permission.SEND):
            yield _lies_within(act.fence, header)
        case SetThreshold() if act.permission is Permission.SEND and rank < act.rank:
            marked = {mark.device: mark.seq for mark in act.fence.marks}.get(header.device[:PREFIX_SIZE])
            yield header.ets <= act.fence.floor_ets if marked is None else header.seq <= marked


def _lies_within(fence: tuple[Tip, ...], header: Header) -> bool:
    return any((tip.device, tip.log) == (header.device, header.log) and tip.seq >= header.seq for tip in fence)


@MANY
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 25))
def test_content_counts_as_every_record_asked_says_whatever_the_order(seed: int, steps: int) -> None:
    history = generate(seed, steps)
    log, chance = log_of(history.records), random.Random(seed)
    other = log_of(shuffled(history.records, chance))
    for _ in range(8):
        author = chance.choice((FOUNDER, *OTHERS))
        cited = history.some_view()
        covered = {d for record in history.records if record.id in cited for d in record.header.dependencies}
        heads = tuple(sorted(cited - covered))[:16]
        seq, ets = chance.randrange(5), START_MS + chance.randrange(5)
        header = make_record(
            author,
            kind=Kind.CONTENT,
            channel=history.channel,
            log=Log.CONTENT,
            seq=seq,
            prev=RecordId(bytes(32)) if seq else None,
            parents=(),
            control_heads=heads,
            timestamp_ms=START_MS,
            ets=ets,
            acts=(Message(text="hi"),),
        ).header
        found = counts(log, header, author.user)
        assert found == slowly_counts(log, history.records, header, author.user)
        assert found == counts(other, header, author.user)
        event(f"counts: {found}, rulings: {min(len(log.view.rulings), 2)}, endings: {min(len(log.view.endings), 2)}")
