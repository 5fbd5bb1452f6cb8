"""The slash command that says why messages wait; and what it shares with the command line."""

from collections.abc import Sequence
from typing import TypeAlias

from multichat_tui.model.errors import MultichatError, NotFound, UsageError
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.limits import MAX_PAGE_ROWS
from multichat_tui.model.snapshots import ChannelRow, Delivery, DeliveryRow, DeviceDelivery, MessageRow
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.general import peer_lines
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_channel, find_message, find_person, id_text, one_line
from multichat_tui.node.api.transcript import local_time

WAITING = (Delivery.QUEUED, Delivery.STORED, Delivery.SOME)
SHOWN_CHARACTERS = 40
MAX_LOOKED_AT = 32
NOTHING_WAITS = "Nothing of yours waits: all that you wrote lately has arrived everywhere."


Waiting: TypeAlias = tuple[ChannelRow, MessageRow, DeliveryRow]


async def waiting(api: NodeApi, channels: Sequence[ChannelRow], user: UserId | None = None) -> list[Waiting]:
    """Of each channel the newest message of one's own that somebody (or this user) lacks, among its newest rows."""
    found = []
    for channel in channels:
        rows = (await api.timeline(channel.id, limit=MAX_PAGE_ROWS)).rows
        for row in [row for row in reversed(rows) if row.mine and row.state in WAITING][:MAX_LOOKED_AT]:
            delivery = (await api.delivery(row.id)).rows
            if user is None or any(device.user == user and not device.delivered for device in delivery.devices):
                found.append((channel, row, delivery))
                break
    return found


def why_lines(channel: ChannelRow, row: MessageRow, delivery: DeliveryRow) -> tuple[str, ...]:
    """The message, and a line for each device that lacks it."""
    text = one_line(row.text)
    cut = text[:SHOWN_CHARACTERS] + ("…" if len(text) > SHOWN_CHARACTERS else "")
    lacking = [device for device in delivery.devices if not device.delivered]
    if not lacking:
        return (f"{channel_label(channel)}  {local_time(row.time_ms)}  {cut}: everybody has it.",)
    having = len(delivery.devices) - len(lacking)
    return (
        f"{channel_label(channel)}  {local_time(row.time_ms)}  {cut}: {having} of {len(delivery.devices)} devices have it.",
        *(f"  {one_line(device.name)}  {id_text(device.device)[:8]}  {why_words(device)}" for device in lacking),
    )


def why_words(device: DeviceDelivery) -> str:
    """`it waits at 2 of 2 mailboxes; the device fetches it there when it comes online`."""
    note = f"; {one_line(device.note)}" if device.note else ""
    if device.stored:
        return f"it waits at {device.stored} of {device.copies} mailboxes; {one_line(device.why)}{note}"
    return one_line(device.why) + ("; no mailbox has taken it yet" if device.copies else "") + note


def why_fields(channel: ChannelRow, row: MessageRow, delivery: DeliveryRow) -> dict[str, Plain]:
    return {
        "channel": id_text(channel.id),
        "id": id_text(row.id),
        "state": delivery.state.value,
        "devices": [
            {
                "user": id_text(device.user),
                "name": device.name,
                "device": id_text(device.device),
                "delivered": device.delivered,
                "why": device.why,
                "note": device.note,
                "stored": device.stored,
                "copies": device.copies,
            }
            for device in delivery.devices
        ],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """`instead`: what is said if nothing waits."""

    found: Sequence[Waiting]
    instead: tuple[str, ...] = (NOTHING_WAITS,)


async def explained(api: NodeApi, which: str, channel: ChannelId | None) -> Explained:
    """The message of this id, or what waits for this person, or in this `#channel`; without any, what waits in the channel, or
    else in all. `errors.NotFound`."""
    if which.startswith("#"):
        return Explained(found=await waiting(api, (await find_channel(api, which),)))
    if which:
        try:
            row = await find_message(api, which, channel)
        except (NotFound, UsageError) as error:
            return await _of_person(api, which, channel, error)
        return Explained(found=(((await api.channel(row.channel)).rows, row, (await api.delivery(row.id)).rows),))
    here = await waiting(api, ((await api.channel(channel)).rows,)) if channel is not None else []
    return Explained(found=here or await waiting(api, (await api.channels()).rows))


async def _of_person(api: NodeApi, name: str, channel: ChannelId | None, error: MultichatError) -> Explained:
    """What waits for them; if nothing does, how their devices are reached."""
    try:
        person = await find_person(api, name, channel)
    except NotFound:
        if isinstance(error, NotFound):
            raise error from None
        raise NotFound(
            f"There is no message, person or channel {one_line(name)[:60]!r}.",
            "/net why tells of what waits here; behind it the id of a message, a name, or a #channel.",
        ) from None
    found = await waiting(api, (await api.channels()).rows, person.user)
    ways = tuple(row for row in (await api.peers()).rows if row.user == person.user)
    return Explained(found=found, instead=(f"Nothing of yours waits for {one_line(person.name)}.", *peer_lines(ways)))


async def net(call: Call) -> Outcome:
    """`/net why [ID | NAME | #CHANNEL]`."""
    word, which = call.first_word() if call.words else ("why", "")
    if word != "why":
        raise call.misused("/peers lists the devices, /status the links.")
    told = await explained(call.api, which, call.channel)
    found = told.found
    lines = tuple(line for each in found for line in why_lines(*each)) or told.instead
    return Outcome(lines=lines, fields={"messages": [why_fields(*each) for each in found]}, hang=2)
