"""What header, side panes, rule and status line say: pure functions from what the desk knows to pieces and items."""

from collections.abc import Sequence

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.ranks import RANKS
from multichat_tui.model.regards import Regard
from multichat_tui.model.snapshots import (
    ChannelKind,
    ChannelRow,
    ContactRow,
    MailboxState,
    MemberRow,
    Membership,
    MessageRow,
    Progress,
    StatusRow,
)
from multichat_tui.model.text import describe_ms
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.alarm_words import alarm_words
from multichat_tui.ui.actions import Scope, hint
from multichat_tui.ui.cells import Piece, one_line
from multichat_tui.ui.desk import Desk, shown_name, standing
from multichat_tui.ui.entries import local_time
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.lists import Item
from multichat_tui.ui.palette import PLAIN, Palette
from multichat_tui.ui.teaching import missing_sections

STANDINGS = {
    Membership.JOINING: "joining",
    Membership.REFUSED: "not let in",
    Membership.LEFT: "you left",
    Membership.REMOVED: "removed",
    Membership.READING: "reading, not a member",
}

GONE = {Membership.REFUSED, Membership.LEFT, Membership.REMOVED}
WAITING = {Membership.JOINING, Membership.ASKED}


def header(row: ChannelRow | None, desk: Desk, palette: Palette, glyphs: Glyphs) -> tuple[list[Piece], list[Piece]]:
    """Channel and topic; path, people online, encryption."""
    if row is None:
        name = f"  {one_line(desk.me.name)}" if desk.me is not None else ""
        return [(" multichat", palette.strong), (name, palette.dim)], [(" E2EE ", palette.good)]
    sign = presence(row.online > 0, palette, glyphs) if row.kind is ChannelKind.DIRECT else ("", PLAIN)
    space = desk.workspace_of(row)
    within = f"{one_line(space.name)} {glyphs.within} " if space is not None else ""
    left: list[Piece] = [(" ", PLAIN), sign, (" " if sign[0] else "", PLAIN), (within, palette.dim)]
    left += [(one_line(shown_name(row)), palette.strong)]
    if row.topic:
        left += [("  ", PLAIN), (one_line(row.topic), palette.dim)]
    disappears_ms = min((span for span in (row.keeps_ms, row.lives_ms) if span), default=0)
    if disappears_ms:
        whose = "messages" if row.keeps_ms == disappears_ms else "yours"
        left.append((f"  {whose} disappear after {describe_ms(disappears_ms)}", palette.warn))
    others = max(0, row.members - 1)
    if row.kind is ChannelKind.DIRECT:
        contact = desk.contacts.get(row.user) if row.user is not None else None
        trust = ("verified", palette.good) if contact is not None and contact.verified else ("not verified", palette.warn)
        if contact is not None and contact.alarm is not None and contact.alarm.alarming:
            trust = (f"{glyphs.alarm} KEY WARNING", palette.bad)
        elif contact is not None and contact.closed:
            trust = ("account closed", palette.bad)
        people: Piece = ("online" if row.online else "offline", palette.good if row.online else palette.dim)
        middle: list[Piece] = [(" ", PLAIN), trust, (f" {glyphs.bar} ", palette.faint), people]
    elif row.membership is not Membership.JOINED:
        middle = [(f" {STANDINGS[row.membership]}", palette.warn)]
    else:
        told = f" {row.online + 1}/{row.members} online" if others else " alone here"
        middle = [(told, palette.good if row.online else palette.dim)]
    path = desk.path_of(row)
    right: list[Piece] = [(f" {path} {glyphs.bar}", palette.dim)] if path else []
    return left, [*right, *middle, (f" {glyphs.bar} ", palette.faint), ("E2EE ", palette.good)]


def presence(online: bool, palette: Palette, glyphs: Glyphs) -> Piece:
    return (glyphs.online, palette.good) if online else (glyphs.offline, palette.dim)


def channel_items(desk: Desk, current: ChannelId | None, palette: Palette, glyphs: Glyphs) -> list[Item]:
    """Workspaces with their channels, other groups, then direct conversations, each with the digit that opens it; what fills a
    section that is empty. A workspace is the heading of its section, and can be opened itself."""
    places = desk.places
    inside = {row.id: space.id for space, rows in places for row in rows if space is not None}
    sections: dict[str | ChannelId, list[Item]] = {space.id: [] for space, _ in places if space is not None}
    sections |= {"CHANNELS": [], "DIRECT": []}
    for number, row in enumerate(desk.ordered, start=1):
        direct = isinstance(row, ContactRow) or row.kind is ChannelKind.DIRECT
        item = _place(row, f"{number % 10} " if number <= 10 else "  ", desk, current, palette, glyphs)
        space = None if isinstance(row, ContactRow) else inside.get(row.id)
        sections[space or ("DIRECT" if direct else "CHANNELS")].append(item)
    asking = desk.status.requests if desk.status is not None else ()
    sections["DIRECT"] += [
        Item(left=(("  + ", palette.warn), (one_line(row.name), PLAIN)), right=(("asks ", palette.dim),), target=row.user)
        for row in asking
    ]
    for title, lines in missing_sections(desk):
        sections[title] = [Item(left=(("  " + line, palette.dim),)) for line in lines]
    items: list[Item] = []
    for section, listed in sections.items():
        if listed:
            heading = [Item(left=((section, palette.dim),))] if isinstance(section, str) else []
            items += [*([Item(left=())] if items else []), *heading, *listed]
    return items


def _place(
    row: ChannelRow | ContactRow, digit: str, desk: Desk, current: ChannelId | None, palette: Palette, glyphs: Glyphs
) -> Item:
    """A channel, a conversation, or somebody whom one has not written to."""
    if isinstance(row, ContactRow):
        sign = (glyphs.waiting, palette.warn) if row.pending else presence(row.online, palette, glyphs)
        note: tuple[Piece, ...] = (("pairing", palette.warn),) if row.pending else _warned(row, palette, glyphs)
        name = one_line(row.name) or "somebody"
        return Item(left=((digit, palette.faint), sign, (" " + name, palette.dim)), right=note, target=row.user)
    style = palette.mention if row.mentions else palette.strong if row.unread else PLAIN
    if row.kind is ChannelKind.DIRECT:
        sign = presence(row.online > 0, palette, glyphs)
        left: tuple[Piece, ...] = ((digit, palette.faint), sign, (" " + one_line(row.name), style))
        warned = _warned(desk.contacts.get(row.user) if row.user is not None else None, palette, glyphs)
        return Item(left=left, right=(*warned, *counts(row, palette, glyphs)), target=row.id, current=row.id == current)
    if row.kind is ChannelKind.WORKSPACE:
        # The heading of its section.
        left = ((digit, palette.faint), (one_line(row.name).upper(), style if row.unread else palette.strong))
    else:
        left = ((digit, palette.faint), (one_line(shown_name(row)), style))
    return Item(left=left, right=counts(row, palette, glyphs), target=row.id, current=row.id == current)


def _warned(row: ContactRow | None, palette: Palette, glyphs: Glyphs) -> tuple[Piece, ...]:
    """A mark beside those about whose keys there is a warning, and those who are gone."""
    if row is not None and row.closed:
        return (("closed ", palette.dim),)
    if row is not None and row.regard is not Regard.NONE and (row.alarm is None or not row.alarm.alarming):
        return ((f"{row.regard.value} ", palette.dim),)
    if row is None or row.alarm is None or not row.alarm.alarming:
        return ()
    return ((f"{glyphs.alarm} ", palette.bad),)


def counts(row: ChannelRow, palette: Palette, glyphs: Glyphs) -> tuple[Piece, ...]:
    if row.membership in GONE:
        return ((STANDINGS[row.membership] + " ", palette.dim),)
    if row.membership in WAITING or (row.kind is ChannelKind.DIRECT and not row.unread and standing(row)):
        return ((glyphs.waiting, palette.warn),)
    if row.mentions:
        others = row.unread - row.mentions
        return ((f"@{_few(row.mentions)}", palette.mention), (f" {_few(others)}" if others > 0 else "", palette.unread))
    return ((_few(row.unread), palette.unread),) if row.unread else ()


def _few(count: int) -> str:
    return str(count) if count < 1000 else "999+"


ROLES = (
    ("founder", "FOUNDERS"),
    ("admin", "ADMINS"),
    ("moderator", "MODERATORS"),
    ("member", "MEMBERS"),
    ("muted", "MUTED"),
)


def member_items(members: Sequence[MemberRow], palette: Palette, glyphs: Glyphs) -> list[Item]:
    """By role, those online first; oneself is said to be oneself, and who is verified."""
    items: list[Item] = []
    titles = dict(ROLES)
    roles = {member.role: RANKS.get(member.role, member.rank) for member in members}
    for role in sorted(roles, key=lambda role: (-roles[role], role)):
        rows = [member for member in members if member.role == role]
        title = titles.get(role) or one_line(role).upper()
        if items:
            items.append(Item(left=()))
        items.append(Item(left=((f"{title} {len(rows)}", palette.dim),)))
        for member in sorted(rows, key=lambda m: (not (m.online or m.me), m.name.casefold(), m.user)):
            there = member.online or member.me
            name: Piece = (" " + one_line(member.name), palette.of_person(member.user) if there else palette.dim)
            note: tuple[Piece, ...] = ()
            if member.forked:
                note = ((f"{glyphs.alarm} copied", palette.bad),)
            elif member.provisional:
                note = (("unsettled", palette.warn),)
            elif member.regard is not Regard.NONE:
                note = ((member.regard.value, palette.dim),)
            elif member.me:
                note = (("you", palette.dim),)
            elif member.verified:
                note = (("ok", palette.good),)
            items.append(Item(left=(presence(there, palette, glyphs), name), right=note, target=member.user))
    return items


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line of news for the user, until the next one."""

    text: str
    bad: bool = False


def status(
    row: StatusRow | None, desk: Desk, note: Note | None, opening: str, palette: Palette, glyphs: Glyphs
) -> tuple[list[Piece], list[Piece]]:
    """Trouble before news before how many people there are links to; one person may have several."""
    told = (("switcher", "go to"), ("palette", "commands"), ("help", "help"))
    keys: list[Piece] = [(f"{hint(action)} {words}{'  ' if action != 'help' else ' '}", palette.dim) for action, words in told]
    if note is not None:
        return [(" " + one_line(note.text), palette.bad if note.bad else palette.accent)], [keys[2]] if len(
            note.text
        ) < 50 else []
    if row is None:
        return [(f" {opening}", palette.warn)], keys
    if row.trouble:
        return [(" " + one_line(row.trouble), palette.bad)], [keys[2]]
    alarms = [alarm for alarm in row.alarms if alarm.kind.alarming]
    if alarms:
        text = alarm_words(alarms[0])[0] + (f" (and {len(alarms) - 1} more)" if len(alarms) > 1 else "")
        return [(f" {glyphs.alarm} {text} /trust", palette.bad)], [keys[2]]
    first: list[Piece] = []
    if any(not each.state.over for each in row.comparisons):
        first = [(f" comparing words: {hint('trust')} {glyphs.dot}", palette.warn)]
    elif row.nearby is not None:
        first = [(f" VISIBLE NEARBY: {hint('trust')} {glyphs.dot}", palette.warn)]
    people, own = desk.linked, desk.linked_devices
    links = f" {people} {'person' if people == 1 else 'people'} linked" if people else " nobody linked"
    if not people and own:
        links += f" but {own} of your devices"
    if row.resting_until_ms is not None:
        links = f" resting until {local_time(row.resting_until_ms):%H:%M}"
    elif not people and row.lan:
        links += ", looking around"
    left: list[Piece] = [*first, (links, palette.good if people else palette.dim)]
    if row.queued > row.stored:
        left.append((f" {glyphs.dot} {row.queued - row.stored} queued", palette.warn))
    if row.stored:
        left.append((f" {glyphs.dot} {row.stored} stored", palette.dim))
    chosen = [box for box in row.mailboxes if box.state is not MailboxState.LEAVING]
    failing = sum(box.failing is not None for box in chosen)
    if chosen and (failing or row.resting_until_ms is None):
        # Who rests is linked with none of them, and misses none.
        serving = sum(box.serving for box in chosen)
        style = palette.dim if serving == len(chosen) else palette.warn
        more = f", {failing} failing" if failing else ""
        left.append((f" {glyphs.dot} mailboxes {serving}/{len(chosen)}{more}", style))
    left.extend((f" {glyphs.dot} {progress_words(work)}", palette.accent) for work in row.progress[:MAX_SHOWN_WORK])
    return left, keys


MAX_SHOWN_WORK = 2


def progress_words(work: Progress) -> str:
    """What is under way, and how far it is."""
    far = f"{work.done:,} of {work.total:,}" if work.total else f"{work.done:,}"
    return f"{one_line(work.what)}: {far}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """What the rule between timeline and composer tells."""

    new: int
    scrolled: bool
    unread_above: bool
    reply_to: MessageRow | None
    editing: MessageRow | None = None


def rule(below: Below, palette: Palette, glyphs: Glyphs) -> tuple[list[Piece], list[Piece]]:
    left: list[Piece] = []
    if below.reply_to is not None:
        left = [(f"{glyphs.rule * 2} replying to ", palette.dim), (one_line(below.reply_to.name), palette.accent)]
        left += [(f": {one_line(below.reply_to.text)[:60]} ", palette.dim), ("(Esc cancels) ", palette.dim)]
    elif below.editing is not None:
        left = [(f"{glyphs.rule * 2} editing your message", palette.dim), (" (Esc leaves it as it is) ", palette.dim)]
    right: list[Piece] = []
    if below.unread_above:
        right.append((f" {glyphs.up} unread above ({hint('view.unread')}) ", palette.unread))
    if below.new:
        right.append((f" {glyphs.down} {below.new} new (End) ", palette.unread))
    elif below.scrolled:
        right.append((f" {glyphs.down} newer below (End) ", palette.dim))
    if right:
        right.append((glyphs.rule * 2, palette.faint))
    return left, right


DELIVERED_LATER = "delivered when they come"


def prompt(row: ChannelRow | None, desk: Desk, *, in_thread: bool = False) -> tuple[str, str]:
    """The composer's prompt, and the hint while it is empty."""
    if row is None:
        return ">", how_to_open(desk)
    name = one_line(shown_name(row))
    if in_thread:
        return f"{name} thread >", "reply in the thread; Esc closes it"
    if hindered := standing(row):
        return f"{name} >", hindered
    if row.kind is ChannelKind.DIRECT and not row.online:
        contact = desk.contacts.get(row.user) if row.user is not None else None
        boxes = 0 if contact is None else contact.mailboxes
        left = f"what you write goes to their {'mailbox' if boxes == 1 else 'mailboxes'}" if boxes else DELIVERED_LATER
        return f"{name} >", f"{one_line(row.name)} is offline: {left}"
    if row.members > 1 and not row.online:
        return f"{name} >", f"nobody else is online: {_where_it_waits(desk)}"
    return f"{name} >", ""


def _where_it_waits(desk: Desk) -> str:
    """What is written in the open channel while nobody else is there. Of contacts alone is it known if they have mailboxes."""
    contacts = [desk.contacts.get(member.user) for member in desk.members if not member.me]
    having = sum(contact is not None and contact.mailboxes > 0 for contact in contacts)
    if not having:
        return DELIVERED_LATER
    return f"what you write goes to {'their mailboxes' if having == len(contacts) else 'mailboxes, or waits here'}"


def how_to_open(desk: Desk) -> str:
    """What there is to do where nothing is open."""
    return f"{hint('switcher')} opens a conversation" if desk.channels else "type /pair, /create NAME or /join LINK"


def where_keys_go(scope: Scope) -> str:
    """The composer's hint while it is without the keys; empty while it has them."""
    match scope:
        case Scope.TIMELINE:
            told = (("reply", "reply"), ("thread", "thread"), ("who", "who has it"), ("copy", "copy"))
            return ", ".join([f"{hint('cursor.down')} {hint('cursor.up')} move", *(f"{hint(key)} {what}" for key, what in told)])
        case Scope.LISTS:
            return f"{hint('list.down')} {hint('list.up')} move, {hint('list.open')} opens, {hint('list.verify')} verifies"
        case Scope.MEMBERS:
            keys = (("mark", "marks"), ("kick", "kicks"), ("ban", "bans"), ("silence", "silences"), ("open", "writes to"))
            return ", ".join(f"{hint(f'member.{key}')} {what}" for key, what in keys)
        case _:
            return ""
