"""A message: its text, which its author may replace, and the marks on it."""

from collections.abc import Callable

from multichat_tui.channel.resources.marks import MARKS
from multichat_tui.channel.resources.shape import ActShape, CommandShape, Deed, Present, ResourceType, Shown, text_field
from multichat_tui.model.ids import UserId
from multichat_tui.model.limits import MAX_TEXT_CHARACTERS
from multichat_tui.model.ranks import Permission


def _edited(deed: Deed, made: Deed, before: Deed | None) -> str | None:
    text = made.text("text") if before is None else before.text("text")
    return "That is what it says already." if deed.text("text") == text else None


MESSAGE = ActShape(
    number=64,
    name="message",
    doing="write",
    permission=Permission.SEND,
    fields=(text_field("text", 1, MAX_TEXT_CHARACTERS),),
)
EDIT = ActShape(
    number=65,
    name="edit",
    doing="edit messages",
    permission=Permission.SEND,
    fields=(text_field("text", 4, MAX_TEXT_CHARACTERS),),
    own=True,
    rule=_edited,
)


def text_of(present: Present) -> str:
    """What it says now."""
    edit = present.slots.get(EDIT.name)
    return present.made.text("text") if edit is None else edit.text("text")


def _show(present: Present, me: UserId, name_of: Callable[[UserId], str]) -> Shown:
    return Shown(text=text_of(present))


TYPE = ResourceType(
    name="message",
    noun="a message",
    makes=MESSAGE,
    acts=(EDIT, *MARKS),
    show=_show,
    words=text_of,
    commands=(
        CommandShape(
            name="edit",
            usage="/edit [ID] TEXT",
            summary="say something else in a message of yours: the newest, or the one whose id begins so",
            act="edit",
            fields=lambda words: {"text": words},
            said="Edited: {what}",
        ),
        CommandShape(
            name="react",
            usage="/react [ID] EMOJI",
            summary="react to the newest message, or to another, with an emoji or its name, such as +1",
            act="react",
            fields=lambda words: {"emoji": words, "on": "yes"},
            said="Reacted to: {what}",
        ),
        CommandShape(
            name="unreact",
            usage="/unreact [ID] EMOJI",
            summary="take a reaction back",
            act="react",
            fields=lambda words: {"emoji": words, "on": "no"},
            said="Reaction taken back: {what}",
            wants="reacted",
        ),
        CommandShape(
            name="pin",
            usage="/pin [ID]",
            summary="pin the newest message, or another: /pins shows them",
            act="pin",
            fields=lambda words: {"on": "yes"},
            said="Pinned: {what}",
        ),
        CommandShape(
            name="unpin",
            usage="/unpin [ID]",
            summary="take a pin away",
            act="pin",
            fields=lambda words: {"on": "no"},
            said="Not pinned any more: {what}",
            wants="pinned",
        ),
    ),
)
