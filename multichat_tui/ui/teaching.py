"""What stands where nothing is yet: each empty place says what it is for, and which keys and commands fill it."""

from multichat_tui.model.history import policy_words
from multichat_tui.model.snapshots import ChannelKind, ChannelRow
from multichat_tui.ui.actions import hint
from multichat_tui.ui.cells import one_line
from multichat_tui.ui.desk import Desk, shown_name, standing

WELCOME = (
    "Welcome to Multichat",
    "No server, nobody in between: you and the people you pair with.",
    "",
    "/pair  makes a link. Hand it to a friend; when they accept it, you can write to each other.",
    "/pair LINK  accepts a friend's link.",
    "{trust}  meets somebody on this network without a link: both compare four words.",
    "/create NAME  makes a channel; /invite then makes a link that lets others in.",
    "/join LINK  joins a channel.",
    "",
    "{help} shows every key, {palette} every command, {quit} quits.",
)
NO_CHANNELS = (
    "No channel yet",
    "/create NAME makes one, and /invite then a link that lets others in. /join LINK joins one of somebody else.",
    "/query NAME, or Enter on a name at the left, writes to one person.",
    "",
    "{help} shows every key, {palette} every command, {quit} quits.",
)
CHOOSE = (
    "Nothing is open",
    "{switcher} goes to a channel or a person by a few letters of the name, Alt+1 to Alt+9 by number; or click one.",
    "/query NAME writes to a contact, /create NAME makes a channel.",
)
NO_GROUPS_HERE = ("/create NAME", "/join LINK")
NO_PEOPLE_HERE = ("/pair makes a link", "{trust} who is nearby")
NO_THREAD = "Nothing here has replies yet: {view.cursor}, then {thread} on a message begins a thread."


def with_keys(text: str) -> str:
    """With the keys in force in the places of actions, which stand in braces."""
    for action in ("help", "palette", "quit", "switcher", "trust", "view.cursor", "thread"):
        text = text.replace("{" + action + "}", hint(action))
    return text


def beginning_of(row: ChannelRow | None, desk: Desk) -> tuple[str, ...]:
    """What stands before the first row of a timeline; where no channel is open, what to do."""
    if row is None:
        lines = CHOOSE if desk.channels else NO_CHANNELS if desk.contacts else WELCOME
        return tuple(with_keys(line) for line in lines)
    if hindered := standing(row):
        return (shown_name(row), hindered)
    if row.kind is ChannelKind.DIRECT:
        return _conversation(row, desk)
    if row.kind is ChannelKind.WORKSPACE:
        return (
            f"The beginning of {shown_name(row)}",
            "/list shows its channels, /join #NAME joins one that is open, /workspace make NAME makes one. "
            "/invite lets people in.",
        )
    if row.members <= 1:
        return (
            f"The beginning of {shown_name(row)}",
            "You are alone here: /invite makes a link to hand over (c shows it as a QR code). Whoever joins sees "
            f"{policy_words(row.history)} (/newcomers changes that).",
            "/topic TEXT says what it is about.",
        )
    return (f"The beginning of {shown_name(row)}", "/topic sets the topic, /invite lets others in.")


def _conversation(row: ChannelRow, desk: Desk) -> tuple[str, ...]:
    """The first lines of a conversation of two: who can read it, and whether it is clear who the other one is."""
    contact = desk.contacts.get(row.user) if row.user is not None else None
    name = _word(row.name)
    if contact is None and desk.contacts_read:
        trust = f"{row.name} is no contact of yours, and nothing shows who they are: /pair makes a link for them."
    elif contact is not None and contact.verified:
        trust = f"You have verified that this is {row.name}."
    else:
        trust = (
            f"Be sure who this is: /verify {name} compares four words on both screens while both are online, "
            f"/whois {name} shows the safety number."
        )
    boxes = 0 if contact is None else contact.mailboxes
    if boxes:
        where = {1: "at their mailbox", 2: "at their two mailboxes"}.get(boxes, f"at two of their {boxes} mailboxes")
        waits = (f"{row.name} is offline: what you write is left {where}, and comes whether you are there then or not.",)
    else:
        waits = (f"{row.name} is offline: what you write is kept, and delivered when you both are there.",)
    return (
        f"Your conversation with {row.name}",
        f"Only the two of you can read it. {trust}",
        *(() if row.online else waits),
    )


def _word(name: str) -> str:
    """As an argument of a command."""
    return f'"{one_line(name)}"' if " " in name else one_line(name)


def missing_sections(desk: Desk) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The sections of the side pane that are empty, each with its heading and what fills it; none before all is read."""
    if not desk.contacts_read:
        return ()
    groups = any(row.kind is not ChannelKind.DIRECT for row in desk.channels.values())
    asked = desk.status is not None and bool(desk.status.requests)
    people = asked or bool(desk.contacts) or any(row.kind is ChannelKind.DIRECT for row in desk.channels.values())
    found: list[tuple[str, tuple[str, ...]]] = []
    if not groups:
        found.append(("CHANNELS", NO_GROUPS_HERE))
    if not people:
        found.append(("DIRECT", tuple(with_keys(line) for line in NO_PEOPLE_HERE)))
    return tuple(found)
