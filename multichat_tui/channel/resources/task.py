"""A task: something to be done. It is open, taken by somebody, or done; of two who take it at once one has it, on every node."""

from collections.abc import Callable

from multichat_tui.channel.resources.marks import MARKS
from multichat_tui.channel.resources.shape import (
    ActShape,
    CommandShape,
    Contest,
    Deed,
    Present,
    ResourceType,
    Shown,
    choice_field,
    text_field,
)
from multichat_tui.model.ids import UserId
from multichat_tui.model.limits import MAX_TOPIC_CHARACTERS
from multichat_tui.model.ranks import Permission

OPEN, TAKEN, DONE = STATES = ("open", "taken", "done")


def _changed(deed: Deed, made: Deed, before: Deed | None) -> str | None:
    state, to = (OPEN if before is None else before.text("to")), deed.text("to")
    if to == state:
        return f"It is {state} already."
    if state == DONE and to == TAKEN:
        return "It is done already."
    mine = before is not None and deed.user == before.user
    if to == OPEN and not (mine or deed.user == made.user or deed.moderates):
        return "Only who has taken it, who wrote it down and moderators open it again."
    if to == DONE and state == TAKEN and not (mine or deed.user == made.user or deed.moderates):
        return "Somebody else has taken it."
    return None


MAKE = ActShape(
    number=130,
    name="task",
    doing="write",
    permission=Permission.SEND,
    fields=(text_field("title", 4, MAX_TOPIC_CHARACTERS),),
)
CHANGE = ActShape(
    number=131,
    name="change",
    doing="write",
    permission=Permission.SEND,
    fields=(choice_field("to", 4, STATES),),
    contest=Contest.FIRST,
    rule=_changed,
)


def _show(present: Present, me: UserId, name_of: Callable[[UserId], str]) -> Shown:
    found = present.slots.get(CHANGE.name)
    state = OPEN if found is None else found.text("to")
    by = "" if found is None or state == OPEN else " by you" if found.user == me else f" by {name_of(found.user)}"
    mine = found is not None and found.user == me
    hint = "/take takes it, /done ends it" if state == OPEN else "/done ends it" if state == TAKEN and mine else ""
    return Shown(text=present.made.text("title"), lines=(f"[{'x' if state == DONE else ' '}] {state}{by}",), hint=hint)


TYPE = ResourceType(
    name="task",
    noun="a task",
    makes=MAKE,
    acts=(CHANGE, *MARKS),
    show=_show,
    words=lambda present: present.made.text("title"),
    commands=(
        CommandShape(
            name="task",
            usage="/task TITLE",
            summary="write down what is to be done",
            act="task",
            fields=lambda w: {"title": w},
            said="Written down: {what}; /take takes it, /done ends it.",
        ),
        CommandShape(
            name="take",
            usage="/take [ID]",
            summary="take the newest task, or another",
            act="change",
            fields=lambda w: {"to": TAKEN},
            said="You have taken it: {what}",
        ),
        CommandShape(
            name="done",
            usage="/done [ID]",
            summary="say that a task is done",
            act="change",
            fields=lambda w: {"to": DONE},
            said="Done: {what}",
        ),
        CommandShape(
            name="reopen",
            usage="/reopen [ID]",
            summary="let somebody else do a task",
            act="change",
            fields=lambda w: {"to": OPEN},
            said="Open again: {what}",
        ),
    ),
)
