"""Every action of the screens, once: id, title, scope, default keys. Bindings and help are made from this."""

from collections.abc import Mapping
from enum import StrEnum

from multichat_tui.model.values import dataclass


class Scope(StrEnum):
    """Where an action's keys work. ANYWHERE: on the main screen, unless the focused pane uses the key itself."""

    ANYWHERE = "anywhere"
    COMPOSER = "composer"
    TIMELINE = "timeline"
    LISTS = "lists"
    """The pane of channels."""
    MEMBERS = "members"
    """The pane of members."""
    PANEL = "panel"
    COMPARE = "compare"
    """The screen on which words are compared."""
    SEARCH = "search"
    """The search over all history. What edits its line is as in the composer."""
    CONSOLE = "console"
    """The moderation console."""
    SWEEP = "sweep"
    """The sheet on which it is put together what is to be done there."""
    PICKER = "picker"
    """A list that one picks from by typing. What edits a line there is as in the composer."""


TITLES = {
    Scope.COMPOSER: "Writing",
    Scope.TIMELINE: "Timeline cursor",
    Scope.LISTS: "Channel pane",
    Scope.MEMBERS: "Member pane",
    Scope.PANEL: "This panel",
    Scope.COMPARE: "Comparing words, people nearby",
    Scope.SEARCH: "Searching messages",
    Scope.CONSOLE: "Moderation console",
    Scope.SWEEP: "Before something is done there",
    Scope.PICKER: "Lists to pick from",
    Scope.ANYWHERE: "Anywhere",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`keys` in Textual's names. At least one of them works in plain tmux, without the kitty protocol."""

    id: str
    title: str
    scope: Scope
    keys: tuple[str, ...]


def _action(scope: Scope, identifier: str, title: str, *keys: str) -> Action:
    return Action(id=identifier, title=title, scope=scope, keys=keys)


_ANYWHERE = (
    ("help", "Help for the focused pane", "f1"),
    ("quit", "Quit; nothing is lost", "ctrl+q"),
    ("switcher", "Go to a channel, a person or a message", "ctrl+k"),
    ("palette", "Commands and actions", "ctrl+p"),
    ("trust", "Compare words with a contact, meet people nearby", "f4"),
    ("search", "Search messages", "ctrl+f", "f3"),
    ("moderation", "Moderation console: reports, who has come, what was done", "f2"),
    ("take-back", "Take back what you did last as a moderator", "alt+z"),
    ("lock", "Lock: hide everything until the passphrase is typed", "alt+l"),
    ("redraw", "Redraw the screen", "ctrl+l"),
    ("mouse", "Mouse on or off (off: the terminal selects text itself)", "alt+m"),
    ("channel.previous", "Previous channel", "alt+up", "f7"),
    ("channel.next", "Next channel", "alt+down", "ctrl+n", "f8"),
    ("channel.last", "The channel you were in before", "alt+slash"),
    ("channel.active", "Next channel with activity, mentions first", "alt+a"),
    *((f"channel.{n}", f"Channel {n}", f"alt+{n}") for n in range(1, 10)),
    ("channel.10", "Channel 10", "alt+0"),
    ("view.unread", "First unread message", "alt+u"),
    ("mention.previous", "Previous message that mentions you", "alt+p"),
    ("mention.next", "Next message that mentions you", "alt+n"),
    ("read.all", "Mark everything read, in every channel", "alt+shift+u"),
    ("view.page-up", "Page up", "pageup"),
    ("view.page-down", "Page down", "pagedown"),
    ("view.half-up", "Half a page up", "alt+pageup"),
    ("view.half-down", "Half a page down", "alt+pagedown"),
    ("view.first", "Oldest message", "alt+home"),
    ("view.last", "Newest message", "alt+end"),
    ("view.cursor", "Timeline cursor (also Esc from an empty line)", "shift+up"),
    ("pane.channels", "Show or hide the channels", "f5"),
    ("pane.members", "Show or hide the members", "f6"),
    ("focus.next", "Next pane (from an empty line)", "tab"),
    ("focus.previous", "Previous pane (from an empty line)", "shift+tab"),
    ("focus.composer", "To the composer", "f9"),
    ("back", "One step back, to the composer in the end", "escape"),
)
_COMPOSER = (
    ("send", "Send", "enter"),
    ("newline", "New line", "ctrl+j", "alt+enter", "shift+enter"),
    ("complete", "Complete a name, a channel or a command; again for the next", "tab"),
    ("complete.previous", "Previous completion", "shift+tab"),
    ("history.previous", "Earlier input", "ctrl+up"),
    ("history.next", "Later input", "ctrl+down"),
    ("history.search", "Search your own input", "ctrl+r"),
    ("editor", "Write in $EDITOR", "ctrl+x ctrl+e"),
    ("left", "Left", "left"),
    ("right", "Right", "right"),
    ("up", "Line up; from an empty line edit your last message", "up"),
    ("down", "Line down; forth through what you entered", "down"),
    ("word.left", "Word left", "alt+b", "ctrl+left", "alt+left"),
    ("word.right", "Word right", "alt+f", "ctrl+right", "alt+right"),
    ("line.start", "Start of line", "ctrl+a", "home"),
    ("line.end", "End of line; the newest message when the line is empty", "ctrl+e", "end"),
    ("erase.left", "Erase to the left", "backspace", "ctrl+h"),
    ("erase.right", "Erase to the right", "delete", "ctrl+d"),
    ("erase.word", "Erase the word before", "ctrl+w"),
    ("erase.word-right", "Erase the word after", "alt+d"),
    ("erase.line", "Erase to the start of the line", "ctrl+u"),
    ("erase.line-right", "Erase to the end of the line", "alt+k"),
    ("yank", "Put back what was erased", "ctrl+y"),
    ("undo", "Undo", "ctrl+underscore", "ctrl+z"),
)
_TIMELINE = (
    ("cursor.up", "Older message", "k", "up"),
    ("cursor.down", "Newer message", "j", "down"),
    ("cursor.first", "Oldest message", "home", "g"),
    ("cursor.last", "Newest message", "end", "G"),
    ("reply", "Reply", "r"),
    ("thread", "Its thread: what answers it, and answering there", "t"),
    ("edit", "Edit your message", "e"),
    ("react", "React with an emoji, or take it back", "plus"),
    ("pin", "Pin it, or take the pin away", "p"),
    ("who", "Who has it, what it said before, who reacted", "i"),
    ("copy", "Copy the text (OSC 52)", "y"),
    ("moderate", "Moderate: report it; silence, kick or ban its author", "m"),
    ("remove", "Delete your message, or take others' away as a moderator; all that are marked: writes the command", "d"),
    ("mark", "Mark it for that, or no more", "space"),
    ("unfold", "Unfold a long or held message, or open its thread", "enter"),
)
_LISTS = (
    ("list.up", "Up", "k", "up"),
    ("list.down", "Down", "j", "down"),
    ("list.first", "First", "home", "g"),
    ("list.last", "Last", "end", "G"),
    ("list.section", "Next workspace or section", "l", "right"),
    ("list.section-back", "Workspace or section before", "h", "left"),
    ("list.open", "Open the channel, or the conversation with that person", "enter"),
    ("list.verify", "Verify that person: compare words", "v"),
)
_MEMBERS = (
    ("member.up", "Up", "up"),
    ("member.down", "Down", "down", "j"),
    ("member.first", "First", "home", "g"),
    ("member.last", "Last", "end", "G"),
    ("member.mark", "Mark that member: what follows is for all that are marked", "space"),
    ("member.open", "Open the conversation with that person", "enter", "q"),
    ("member.verify", "Verify that person: compare words", "v"),
    ("member.who", "Who that is: fingerprint, safety number, path", "w"),
    ("member.promote", "Give the next higher rank: writes the command, Enter does it", "o"),
    ("member.demote", "The next lower rank, likewise", "O"),
    ("member.silence", "Silence: asks for how long and why first; of a muted one, let them write again", "s"),
    ("member.kick", "Kick: asks why first", "k"),
    ("member.ban", "Ban: asks for how long and why first", "b"),
    ("member.both", "Kick and ban", "K"),
    ("member.ignore", "Ignore that person, or no more: writes the command, Enter does it", "x"),
)
_PANEL = (
    ("panel.up", "Scroll up", "k", "up"),
    ("panel.down", "Scroll down", "j", "down"),
    ("panel.page-up", "Page up", "pageup"),
    ("panel.page-down", "Page down", "pagedown", "space"),
    ("panel.copy", "Copy the link, or all of it (OSC 52)", "y"),
    ("panel.qr", "The link as a QR code", "c"),
    ("panel.close", "Close", "escape", "q", "enter"),
)
_COMPARE = (
    ("compare.same", "Both screens show the same", "y"),
    ("compare.different", "They differ: somebody may stand in between", "n"),
    ("compare.visible", "Visible nearby for five minutes", "v"),
    ("compare.off", "Not visible any more", "o"),
    ("compare.up", "Scroll up", "up", "k"),
    ("compare.down", "Scroll down", "down", "j"),
    ("compare.close", "Cancel a comparison; close", "escape", "q"),
)
_SEARCH = (
    ("search.newer", "Newer message", "up", "ctrl+p"),
    ("search.older", "Older message", "down", "ctrl+n"),
    ("search.page-up", "Page up", "pageup"),
    ("search.page-down", "Page down", "pagedown"),
    ("search.where", "In the open channel only, or everywhere", "ctrl+f", "f3"),
    ("search.complete", "Complete from:, in: and names; again for the next", "tab"),
    ("search.open", "Go to the message in its channel", "enter"),
    ("search.help", "Help", "f1"),
    ("search.close", "Back to where you were", "escape"),
)
_CONSOLE = (
    ("console.reports", "Reports", "1"),
    ("console.waiting", "Waiting: who asks to be let in", "2"),
    ("console.people", "People: who has come", "3"),
    ("console.log", "Log: what was done", "4"),
    ("console.tab", "Next tab", "tab", "right", "l"),
    ("console.tab-back", "Tab before", "shift+tab", "left", "h"),
    ("console.up", "Up", "up"),
    ("console.down", "Down", "down", "j"),
    ("console.page-up", "Page up", "pageup"),
    ("console.page-down", "Page down", "pagedown"),
    ("console.first", "First", "home", "g"),
    ("console.last", "Last", "end", "G"),
    ("console.mark", "Mark, or no more", "space"),
    ("console.all", "Mark all that the filter shows; again: none", "a"),
    ("console.span", "Of the last 10 minutes, hour, day, week, or of any time", "t"),
    ("console.wrote", "By how much they wrote; of reports: the settled ones too", "n"),
    ("console.pattern", "By a part of the name, or a pattern with * and ?", "slash"),
    ("console.clear", "No marks, no filter by name", "c"),
    ("console.both", "Kick and ban who is marked, or chosen, and take away what they have written", "K"),
    ("console.ban", "Ban", "b"),
    ("console.kick", "Kick: an invitation lets them back in", "k"),
    ("console.silence", "Silence", "s"),
    ("console.redact", "Take away what they have written", "r"),
    ("console.settle", "Report: something was done about it. Who waits: let them in", "y", "d"),
    ("console.dismiss", "Report: dismiss it. Who waits: deny it", "x"),
    ("console.undo", "Take back: in the log what is chosen, else what was done here last", "u"),
    ("console.open", "Go to the message", "enter"),
    ("console.help", "Help", "f1"),
    ("console.close", "Marks away, filter away, back", "escape", "q"),
)
_SWEEP = (
    ("sweep.do", "Do it", "enter"),
    ("sweep.leave", "Do nothing", "escape", "q"),
    ("sweep.span", "How long it lasts: until it is lifted, an hour, a day, a week, four weeks", "t"),
    ("sweep.reason", "A reason in your own words; 1 to 5: one of those shown", "w", "slash"),
    ("sweep.redact", "What they have written goes too, or stays", "r"),
    ("sweep.announce", "Tell all in the channel with it, or not", "m"),
    ("sweep.up", "Scroll up", "up", "k"),
    ("sweep.down", "Scroll down", "down", "j"),
    ("sweep.page-up", "Page up", "pageup"),
    ("sweep.page-down", "Page down", "pagedown", "space"),
    ("sweep.help", "Help", "f1"),
)
_PICKER = (
    ("pick.up", "Up", "up", "ctrl+p"),
    ("pick.down", "Down", "down", "ctrl+n"),
    ("pick.page-up", "Page up", "pageup"),
    ("pick.page-down", "Page down", "pagedown"),
    ("pick.take", "Take it", "enter"),
    ("pick.fill", "Take it into the line, to go on writing", "tab"),
    ("pick.close", "Close", "escape"),
)

ACTIONS: tuple[Action, ...] = tuple(
    _action(scope, *entry)
    for scope, entries in (
        (Scope.ANYWHERE, _ANYWHERE),
        (Scope.COMPOSER, _COMPOSER),
        (Scope.TIMELINE, _TIMELINE),
        (Scope.LISTS, _LISTS),
        (Scope.MEMBERS, _MEMBERS),
        (Scope.PANEL, _PANEL),
        (Scope.COMPARE, _COMPARE),
        (Scope.SEARCH, _SEARCH),
        (Scope.CONSOLE, _CONSOLE),
        (Scope.SWEEP, _SWEEP),
        (Scope.PICKER, _PICKER),
    )
    for entry in entries
)

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
Keymap = Mapping[Scope, Mapping[str, str]]
"""Which action id a key stands for, by scope. Two keys pressed one after the other stand as `ctrl+x ctrl+e`."""


def keymap(rebound: Mapping[str, tuple[str, ...]] | None = None) -> dict[Scope, dict[str, str]]:
    """The keys of every scope; `rebound` replaces the keys of the actions that it names, and takes them from others."""
    made: dict[Scope, dict[str, str]] = {scope: {} for scope in Scope}
    chosen = rebound or {}
    for action in sorted(ACTIONS, key=lambda action: action.id not in chosen):
        for key in chosen.get(action.id, action.keys):
            made[action.scope].setdefault(key, action.id)
    return made


_KEYS = keymap()
KEYS: Keymap = _KEYS
"""The keys in force: a process has one terminal, and so one keyboard. `wear` changes them for every screen at once."""


def wear(keys: Keymap) -> None:
    """From now on these keys are in force."""
    for scope in Scope:
        fresh = dict(keys[scope])
        _KEYS[scope].clear()
        _KEYS[scope].update(fresh)


def keys_of(action: str) -> tuple[str, ...]:
    """The keys in force for an action, those of its definition first."""
    known = BY_ID[action]
    keys = [key for key, identifier in KEYS[known.scope].items() if identifier == action]
    return tuple(sorted(keys, key=lambda key: known.keys.index(key) if key in known.keys else len(known.keys)))


def hint(action: str) -> str:
    """The first key in force for an action, as people write it; the command palette where it has none."""
    keys = keys_of(action)
    return key_name(keys[0]) if keys else key_name((keys_of("palette") or ("ctrl+p",))[0])


_NAMES = {
    "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "enter": "Enter", "tab": "Tab", "space": "Space",
    "backspace": "Backspace", "delete": "Del", "home": "Home", "end": "End", "up": "Up", "down": "Down",
    "left": "Left", "right": "Right",
    "slash": "/", "underscore": "_", "ctrl": "Ctrl", "alt": "Alt", "shift": "Shift",
}  # fmt: skip


def key_name(key: str) -> str:
    """As people write it: `ctrl+n` is Ctrl+N, `alt+slash` is Alt+/; keys one after the other are parted by a space."""
    return " ".join(_key_name(each) for each in key.split())


def _key_name(key: str) -> str:
    parts = [_NAMES.get(part, part) for part in key.split("+")]
    if len(parts) > 1 and parts[0] == "Ctrl":
        parts[-1] = parts[-1].upper() if len(parts[-1]) == 1 else parts[-1]
    elif "Shift" in parts and len(parts[-1]) == 1:
        parts[-1] = parts[-1].upper()
    return "+".join(part.upper() if part[:1] == "f" and part[1:].isdigit() else part for part in parts)
