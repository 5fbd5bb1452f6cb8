"""History policies: what of the time before they were let in newcomers to a channel are served.

As a setting of a channel one number: 0 all, 1 none, 2 from their joining on, 2 + n the last n days before it, too.
"""

from multichat_tui.model.limits import MAX_HISTORY_DAYS

ALL = 0
NONE = 1
"""Only what was written by those who knew that they are in."""
JOINING = 2
"""Also what was written after they were let in by somebody who did not know yet."""
MAX_POLICY = JOINING + MAX_HISTORY_DAYS


def days_of(policy: int) -> int:
    """How many days before their joining newcomers are served; for those that are neither `ALL` nor `NONE`."""
    return policy - JOINING


def parse_policy(text: str) -> int:
    """`none`, `joining`, `all`, `30d`. ValueError says what would do."""
    word = text.strip().lower()
    if word in _NAMED:
        return _NAMED[word]
    count = word[:-1] if word.endswith("d") else ""
    if not (count.isascii() and count.isdigit() and len(count) <= 5 and 0 < int(count) <= MAX_HISTORY_DAYS):
        raise ValueError(f"none, joining, all, or a number of days up to {MAX_HISTORY_DAYS}, as in 30d")
    return JOINING + int(count)


_NAMED = {"all": ALL, "none": NONE, "joining": JOINING}


def policy_name(policy: int) -> str:
    """What `parse_policy` reads."""
    return next((name for name, value in _NAMED.items() if value == policy), f"{days_of(policy)}d")


def policy_words(policy: int) -> str:
    """What newcomers see, as the end of a sentence that begins with *newcomers see*."""
    if policy == ALL:
        return "the whole history"
    if policy == NONE:
        return "nothing that was written before everybody knew them"
    if policy == JOINING:
        return "what is written from their joining on"
    days = days_of(policy)
    return f"the last {days} days before their joining" if days > 1 else "the last day before their joining"
