"""What was done to people, in words: once for all to whom the same was done."""

from builders import person

from multichat_tui.model.acts import Act, Ban, Remove, SetTopic, Unban
from multichat_tui.model.ids import UserId
from multichat_tui.node.act_words import deeds_words

PEOPLE = {person(name).user: name for name in (f"mal{number}" for number in range(7))}
USERS = tuple(PEOPLE)


def said(*acts: Act) -> tuple[str, ...]:
    return deeds_words(acts, "ann", PEOPLE.__getitem__)


def ban(user: UserId, reason: str = "raid", until_ms: int = 0) -> Ban:
    return Ban(user=user, fence=(), reason=reason, until_ms=until_ms)


def test_the_same_done_to_several_is_said_once_with_their_names() -> None:
    assert said(ban(USERS[0]), ban(USERS[1])) == ("ann banned mal0, mal1: raid",)
    assert said(*map(ban, USERS)) == ("ann banned mal0, mal1, mal2, mal3 and 3 more: raid",)


def test_what_differs_in_deed_reason_or_time_is_said_by_itself_and_in_its_order() -> None:
    acts = (
        ban(USERS[0]),
        ban(USERS[1], "spam"),
        ban(USERS[2], "spam", 1_800_000_000_000),
        Remove(user=USERS[3], fence=(), reason="spam"),
        SetTopic(topic="quiet"),
        Unban(user=USERS[0], reason="spam"),
        Unban(user=USERS[1], reason="spam"),
    )
    assert said(*acts) == (
        "ann banned mal0: raid",
        "ann banned mal1: spam",
        "ann banned mal2 until 2027-01-15 08:00 UTC: spam",
        "ann removed mal3: spam",
        "ann set the topic: quiet",
        "ann lifted the ban of mal0, mal1: spam",
    )
