"""The slash command that says who could learn what of a channel; and what it shares with the command line."""

from multichat_tui.model.exposure import ExposureRow, Party
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, one_line

TITLES = {
    Party.MEMBERS: "Members",
    Party.UNVERIFIED: "Not verified",
    Party.FORMER: "Not in it any more",
    Party.READERS: "Everybody who has the link for reading",
    Party.MAILBOXES: "Mailboxes",
    Party.OWN_DEVICES: "Your other devices",
    Party.NETWORK: "Networks",
}


def exposure_lines(row: ExposureRow) -> tuple[str, ...]:
    """`Members (3): ann, bob, kim`, then a sentence a line."""
    count = f" ({row.count})" if row.count else ""
    more = f" and {row.count - len(row.names)} more" if row.count > len(row.names) else ""
    names = f": {', '.join(one_line(name) for name in row.names)}{more}" if row.names else ""
    return (f"{TITLES[row.party]}{count}{names}", *(f"  {sentence}" for sentence in row.learns))


def exposure_fields(row: ExposureRow) -> dict[str, Plain]:
    return {"party": row.party.value, "count": row.count, "names": list(row.names), "learns": list(row.learns)}


NOT_HERE = "This channel has not arrived yet, so nothing can be said of it."


async def privacy(call: Call) -> Outcome:
    call.need_none()
    channel = call.need_channel()
    rows = (await call.api.exposure(channel)).rows
    if not rows:
        return Outcome(lines=(NOT_HERE,))
    title = f"Who could learn what of {channel_label((await call.api.channel(channel)).rows)}"
    lines = tuple(line for row in rows for line in exposure_lines(row))
    return Outcome(lines=(title, *lines), fields={"parties": [exposure_fields(row) for row in rows]}, hang=2)
