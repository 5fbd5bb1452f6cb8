"""Who has a message: what `i` shows."""

from multichat_tui.model.ids import fingerprint, short
from multichat_tui.model.snapshots import Delivery, DeliveryRow, DeviceDelivery, MessageRow
from multichat_tui.ui.cells import one_line
from multichat_tui.ui.entries import local_time
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.panel import Page

WORDS = {
    Delivery.OTHERS: "Sent by somebody else; this device has it.",
    Delivery.ALONE: "Nobody else is in the channel yet: whoever joins may get it.",
    Delivery.QUEUED: "Waiting: none of the others has it yet. It is sent as soon as one of their devices is reached.",
    Delivery.STORED: (
        "It lies at the mailboxes of those who do not have it: they fetch it when they come, whether you are there or not."
    ),
    Delivery.SOME: "Some of the others have it, the rest get it when they are reached.",
    Delivery.ALL: "Everybody has it.",
    Delivery.READ: "Everybody has read it, as they say.",
    Delivery.FAILED: "It could not be sent.",
}


def _state(row: MessageRow, delivery: DeliveryRow) -> Delivery:
    """Topics and the like carry no sign of delivery; their devices tell it."""
    if not row.mine or delivery.state is not Delivery.OTHERS:
        return delivery.state
    having = sum(device.delivered for device in delivery.devices)
    if not delivery.devices:
        return Delivery.ALONE
    return Delivery.ALL if having == len(delivery.devices) else Delivery.SOME if having else Delivery.QUEUED


def _sign(device: DeviceDelivery, glyphs: Glyphs) -> str:
    has = Delivery.READ if device.read else Delivery.SOME
    state = has if device.delivered else Delivery.STORED if device.stored else Delivery.QUEUED
    return glyphs.delivery(state, device.stored, device.copies)


def _stored_words(device: DeviceDelivery) -> str:
    if not device.copies:
        return "does not have it yet"
    if not device.stored:
        return "does not have it yet; no mailbox has taken it"
    return (
        f"does not have it yet; it waits at {device.stored} of {device.copies} {'mailbox' if device.copies == 1 else 'mailboxes'}"
    )


def one_line_each(text: str) -> list[str]:
    """Its lines, none of which can pass for another."""
    return [one_line(line) for line in text.split("\n")]


def receipt_page(row: MessageRow, delivery: DeliveryRow, glyphs: Glyphs) -> Page:
    """State in words, why it failed, every device."""
    sent = local_time(row.time_ms)
    lines = [WORDS[_state(row, delivery)]]
    if delivery.failure or row.failure:
        lines.append(f"Reason: {one_line(delivery.failure or row.failure)}")
    if row.expires_ms is not None:
        lines.append(
            f"It is gone from everywhere on {local_time(row.expires_ms):%Y-%m-%d at %H:%M:%S}, by each device's own clock."
        )
    if row.late:
        lines.append("It came late: messages after it were here already.")
    if delivery.devices:
        lines.append("")
    signs = {device.device: _sign(device, glyphs) for device in delivery.devices}
    cells = max(map(len, signs.values()), default=0)
    for device in sorted(delivery.devices, key=lambda device: (not device.delivered, device.name.casefold(), device.device)):
        told = ("has read it" if device.read else "has it") if device.delivered else _stored_words(device)
        lines.append(f"  {signs[device.device]:<{cells}} {one_line(device.name)}  {told}  (device {short(device.device)})")
        lines += [f"  {'':{cells}} {one_line(said)}" for said in (device.why, device.note) if said]
    if delivery.reactions:
        lines.append("")
    lines += [f"  {one_line(each.emoji)} {', '.join(one_line(name) for name in each.names)}" for each in delivery.reactions]
    if delivery.versions:
        lines += ["", "What it said, the first text first:"]
    for version in delivery.versions:
        begin, *rest = one_line_each(version.text)
        lines.append(f"  {local_time(version.time_ms):%Y-%m-%d %H:%M:%S}  {begin}")
        lines += [f"  {'':19}  {line}" for line in rest]
    lines += ["", f"From {one_line(row.name)}, {sent:%Y-%m-%d %H:%M:%S}", f"Message {fingerprint(row.id)}"]
    return Page(title="Who has it", lines=tuple(lines))
