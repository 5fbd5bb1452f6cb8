"""A poll: a question, its options, and one vote of each member, which may be changed and taken back."""

from collections.abc import Callable, Mapping

from multichat_tui.channel.resources.marks import MARKS
from multichat_tui.channel.resources.shape import (
    LINE,
    ActShape,
    CommandShape,
    Deed,
    Present,
    ResourceType,
    Shown,
    number_field,
    text_field,
    texts_field,
)
from multichat_tui.model.ids import UserId
from multichat_tui.model.limits import MAX_OPTION_CHARACTERS, MAX_OPTIONS, MAX_TOPIC_CHARACTERS
from multichat_tui.model.ranks import Permission


def _voted(deed: Deed, made: Deed, before: Deed | None) -> str | None:
    option, options = deed.number("option"), made.texts("options")
    if option is not None and option >= len(options):
        return f"This poll has {len(options)} options."
    if option == (None if before is None else before.number("option")):
        return "You have voted so already." if option is not None else "You have not voted."
    return None


MAKE = ActShape(
    number=128,
    name="poll",
    doing="write",
    permission=Permission.SEND,
    fields=(
        text_field("question", 4, MAX_TOPIC_CHARACTERS),
        texts_field("options", 5, 2, MAX_OPTIONS, MAX_OPTION_CHARACTERS),
    ),
)
VOTE = ActShape(
    number=129,
    name="vote",
    doing="vote",
    permission=Permission.REACT,
    fields=(number_field("option", 4, MAX_OPTIONS - 1, optional=True),),
    slot=lambda deed: f"vote {deed.user.hex()}",
    rule=_voted,
)


def _show(present: Present, me: UserId, name_of: Callable[[UserId], str]) -> Shown:
    """`2. Friday: 3 votes, yours too`."""
    votes = [(voted, deed.user) for deed in present.of(VOTE) if (voted := deed.number("option")) is not None]
    lines = []
    for number, option in enumerate(present.made.texts("options")):
        voters = [user for choice, user in votes if choice == number]
        counted = f"{len(voters)} {'vote' if len(voters) == 1 else 'votes'}" if voters else "no votes"
        mine = ", yours" if me in voters else ""
        lines.append(f"{number + 1}. {option}: {counted}{mine}")
    answered = any(user == me for _, user in votes)
    return Shown(
        text=present.made.text("question"), lines=tuple(lines), hint="" if answered else f"/vote 1 to /vote {len(lines)} answers"
    )


def _words(present: Present) -> str:
    return " ".join((present.made.text("question"), *present.made.texts("options")))


def _question(words: str) -> Mapping[str, str]:
    question, _, options = words.partition(LINE.strip())
    return {"question": question.strip(), "options": options.strip()}


TYPE = ResourceType(
    name="poll",
    noun="a poll",
    makes=MAKE,
    acts=(VOTE, *MARKS),
    show=_show,
    words=_words,
    commands=(
        CommandShape(
            name="poll",
            usage="/poll QUESTION | OPTION | OPTION ...",
            summary="ask everybody here; /vote answers",
            act="poll",
            fields=_question,
            said="You have asked: {what}; /vote NUMBER votes.",
        ),
        CommandShape(
            name="vote",
            usage="/vote [ID] NUMBER",
            summary="vote in the newest poll, or in another; again with another number: change your vote",
            act="vote",
            fields=lambda words: {"option": words},
            said="Voted: {what}",
        ),
        CommandShape(
            name="unvote",
            usage="/unvote [ID]",
            summary="take your vote back",
            act="vote",
            fields=lambda words: {},
            said="Vote taken back: {what}",
        ),
    ),
)
