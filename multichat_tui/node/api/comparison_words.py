"""Comparisons of words and people nearby, in words: the same in the screens and on the command line."""

from multichat_tui.model.comparing import Purpose
from multichat_tui.model.trust import ComparisonRow, ComparisonState
from multichat_tui.node.api.lookup import id_text, one_line


def whom(row: ComparisonRow) -> str:
    """Who is at the other end, safe to draw."""
    name = one_line(row.name)
    if row.purpose is Purpose.VERIFY or row.state is ComparisonState.DONE:
        return name
    claimed = f"somebody who says to be {name}" if name else "somebody"
    return f"{claimed} ({row.code})" if row.code else claimed


def state_words(row: ComparisonRow) -> tuple[str, str]:
    """(what is so, what to do), safe to draw."""
    who = whom(row)
    match row.state:
        case ComparisonState.WAITING:
            return f"Waiting for {who} to answer.", ""
        case ComparisonState.COMPARE:
            return (
                f"Compare with {who}: do both screens show the same?",
                "Look at the other screen, or read it to each other by voice. All of it must be the same.",
            )
        case ComparisonState.CONFIRMED:
            return f"You confirmed. Waiting for {who} to confirm too.", ""
        case ComparisonState.DONE if row.purpose is Purpose.MEET:
            return f"{who} is your contact now, and verified.", ""
        case ComparisonState.DONE:
            return f"{who} is verified.", ""
        case ComparisonState.DIFFERENT:
            return (
                f"The words were DIFFERENT on the two screens. Nothing was stored, {who} is not verified.",
                "Somebody may stand in between. Try again on another network, or compare the safety number in person.",
            )
        case ComparisonState.REFUSED:
            return f"{who} does not want to compare now. Nothing was stored.", "Ask them, and begin again."
        case ComparisonState.CANCELLED:
            return "Cancelled. Nothing was stored.", ""
        case ComparisonState.BUSY:
            return f"{who} is comparing with somebody else just now. Nothing was stored.", "Try again in a moment."
        case ComparisonState.TIMED_OUT:
            return "It took too long. Nothing was stored on this side.", "Begin again when both of you are at the screen."
        case ComparisonState.LOST:
            return f"The connection to {who} was lost. Nothing was stored.", "Begin again."
        case ComparisonState.FAILED:
            return (
                f"What {who} has sent does not hold. Nothing was stored.",
                "Either their program is broken, or somebody stands in between.",
            )


def words_line(row: ComparisonRow) -> str:
    return " ".join(row.words)


def emoji_line(row: ComparisonRow, *, symbols: bool) -> str:
    """Each with its name, for terminals that cannot draw it; without symbols the names alone."""
    return ", ".join(f"{symbol} {name}" if symbols else name for symbol, name in row.emoji)


def comparison_fields(row: ComparisonRow) -> dict[str, object]:
    """The same for programs."""
    return {
        "comparison": id_text(row.id),
        "purpose": row.purpose.name.lower(),
        "state": row.state.value,
        "begun_here": row.begun_here,
        "name": row.name,
        "code": row.code,
        "contact": None if row.user is None else id_text(row.user),
        "words": list(row.words),
        "emoji": [symbol for symbol, _ in row.emoji],
        "emoji_names": [name for _, name in row.emoji],
        "message": state_words(row)[0],
    }
