"""Warnings about people's keys in words: the same in the screens and on the command line."""

from multichat_tui.model.trust import AlarmKind, AlarmRow
from multichat_tui.node.api.lookup import id_text, one_line


def alarm_words(row: AlarmRow) -> tuple[str, str]:
    """(what happened, what to do), safe to draw."""
    name, other = one_line(row.name), one_line(row.other_name)
    whom = f'"{name}"' if " " in name else name
    match row.kind:
        case AlarmKind.SAME_NAME:
            known = " whom you have verified" if row.verified else ""
            return (
                f"{name} goes by the name of your contact {other}{known}, and has ANOTHER KEY.",
                f"It may be somebody else, or {other} with a new account: ask them in person before you believe it. "
                f"/trust {whom} says that you have seen this.",
            )
        case AlarmKind.FORKED_DEVICES:
            return (
                f"The account of {name} has signed two different lists of its devices: it was copied, or somebody lies.",
                f"Ask {name} by another way. Nothing of either list was taken over. /trust {whom} says that you have seen this.",
            )
        case AlarmKind.COPIED:
            return (
                f"{name}'s device wrote two different records at one place: its profile was copied, or somebody lies.",
                f"Ask {name} by another way. What both wrote is kept and shown. /trust {whom} says that you have seen this.",
            )
        case AlarmKind.RUNNING_TWICE:
            return (
                f"Two copies of {name}'s profile are running at once: it was copied.",
                f"Ask {name} by another way whether they did that. /trust {whom} says that you have seen this.",
            )
        case AlarmKind.SET_BACK:
            return (
                f"{name}'s profile was put back to an earlier state, or copied.",
                f"Ask {name} by another way whether they did that. /trust {whom} says that you have seen this.",
            )
        case AlarmKind.OWN_COPY:
            return (
                "This profile is a copy or an older state of itself: another one has written with the same keys.",
                "It writes nothing any more. Start it again with its passphrase: it goes on as a new device of your account.",
            )
        case AlarmKind.MAILBOX:
            return (
                "One of your mailboxes does not do what it is for: it loses, refuses, or is hardly ever there.",
                "Others are told to use your other ones, if there are any. /mailbox list says which, and what to do.",
            )
        case AlarmKind.NEW_DEVICE:
            return (
                f"{name} uses a new device. The account key is the same.",
                f"/whois {whom} shows it; /trust {whom} says that you have seen this.",
            )
        case AlarmKind.DEVICE_REVOKED:
            return f"{name} has revoked one of their devices.", f"/trust {whom} says that you have seen this."
        case AlarmKind.WORDS_DIFFER:
            return (
                f"The words compared with {name} were DIFFERENT: somebody may stand in between.",
                f"Nothing was verified. Try again on another network, or meet. /trust {whom} says that you have seen this.",
            )


def alarm_fields(row: AlarmRow) -> dict[str, str | int | bool | None]:
    """The same for programs."""
    return {
        "user": id_text(row.user),
        "name": row.name,
        "kind": row.kind.value,
        "alarming": row.kind.alarming,
        "since_ms": row.since_ms,
        "other": None if row.other is None else id_text(row.other),
        "message": alarm_words(row)[0],
        "advice": alarm_words(row)[1],
    }
