"""Changes of keys that must not pass unseen: raised once, kept, told, and shown until the user has acknowledged them.

Whoever finds out calls `raise_alarm` with a `detail` that names what was found; the same finding is never raised twice, also
after it was acknowledged.
"""

from multichat_tui.model.codec import decode, encode
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.events import AlarmRaised
from multichat_tui.model.ids import ID_SIZE, UserId, short
from multichat_tui.model.limits import MAX_ALARM_DETAIL_BYTES, MAX_ALARMS
from multichat_tui.model.lookalikes import skeleton
from multichat_tui.model.ports import Space
from multichat_tui.model.text import display_names
from multichat_tui.model.trust import AlarmKind, AlarmRow
from multichat_tui.model.values import dataclass
from multichat_tui.node.world import World

MAX_ALARM_BYTES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """As kept under user id and kind."""

    user: UserId
    kind: AlarmKind
    since_ms: int
    other: UserId | None
    detail: bytes
    acknowledged: bool

    @property
    def key(self) -> bytes:
        return self.user + self.kind.value.encode("ascii")

    def encoded(self) -> bytes:
        return encode([self.since_ms, self.other, self.detail, self.acknowledged])


def alarms(world: World, user: UserId | None = None) -> list[Alarm]:
    """All that are kept (of one user), acknowledged ones too, the oldest first."""
    found = []
    for key, value in world.txn.scan(Space.ALARM, b"" if user is None else user):
        try:
            kind = AlarmKind(key[ID_SIZE:].decode("ascii"))
        except ValueError:
            continue  # written by a newer version
        entry = decode(value, MAX_ALARM_BYTES)
        assert isinstance(entry, list)
        since_ms, other, detail, acknowledged = entry
        found.append(
            Alarm(
                user=UserId(key[:ID_SIZE]),
                kind=kind,
                since_ms=since_ms,
                other=other,
                detail=detail,
                acknowledged=bool(acknowledged),
            )
        )
    return sorted(found, key=lambda alarm: (alarm.since_ms, alarm.key))


def raise_alarm(world: World, user: UserId, kind: AlarmKind, *, other: UserId | None = None, detail: bytes = b"") -> bool:
    """Keep and tell it, unless this was raised before. At most `MAX_ALARMS` are kept, acknowledged ones out first."""
    known = alarms(world)
    mine = next((alarm for alarm in known if alarm.user == user and alarm.kind is kind), None)
    if mine is not None and (mine.other, mine.detail) == (other, detail[:MAX_ALARM_DETAIL_BYTES]):
        return False
    if mine is None and len(known) >= MAX_ALARMS:
        oldest = min(known, key=lambda alarm: (not alarm.acknowledged, alarm.kind.alarming, alarm.since_ms))
        world.txn.delete(Space.ALARM, oldest.key)
    alarm = Alarm(
        user=user,
        kind=kind,
        since_ms=world.now,
        other=other,
        detail=detail[:MAX_ALARM_DETAIL_BYTES],
        acknowledged=False,
    )
    world.txn.put(Space.ALARM, alarm.key, alarm.encoded())
    row = alarm_row(world, alarm)
    world.emit(lambda seq: AlarmRaised(seq=seq, row=row))
    _changed(world, alarm)
    return True


def acknowledge(world: World, user: UserId) -> int:
    """The user has seen all alarms about somebody. How many there were; refused if there were none."""
    standing = [alarm for alarm in alarms(world) if alarm.user == user and not alarm.acknowledged]
    if not standing:
        raise IntentRefused(Refusal.UNKNOWN, "There is no warning about them that is not acknowledged.")
    for alarm in standing:
        seen = Alarm(
            user=user, kind=alarm.kind, since_ms=alarm.since_ms, other=alarm.other, detail=alarm.detail, acknowledged=True
        )
        world.txn.put(Space.ALARM, seen.key, seen.encoded())
        _changed(world, alarm)
    return len(standing)


def lower_alarm(world: World, user: UserId, kind: AlarmKind) -> None:
    """What was raised is not so any more."""
    for alarm in alarms(world, user):
        if alarm.kind is kind:
            world.txn.delete(Space.ALARM, alarm.key)
            _changed(world, alarm)


def alarm_rows(world: World) -> tuple[AlarmRow, ...]:
    """Those that are not acknowledged, the oldest first."""
    return tuple(alarm_row(world, alarm) for alarm in alarms(world) if not alarm.acknowledged)


def alarm_row(world: World, alarm: Alarm) -> AlarmRow:
    people = {world.identity.user, *world.contacts, alarm.user} | ({alarm.other} if alarm.other is not None else set())
    names = display_names({user: world.name_of(user) or short(user) for user in people})
    meant = world.contacts.get(alarm.user if alarm.other is None else alarm.other)
    return AlarmRow(
        user=alarm.user,
        name=names[alarm.user],
        kind=alarm.kind,
        since_ms=alarm.since_ms,
        other=alarm.other,
        other_name="" if alarm.other is None else names[alarm.other],
        verified=meant is not None and meant.verified,
    )


def look_at_names(world: World) -> None:
    """Whoever has been given a name since the last look must not go by that of a contact."""
    named, world.named = world.named, set()
    named.discard(world.identity.user)
    if not named:
        return
    by_skeleton: dict[str, list[UserId]] = {}
    for user in sorted(world.contacts):
        by_skeleton.setdefault(skeleton(world.name_of(user)), []).append(user)
    for user in sorted(named):
        looks = skeleton(world.name_of(user))
        other = next((contact for contact in by_skeleton.get(looks, ()) if contact != user), None)
        if looks and other is not None:
            raise_alarm(world, user, AlarmKind.SAME_NAME, other=other, detail=looks.encode("utf-8"))


def _changed(world: World, alarm: Alarm) -> None:
    world.status_changed = True
    world.changed_contacts.add(alarm.user)
