"""Control logs made by chance, without any cryptography: founders, admins, moderators, members and such as were thrown out, each
with two devices, act on what they have seen of a channel, and hostile ones on what suits them."""

import random
from dataclasses import dataclass, field, replace

from multichat_tui.channel.authority import Authority
from multichat_tui.channel.operations import Operation
from multichat_tui.channel.permitting import permitted, seats
from multichat_tui.channel.subjects import Subjects
from multichat_tui.channel.view import InvitationName
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
    RefuseJoin,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    Setting,
    SetTopic,
    Style,
    Unban,
)
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.codec import Value
from multichat_tui.model.identity import Certificate, DeviceList
from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId
from multichat_tui.model.joins import Join
from multichat_tui.model.ranks import ADMIN, FOUNDER, MEMBER, MODERATOR, MUTED, Permission

CUSTOM = 20
RANKS = (ADMIN, MODERATOR, CUSTOM, MEMBER, MUTED)
CONTESTED = (Permission.INVITE, Permission.ADMIT, Permission.MODERATE, Permission.TOPIC)


def certificate(account: bytes, number: int) -> Certificate:
    device = DeviceId(account[:31] + bytes([number]))
    return Certificate(
        account_key=account,
        device=device,
        sealing_key=b"",
        olm_key=b"",
        created_ms=0,
        body=b"",
        signature=b"",
        device_signature=b"",
    )


@dataclass(frozen=True)
class Player:
    name: str
    certificates: tuple[Certificate, ...]

    @property
    def user(self) -> UserId:
        return self.certificates[0].user

    @property
    def devices(self) -> tuple[DeviceId, ...]:
        return tuple(each.device for each in self.certificates)

    def revoking(self, device: DeviceId) -> DeviceList:
        return DeviceList(
            account_key=self.certificates[0].account_key,
            account_sealing_key=b"",
            number=2,
            previous=b"",
            certificates=self.certificates,
            revoked=(device,),
            body=b"",
            signature=b"",
        )


def player(name: str) -> Player:
    account = name.encode().ljust(32, b"-")
    return Player(name, (certificate(account, 1), certificate(account, 2)))


@dataclass
class Log:
    """As a node has it: operations in the order of their arrival, and what was found of each."""

    operations: list[Operation] = field(default_factory=list)
    subjects: Subjects | None = None
    _valid: int = 1

    @property
    def mask(self) -> int:
        return (1 << len(self.operations)) - 1

    def add(self, operation: Operation) -> None:
        """At the next index, after all of its past."""
        assert operation.index == len(self.operations)
        self.operations.append(operation)
        if self.subjects is None:
            self.subjects = Subjects(operation)
            return
        self.subjects.operations.append(operation)
        past = Authority(self.subjects, operation.past)
        rank = permitted(past, operation)
        if rank is not None:
            self._valid |= operation.bit
            self.subjects.add(operation, rank=rank, seats=seats(past, operation))

    def valid(self, operation: Operation) -> bool:
        return bool(self._valid & operation.bit)

    @property
    def now(self) -> Authority:
        assert self.subjects is not None
        return Authority(self.subjects, self.mask)


def rearranged(operations: list[Operation], chance: random.Random) -> list[Operation]:
    """The same in another order of arrival."""
    waiting, done, order = set(range(1, len(operations))), 1, [0]
    while waiting:
        index = chance.choice(sorted(i for i in waiting if not operations[i].past & ~done))
        waiting.discard(index)
        done |= 1 << index
        order.append(index)
    places = {old: new for new, old in enumerate(order)}
    return [
        replace(operations[old], index=new, past=sum(1 << places[i] for i in indexes(operations[old].past)))
        for new, old in enumerate(order)
    ]


def indexes(mask: int) -> list[int]:
    return [index for index in range(mask.bit_length()) if mask >> index & 1]


@dataclass
class History:
    """`players` are the founder, then the others."""

    chance: random.Random
    players: list[Player]
    hostile: frozenset[UserId]
    log: Log = field(default_factory=Log)
    keys: list[tuple[bytes, int]] = field(default_factory=list)
    _ends: dict[DeviceId, int] = field(default_factory=dict)

    def write(self, author: Player, device: DeviceId, past: int, acts: tuple[Act, ...], **more: object) -> Operation:
        index = len(self.log.operations)
        end = self._ends.get(device)
        if end is not None and not (author.user in self.hostile and self.chance.random() < 0.5):
            past |= self.log.operations[end].past | 1 << end
        operation = Operation(
            index=index,
            id=RecordId(self.chance.randbytes(32)),
            device=device,
            user=author.user,
            acts=acts,
            join=None,
            past=past,
            count=past.bit_count(),
        )
        operation = replace(operation, **more)  # type: ignore[arg-type]  # by name
        self.log.add(operation)
        self._ends[device] = index
        return operation

    def some_view(self) -> int:
        """What somebody may have seen, perhaps long ago; mostly nearly everything."""
        count = len(self.log.operations)
        chosen = [self.chance.randrange(count) for _ in range(self.chance.choice((1, 2, 2, 3)))]
        if self.chance.random() < 0.4:
            chosen.append(count - 1)
        mask = 1
        for index in chosen:
            mask |= self.log.operations[index].past | 1 << index
        return mask

    def by_user(self, user: UserId) -> Player:
        return next(each for each in self.players if each.user == user)


def begin(chance: random.Random, *, members: int, founders: int = 1) -> History:
    players = [player(f"player {number}") for number in range(members + founders)]
    hostile = frozenset(each.user for each in players[founders:] if chance.random() < 0.5)
    history = History(chance, players, hostile)
    create = Create(
        style=Style.GROUP, name="dev", founders=tuple(each.certificates for each in players[:founders]), nonce=bytes(16)
    )
    history.write(players[0], players[0].devices[0], 0, (create,))
    return history


THEMES = {
    "everything": "clash*3 invite*3 join*8 rank*5 remove*2 ban*2 unban threshold*2 close leave devices*2 topic*2 both*2 setting"
    " ask*2 merge",
    "joins": "clash*5 invite*4 join*10 close*5 ban*2 remove threshold ask*2 merge",
    "raising": "clash*6 rank*8 remove*4 ban*3 both*4 threshold*3 topic*4",
    "two ranks": "join*4 invite*2 rank*8 remove*4 devices*2 leave",
    "coming back": "return*6 clash invite*4 join*4 leave close*3 rank ban remove",
    "beside": "clash*8 invite*2 join rank both unban topic devices",
}


def generate(seed: int, steps: int, theme: str | None = None) -> History:
    """Themes: everything; few members and mostly joins; two ranks that act on each other; acts that contradict each other, by
    people who had seen the same; some who leave and come back by the invitation that they have."""
    chance = random.Random(seed)
    theme = theme or chance.choice(list(THEMES))
    members = 3 if theme == "joins" else 6 if theme == "beside" else chance.choice((3, 5))
    history = begin(chance, members=members, founders=chance.choice((1, 1, 1, 2)))
    if theme in ("two ranks", "beside") or chance.random() < 0.6:
        _seat_all(history, out=2 if theme == "beside" else 0)
    kinds = [kind for word in THEMES[theme].split() for kind, _, times in [word.partition("*")] for _ in range(int(times or 1))]
    while len(history.log.operations) < steps:
        kind = chance.choice(kinds)
        if not (kind == "clash" and _clash(history)) and not (kind == "return" and _comes_back(history)):
            _propose(history, "invite" if kind in ("clash", "return") else kind, theme)
    return history


def _seat_all(history: History, *, out: int) -> None:
    """Everybody but the last few is in, one or two as admins and moderators."""
    founder = history.players[0]
    for each in history.players[1 : len(history.players) - out]:
        if each.user in _founders(history):
            continue
        key = history.chance.randbytes(32)
        rank = history.chance.choice((ADMIN, MODERATOR, MODERATOR, MEMBER))
        _invite(history, founder, history.log.mask, key, rank, 1)
        _join(history, founder, history.log.mask, each, key, 0)


def _founders(history: History) -> frozenset[UserId]:
    assert history.log.subjects is not None
    return history.log.subjects.founders


def _invite(history: History, author: Player, view: int, key: bytes, rank: int, uses: int) -> None:
    history.keys.append((key, rank))
    device = history.chance.choice(author.devices)
    history.write(author, device, view, (Invite(join_key=key, token_key=bytes(32), rank=rank, uses=uses, expires_ms=1),))


def _join(history: History, author: Player, view: int, who: Player, key: bytes, number: int) -> None:
    join = _signed(who, key, number)
    history.write(author, history.chance.choice(author.devices), view, (Admit(join=b""),), join=join)


def _signed(who: Player, key: bytes, number: int) -> Join:
    return Join(
        channel=ChannelId(bytes(32)),
        join_key=key,
        certificate=who.certificates[number],
        name=who.name,
        timestamp_ms=0,
        body=b"",
        join_signature=b"",
        device_signature=b"",
    )


def _propose(history: History, kind: str, theme: str) -> None:
    """First what, then somebody who may do it in what they have seen; sometimes somebody who may not."""
    chance = history.chance
    view = history.some_view()
    assert history.log.subjects is not None
    state = Authority(history.log.subjects, view)
    ranks = {each.user: state.rank(each.user) for each in history.players}
    present = [each for each in history.players if ranks[each.user] is not None]
    if not present:
        return
    author = chance.choice(present)
    rank = ranks[author.user] or MUTED
    device = chance.choice(author.devices)
    others = [each for each in history.players if each is not author]
    below = [each for each in present if (ranks[each.user] or MUTED) < rank] or others
    target = chance.choice(below).user
    lower = [each for each in RANKS if each < rank] or [MUTED]
    if theme == "two ranks":
        lower = [each for each in lower if each in (MODERATOR, MEMBER)] or lower
    match kind:
        case "invite":
            given = MEMBER if chance.random() < 0.6 else chance.choice(lower)
            key = chance.choice(history.keys)[0] if history.keys and chance.random() < 0.05 else chance.randbytes(32)
            _invite(history, author, view, key, given, chance.choice((1, 1, 2, 3)))
        case "join":
            if history.keys:
                key = chance.choice(history.keys[-4:])[0]
                _join(history, author, view, chance.choice(others), key, chance.choice((0, 0, 1)))
        case "ask":
            if history.keys:
                key, who = chance.choice(history.keys[-4:])[0], chance.choice(others)
                if chance.random() < 0.7:
                    history.write(author, device, view, (Ask(join=b""),), asked=_signed(who, key, 0))
                else:
                    history.write(author, device, view, (RefuseJoin(user=who.user, join_key=key),))
        case "rank":
            given = chance.choice(lower) if chance.random() < 0.9 else min(rank, ADMIN)
            history.write(author, device, view, (SetRank(user=target, rank=given),))
        case "remove":
            history.write(author, device, view, (Remove(user=target, fence=()),))
        case "ban":
            history.write(author, device, view, (Ban(user=chance.choice((target, chance.choice(others).user)), fence=()),))
        case "unban":
            history.write(author, device, view, (Unban(user=chance.choice(others).user),))
        case "threshold":
            asked = chance.choice([each for each in (*RANKS, FOUNDER) if each <= rank])
            history.write(author, device, view, (SetThreshold(permission=chance.choice(CONTESTED), rank=asked),))
        case "merge":
            history.write(author, device, view, ())
        case "close":
            made = [
                (op.id, number)
                for op in history.log.operations
                if view & op.bit
                for number, act in enumerate(op.acts)
                if isinstance(act, Invite)
            ]
            if made:
                record, number = chance.choice(made)
                history.write(author, device, view, (CloseInvitation(invitation=record, index=number),))
        case "leave":
            history.write(author, device, view, (Leave(),))
        case "devices":
            whose = author if chance.random() < 0.7 else chance.choice(others)
            revoked = chance.choice(whose.devices)
            carrier = next((each for each in author.devices if each != revoked), device)
            history.write(author, carrier, view, (Devices(devices=b""),), devices=whose.revoking(revoked))
        case "topic":
            act: Act = SetTopic(topic=f"topic {len(history.log.operations)}")
            history.write(author, device, view, (act if chance.random() < 0.7 else Rename(name="new name"),))
        case "setting":
            value: Value = chance.choice((0, 1000 * len(history.log.operations)))
            key: int = SettingKey.SLOW_MODE
            if chance.random() < 0.3:
                key, value = (
                    SettingKey.ROLE_NAME,
                    (chance.choice((CUSTOM, CUSTOM + 1)), chance.choice(("", "reviewer", "editor"))),
                )
            elif chance.random() < 0.2:
                key, value = SettingKey.PROTOCOL_LEVEL, chance.choice((1, 2, 3))
            elif chance.random() < 0.05:
                key, value = SettingKey.CLOSED, 1
            history.write(author, device, view, (Setting(key=key, value=value),))
        case "both":
            acts: tuple[Act, ...] = (Ban(user=target, fence=()), SetTopic(topic=f"without {len(history.log.operations)}"))
            if chance.random() < 0.5:
                acts = (SetRank(user=target, rank=chance.choice(lower)), Remove(user=chance.choice(others).user, fence=()))
            history.write(author, device, view, acts)


def _clash(history: History) -> bool:
    """Two act on the same view, the one against what the other does. False: there was nobody and nothing for it."""
    chance, view, log = history.chance, history.some_view(), history.log
    assert log.subjects is not None
    state = Authority(log.subjects, view)
    ranks = {each.user: state.rank(each.user) for each in history.players}
    ordered = sorted((each for each in history.players if ranks[each.user] is not None), key=lambda each: ranks[each.user] or 0)
    if len(ordered) < 2:
        return False
    low, high = sorted(chance.sample(range(len(ordered)), 2))
    lower, higher = ordered[low], ordered[high]
    theirs, ours = ranks[lower.user] or 0, ranks[higher.user] or 0
    match chance.choice(("close", "close", "ban", "ban", "gone", "gone", "tighten", "raise")):
        case "tighten":
            permission = chance.choice(CONTESTED)
            forbidding = [each for each in (*RANKS, FOUNDER) if theirs < each <= ours] or [ours]
            forbids = SetThreshold(permission=permission, rank=chance.choice(forbidding))
            others = [each.user for each in ordered[:low]] or [each.user for each in history.players]
            needing: tuple[Act, ...] = (SetTopic(topic=f"topic {len(log.operations)}"),)
            if permission is Permission.MODERATE:
                needing = (Remove(user=chance.choice(others), fence=()),)
            elif permission is Permission.INVITE:
                needing = (Invite(join_key=chance.randbytes(32), token_key=bytes(32), rank=MEMBER, uses=1, expires_ms=1),)
            history.write(higher, chance.choice(higher.devices), view, (forbids,))
            if permission is Permission.ADMIT:
                return _joins_one(history, lower, view, state) is not None
            history.write(lower, chance.choice(lower.devices), view, needing)
        case "raise":
            below = ordered[:low]
            if not below:
                return False
            target = chance.choice(below).user
            raised = [each for each in RANKS if each < ours] or [MUTED]
            history.write(higher, chance.choice(higher.devices), view, (SetRank(user=target, rank=chance.choice(raised[:3])),))
            acts = (Ban(user=target, fence=()), SetTopic(topic=f"without {len(log.operations)}"))
            history.write(lower, chance.choice(lower.devices), view, acts[: chance.choice((1, 2, 2))])
        case "gone":
            strangers = [each for each in history.players if state.rank(each.user) is None]
            if not strangers:
                return False
            _invite(history, lower, view, key := chance.randbytes(32), MEMBER, 2)
            invited = log.operations[-1]
            view = invited.past | invited.bit
            _join(history, chance.choice(ordered), view, chance.choice(strangers), key, 0)
            user = lower.user
            ends = chance.choice((Remove(user=user, fence=()), Ban(user=user, fence=()), SetRank(user=user, rank=MUTED)))
            history.write(higher, chance.choice(higher.devices), view, (ends,))
        case what:
            found = _joins_one(history, chance.choice((lower, higher)), view, state)
            if found is None:
                return False
            joiner, name, maker = found
            author = chance.choice((higher, history.by_user(maker)))
            if what == "ban":
                history.write(higher, chance.choice(higher.devices), view, (Ban(user=joiner, fence=()),))
            else:
                act = CloseInvitation(invitation=name[0], index=name[1])
                history.write(author, chance.choice(author.devices), view, (act,))
    return True


def _joins_one(history: History, author: Player, view: int, state: Authority) -> tuple[UserId, InvitationName, UserId] | None:
    """Somebody who is out is let in by an invitation that is still open in a view."""
    subjects = state.subjects
    strangers = [each for each in history.players if state.rank(each.user) is None]
    open_ones = [
        (key, name, maker.user)
        for key, _ in history.keys
        for name, maker, invite in subjects.invitations(key)
        if view & maker.bit
        and state.effective(maker)
        and not state.closed(name)
        and len({op.joiner for op in state.placed(name)}) < invite.uses
    ]
    if not strangers or not open_ones:
        return None
    key, name, maker = history.chance.choice(open_ones)
    joiner = history.chance.choice(strangers)
    _join(history, author, view, joiner, key, 0)
    return joiner.user, name, maker


def _comes_back(history: History) -> bool:
    """Somebody leaves and comes back by the place that they have; perhaps their invitation is closed beside that, and perhaps
    they close one of their own, back again or so they think."""
    chance, view, log = history.chance, history.some_view(), history.log
    assert log.subjects is not None
    subjects, state = log.subjects, Authority(log.subjects, view)
    places = [
        (key, name, maker, admit)
        for key, _ in history.keys
        for name, maker, _ in subjects.invitations(key)
        if view & maker.bit and state.effective(maker) and not state.closed(name)
        for admit in state.placed(name)
    ]
    if not places:
        return False
    key, name, maker, admit = chance.choice(places)
    assert admit.joiner is not None
    who = history.by_user(admit.joiner)
    hosts = [each for each in history.players if each is not who and state.rank(each.user) is not None]
    if not hosts or state.rank(who.user) is None:
        return False
    left = history.write(who, chance.choice(who.devices), view, (Leave(),))
    _join(history, chance.choice(hosts), left.past | left.bit, who, key, 0)
    back = log.operations[-1]
    if chance.random() < 0.7:
        author = history.by_user(maker.user)
        close = CloseInvitation(invitation=name[0], index=name[1])
        history.write(author, chance.choice(author.devices), view, (close,))
    own = [each for each in subjects.made_by(who.user) if (made := subjects.invitation(each)) and view & made[0].bit]
    if own and chance.random() < 0.7:
        record, number = chance.choice(own)
        history.write(who, chance.choice(who.devices), back.past | back.bit, (CloseInvitation(invitation=record, index=number),))
        if chance.random() < 0.7:
            found = subjects.invitation((record, number))
            assert found is not None
            _join(history, chance.choice(hosts), view, chance.choice(history.players), found[1].join_key, 0)
    return True
