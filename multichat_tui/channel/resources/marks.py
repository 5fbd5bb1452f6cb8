"""What can be put on any resource: reactions, and the pin. Both are acts of people on something that somebody made."""

from collections import Counter

from multichat_tui.channel.resources.shape import ActShape, Deed, Field, Plain, Present, Unfit, flag_field
from multichat_tui.model.codec import Value
from multichat_tui.model.ids import UserId
from multichat_tui.model.limits import MAX_EMOJI_BYTES, MAX_REACTION_KINDS
from multichat_tui.model.ranks import Permission
from multichat_tui.model.reactions import is_reaction, reaction_of
from multichat_tui.model.schema import Malformed, as_text
from multichat_tui.model.values import dataclass


def _emoji_field(key: int) -> Field:
    def read(value: Value) -> Plain:
        emoji = as_text(value, "emoji", MAX_EMOJI_BYTES, 1)
        if not is_reaction(emoji):
            raise Malformed("emoji: it is none")
        return emoji

    def typed(words: str) -> Plain | Unfit:
        return reaction_of(words) or Unfit("A reaction is one emoji, or its name, such as :tada: or +1.")

    return Field(name="emoji", key=key, read=read, write=lambda plain: str(plain), typed=typed)


def _reacted(deed: Deed, made: Deed, before: Deed | None) -> str | None:
    on = before is not None and before.flag("on")
    if deed.flag("on") == on:
        return "You have reacted with that already." if on else "You have not reacted with that."
    return None


def _pinned(deed: Deed, made: Deed, before: Deed | None) -> str | None:
    on = before is not None and before.flag("on")
    if deed.flag("on") == on:
        return "It is pinned already." if on else "It is not pinned."
    return None


REACT = ActShape(
    number=67,
    name="react",
    doing="react",
    permission=Permission.REACT,
    fields=(_emoji_field(4), flag_field("on", 5)),
    slot=lambda deed: f"react {deed.user.hex()} {deed.text('emoji')}",
    rule=_reacted,
)
PIN = ActShape(
    number=68,
    name="pin",
    doing="pin messages",
    permission=Permission.PIN,
    fields=(flag_field("on", 4),),
    rule=_pinned,
)
MARKS = (REACT, PIN)


@dataclass(frozen=True, slots=True)
class Reaction:
    """`users` in the order in which they reacted."""

    emoji: str
    users: tuple[UserId, ...]


def reactions(present: Present) -> tuple[Reaction, ...]:
    """Those of most people first, then by when the first of them came; of many kinds the first MAX_REACTION_KINDS."""
    standing = [deed for deed in present.of(REACT) if deed.flag("on")]
    many = Counter(deed.text("emoji") for deed in standing)
    kinds = sorted(many, key=lambda emoji: -many[emoji])[:MAX_REACTION_KINDS]
    return tuple(Reaction(emoji, tuple(deed.user for deed in standing if deed.text("emoji") == emoji)) for emoji in kinds)


def pinned(present: Present) -> Deed | None:
    """Who pinned it, if it is."""
    found = present.slots.get(PIN.name)
    return found if found is not None and found.flag("on") else None
