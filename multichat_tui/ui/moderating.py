"""Moderation from the main screen: keys on members and messages, as the sheet or the command that they stand for."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.intents import UndoDeed
from multichat_tui.model.regards import Regard
from multichat_tui.model.snapshots import ChannelKind, MemberRow, MessageRow, RowKind
from multichat_tui.node.api.commands.auditing import undoable
from multichat_tui.node.api.commands.reporting import HONEST
from multichat_tui.node.api.lookup import id_text, one_line
from multichat_tui.ui.desk import shown_name
from multichat_tui.ui.fuzzy import best
from multichat_tui.ui.overseeing import OverseeingScreen
from multichat_tui.ui.oversight import Target
from multichat_tui.ui.picker import Choice, PickerScreen
from multichat_tui.ui.sweeping import Deed

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen

DEEDS = {"member.both": Deed.BOTH, "member.ban": Deed.BAN, "member.kick": Deed.KICK, "member.silence": Deed.SILENCE}
LADDER = ("muted", "member", "moderator", "admin")


def command_about(action: str, member: MemberRow) -> str | None:
    """The line for the composer, with a space behind it for a reason; None where there is no higher or lower rank to give."""
    name = _quoted(member)
    match action:
        case "member.ignore" if member.regard is not Regard.NONE:
            return f"/{'unblock' if member.regard is Regard.BLOCKED else 'unignore'} {name}"
        case "member.ignore":
            return f"/ignore {name}"
        case "member.silence" if member.role == "muted":
            return f"/unsilence {name} "
        case "member.promote" | "member.demote" if member.role in LADDER:
            step = LADDER.index(member.role) + (1 if action == "member.promote" else -1)
            return f"/role {name} {LADDER[step]} " if 0 <= step < len(LADDER) else None
        case _:
            return None


class Overseer:
    """Moderation from the main screen: opens the console, from anywhere or for somebody; takes back what was done last."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen

    def open(self) -> OverseeingScreen | None:
        """The console of the open channel."""
        screen, front = self._screen, self._screen.front
        if isinstance(screen.app.screen, OverseeingScreen):
            return screen.app.screen
        if front.api is None or front.row is None:
            front.say("Open a channel first: the console is about one." if front.api is not None else "Still opening.", bad=True)
            return None
        if front.row.kind is ChannelKind.DIRECT:
            front.say("Nobody moderates a direct conversation: /block shuts somebody out.")
            return None
        made = OverseeingScreen(front.api, front.row.id, one_line(shown_name(front.row)), screen.palette, screen.glyphs)

        def closed(record: RecordId | None) -> None:
            screen.composer.focus()
            if record is not None:
                screen.move(self._show(record))

        screen.app.push_screen(made, closed)
        return made

    async def _show(self, record: RecordId) -> None:
        front = self._screen.front
        row = (await front.api.message(record)).rows if front.api is not None else None
        if row is None:
            front.say("That is not here any more.", bad=True)
        else:
            await self._screen.performer.show_row(row)

    def sweep(self, deed: Deed, targets: tuple[Target, ...], reports: tuple[RecordId, ...] = ()) -> None:
        """The console with a sheet for these people."""
        if (console := self.open()) is not None:
            console.begin(deed, targets, reports)

    def about_members(self, action: str, users: tuple[UserId, ...]) -> None:
        """A key on the member pane. What asks for a reason first opens a sheet; a rank stands as a command in the composer."""
        screen, front = self._screen, self._screen.front
        rows = {row.user: row for row in front.desk.members}
        members = [rows[user] for user in users if user in rows]
        if not members:
            front.say("Choose somebody in the list of members.")
            return
        screen.members.marked.clear()
        first = members[0]
        silenced = action == "member.silence" and first.role == "muted" and len(members) == 1
        if action in DEEDS and not silenced:
            self.sweep(DEEDS[action], tuple(Target(user=row.user, name=row.name) for row in members if not row.me))
        elif action == "member.who":
            screen.move(screen.outbox.command(f"/whois {_quoted(first)}", "", screen.composer.place))
        elif screen.composer.text.strip():
            front.say("Send or erase what you are writing first.")
        elif (line := command_about(action, first)) is None:
            front.say(f"{one_line(first.name)} has no such rank to be given.")
        else:
            screen.composer.focus()
            screen.composer.insert(line)

    def about_message(self, row: MessageRow) -> None:
        """A small menu for a message and its author."""
        screen, name = self._screen, one_line(row.name)
        if row.kind not in (RowKind.MESSAGE, RowKind.HELD) or row.mine:
            screen.front.say("What you wrote is yours: choose a message of somebody else." if row.mine else "That is no message.")
            return
        target = (Target(user=row.author, name=row.name),)
        report = f"/report {id_text(row.id)[:12]} "
        entries: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("report", f"report this message of {name} to the moderators", lambda: self._prefill(report)),
            ("redact", "take this message away, everywhere", lambda: self._redact(row)),
            ("silence", f"silence {name}", lambda: self.sweep(Deed.SILENCE, target)),
            ("kick", f"kick {name}", lambda: self.sweep(Deed.KICK, target)),
            ("ban", f"ban {name}", lambda: self.sweep(Deed.BAN, target)),
            ("console", "the moderation console", self._console),
        )

        def offer(typed: str) -> list[Choice]:
            palette = screen.palette
            found = best(typed, entries, lambda each: each[0])
            return [Choice(key=word, left=((f"{word:<9}", palette.strong), (told, palette.dim))) for word, told, _ in found]

        def taken(picked: tuple[Hashable, bool] | None) -> None:
            if picked is not None:
                next(act for word, _, act in entries if word == picked[0])()

        screen.app.push_screen(PickerScreen("Moderate", offer, screen.palette, screen.glyphs), taken)

    def _redact(self, row: MessageRow) -> None:
        if (console := self.open()) is not None:
            console.begin(Deed.REDACT, (Target(user=row.author, name=row.name),), written={row.author: (row.id,)})

    def _console(self) -> None:
        self.open()

    def _prefill(self, text: str) -> None:
        screen = self._screen
        screen.composer.focus()
        screen.front.typed.set_aside(screen.front.current, screen.composer.text)
        screen.composer.prefill(text)
        screen.front.say(HONEST)

    async def take_back(self) -> None:
        """What one did last in the open channel, if that can be taken back."""
        front = self._screen.front
        if front.api is None or front.current is None:
            front.say("Open a channel first.", bad=True)
            return
        try:
            rows = [row for row in await undoable(front.api, front.current) if row.mine]
            if not rows:
                front.say("You have done nothing here that can be taken back.")
                return
            await front.api.submit(UndoDeed(channel=front.current, record=rows[0].id))
        except MultichatError as error:
            front.say(str(error), bad=True)
            return
        front.say(f"Done: {one_line(rows[0].undo)}. {rows[0].stays}".rstrip())


def _quoted(member: MemberRow) -> str:
    name = one_line(member.name)
    return f'"{name}"' if " " in name else name


def command_about_messages(rows: list[MessageRow]) -> str | None:
    """The line for the composer that takes messages away; with a space behind for a reason, unless it is one of ones own.
    None where none of the rows is a message."""
    names = [id_text(row.id) for row in rows if row.kind in (RowKind.MESSAGE, RowKind.HELD)]
    if not names:
        return None
    return f"/delete {names[0]}" if len(names) == 1 and rows[0].mine else f"/redact {','.join(names)} "
