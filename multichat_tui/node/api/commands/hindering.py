"""The slash command that says why messages wait; and what it shares with the command line."""

from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.limits import MAX_PAGE_ROWS
from multichat_tui.model.snapshots import ChannelRow, Delivery, DeliveryRow, DeviceDelivery, MessageRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_message, id_text, one_line
from multichat_tui.node.api.transcript import local_time

WAITING = (Delivery.QUEUED, Delivery.STORED, Delivery.SOME)
SHOWN_CHARACTERS = 40
NOTHING_WAITS = "Nothing of yours waits: all that you wrote lately has arrived everywhere."


async def waiting(api: NodeApi, channels: tuple[ChannelRow, ...]) -> list[tuple[ChannelRow, MessageRow, DeliveryRow]]:
    """Of each channel the newest message of one's own that somebody lacks, among its newest rows."""
    found = []
    for channel in channels:
        rows = (await api.timeline(channel.id, limit=MAX_PAGE_ROWS)).rows
        newest = next((row for row in reversed(rows) if row.mine and row.state in WAITING), None)
        if newest is not None:
            found.append((channel, newest, (await api.delivery(newest.id)).rows))
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
    """`it was not reached yet; it lies at 2 of 2 mailboxes for it`."""
    note = f"; {one_line(device.note)}" if device.note else ""
    if device.stored:
        return f"{one_line(device.why)}; it lies at {device.stored} of {device.copies} mailboxes for it{note}"
    return one_line(device.why) + ("; no mailbox has taken it for it yet" if device.copies else "") + note


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


async def explained(api: NodeApi, which: str, channel: ChannelId | None) -> list[tuple[ChannelRow, MessageRow, DeliveryRow]]:
    """The message of this id, or, without one, what waits in this channel, or in all. `errors.NotFound`."""
    if which:
        row = await find_message(api, which, channel)
        return [((await api.channel(row.channel)).rows, row, (await api.delivery(row.id)).rows)]
    if channel is not None:
        return await waiting(api, ((await api.channel(channel)).rows,))
    return await waiting(api, (await api.channels()).rows)


async def net(call: Call) -> Outcome:
    """`/net why [ID]`."""
    word, which = call.first_word() if call.words else ("why", "")
    if word != "why":
        raise UsageError(f"Usage: {call.usage}", "/peers lists the devices, /status the links.")
    found = await explained(call.api, which, call.channel)
    if not found and call.channel is not None:
        found = await explained(call.api, "", None)
    lines = tuple(line for each in found for line in why_lines(*each)) or (NOTHING_WAITS,)
    return Outcome(lines=lines, fields={"messages": [why_fields(*each) for each in found]}, hang=2)
