"""What acts say in a row of the timeline, and what they are found by."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from types import MappingProxyType

from multichat_tui.channel.resources import registry
from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import (
    Act,
    Admit,
    Ask,
    Ban,
    Create,
    Devices,
    Leave,
    Message,
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
from multichat_tui.model.channel_settings import setting_words
from multichat_tui.model.codec import Rejected
from multichat_tui.model.identity import DeviceList, decode_device_list
from multichat_tui.model.ids import RecordId, UserId, short
from multichat_tui.model.joins import decode_join
from multichat_tui.model.limits import SALT_BYTES
from multichat_tui.model.ranks import DEEDS, MODERATOR, MUTED, Permission, holders_words, standing_words
from multichat_tui.model.records import Record
from multichat_tui.model.snapshots import (
    RowKind,
)
from multichat_tui.model.values import dataclass

MODERATING = (Remove, SetRank, Ban, Unban, SetThreshold)
LOCKED = {Permission.SEND, Permission.ADMIT}
MOST_NAMES = 4
"""So many are named of those to whom the same was done in one record; the log of moderation names all."""
LEFT_REASON = "left"
"""The reason of a removal that only confirms a leaving, which is shown already."""


def acts_of(record: Record) -> tuple[Act, ...]:
    """The acts of a record as it is stored; none where it has no body."""
    decoded = decode_acts((record.body or b"")[SALT_BYTES:], record.header.log)
    return () if isinstance(decoded, Rejected) else decoded


def reply_of(acts: tuple[Act, ...]) -> RecordId | None:
    """What a message answers."""
    kind, _, reply_to, _ = row_words(acts)
    return reply_to if kind is RowKind.MESSAGE else None


def reply_of_record(record: Record) -> RecordId | None:
    """As `reply_of`, of a record as it is stored."""
    return reply_of(acts_of(record))


def _devices_text(devices: DeviceList) -> str:
    living, revoked = len(devices.living), devices.certified_revoked
    if not revoked:
        return f"uses a new device ({living} in all)"
    return f"changed devices: {living} in use, revoked {' '.join(short(device) for device in revoked)}"


def deeds_words(
    acts: tuple[Act, ...], author: str, name_of: Callable[[UserId], str], roles: Mapping[int, str] = MappingProxyType({})
) -> tuple[str, ...]:
    """What was done to people's rights, and beside that to the channel, each in words; what was done to many is said once. Names
    and reasons are others' text."""
    found: list[_Said] = []
    shut = _lockdown_reason(acts)
    if shut is not None:
        found.append(_Said(f"{author} locked the channel down" + (f": {shut}" if shut else "")))
    for act in acts:
        said = _deed_words(act, author, roles, alone=len(acts) == 1, shut=shut is not None)
        match act:
            case SetRank() | Remove() | Ban() | Unban() | RefuseJoin() if said is not None:
                if found and found[-1].whom and (found[-1].before, found[-1].after) == (said.before, said.after):
                    said = found.pop()
                said.whom.append(name_of(act.user))
            case Ask():
                join = decode_join(act.join)
                said = None if isinstance(join, Rejected) else _Said(f"{name_of(join.certificate.user)} asks to be let in")
        found += [said] if said is not None else []
    return tuple(each.text for each in found)


@dataclass(frozen=True, slots=True)
class _Said:
    """What was done, with the names of those to whom it was done in between."""

    before: str
    after: str = ""
    whom: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        more = len(self.whom) - MOST_NAMES
        return f"{self.before}{', '.join(self.whom[:MOST_NAMES])}{f' and {more} more' if more > 0 else ''}{self.after}"


def _deed_words(act: Act, author: str, roles: Mapping[int, str], *, alone: bool, shut: bool) -> _Said | None:
    """`alone`: there is nothing else in its record; `shut`: what locks the channel down is said already."""
    match act:
        case SetRank() if act.rank == MUTED:
            return _Said(f"{author} muted ", _until(act.until_ms) + _why(act.reason))
        case SetRank():
            role = roles.get(act.rank) or standing_words(act.rank).removeprefix("of ")
            return _Said(f"{author} made ", f" {role}{_why(act.reason)}")
        case Remove():
            return _Said(f"{author} removed ", _why(act.reason))
        case Ban():
            return _Said(f"{author} banned ", _until(act.until_ms) + _why(act.reason))
        case Unban():
            return _Said(f"{author} lifted the ban of ", _why(act.reason))
        case SetThreshold() if shut and act.permission in LOCKED:
            return None
        case SetThreshold():
            return _Said(f"{author} changed who may {DEEDS[act.permission]}: {holders_words(act.rank)}{_why(act.reason)}")
        case SetTopic() if not alone:
            return _Said(f"{author} set the topic: {act.topic}")
        case Rename() if not alone:
            return _Said(f"{author} renamed the channel: {act.name}")
        case RefuseJoin():
            return _Said(f"{author} did not let ", f" in{_why(act.reason)}")
        case Setting():
            return _Said(f"{author} {setting_words(act.key, act.value)}{_why(act.reason)}")
        case _:
            return None


def _until(until_ms: int) -> str:
    return f" until {moment(until_ms)}" if until_ms else ""


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""


def _lockdown_reason(acts: tuple[Act, ...]) -> str | None:
    """None if they are none: only moderators and above write and let people in from then on."""
    raised = {act.permission: act.reason for act in acts if isinstance(act, SetThreshold) and act.rank >= MODERATOR}
    return raised[Permission.SEND] if raised.keys() >= LOCKED else None


def moment(time_ms: int) -> str:
    """`2026-11-28 14:00 UTC`; what no calendar holds is shown as a number."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return str(time_ms)


def row_words(acts: tuple[Act, ...]) -> tuple[RowKind, str, RecordId | None, UserId | None]:
    """(kind, text, reply to, subject) of what is shown: a message before all else, and before what else happened to the channel
    what was done to people's rights; otherwise the first act."""
    if len(acts) == 1 and type(acts[0]) is Message:
        # Nearly every record.
        return RowKind.MESSAGE, acts[0].text, acts[0].reply_to, None
    if any(registry().made_by(act) is not None and registry().read(act) is not None for act in acts):
        messages = [act for act in acts if isinstance(act, Message)]
        return RowKind.MESSAGE, "\n".join(act.text for act in messages), messages[0].reply_to if messages else None, None
    for act in sorted(acts, key=lambda act: not isinstance(act, MODERATING)):
        match act:
            case Create():
                return RowKind.CREATED, "" if act.style is Style.DIRECT else act.name, None, None
            case Admit():
                join = decode_join(act.join)
                subject = None if isinstance(join, Rejected) else join.certificate.user
                return RowKind.JOINED, "", None, subject
            case Leave():
                return RowKind.LEFT, "", None, None
            case Remove() if not act.reason or act.reason == LEFT_REASON:
                return RowKind.REMOVED, act.reason, None, act.user
            case Remove() | SetRank() | Ban() | Unban():
                return RowKind.MODERATED, "", None, act.user
            case RefuseJoin():
                return RowKind.MODERATED, "", None, act.user
            case SetThreshold() | Setting() | Ask():
                return RowKind.MODERATED, "", None, None
            case SetTopic():
                return RowKind.TOPIC, act.topic, None, None
            case Rename():
                return RowKind.RENAMED, act.name, None, None
            case Devices():
                devices = decode_device_list(act.devices)
                if not isinstance(devices, Rejected):
                    return RowKind.DEVICES, _devices_text(devices), None, devices.user
            case _:
                continue
    return RowKind.NEWER, "", None, None
