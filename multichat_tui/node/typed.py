"""What the user has entered, by channel, to be brought back by a key: kept with the profile, bounded, and never a secret.

Keys in `Space.TYPED` are the channel's id (zeros where none was open) and a number that rises, eight bytes big-endian.
"""

import re

from multichat_tui.crypto.sas import wordlist
from multichat_tui.model.errors import NotFound
from multichat_tui.model.ids import ID_SIZE, ChannelId
from multichat_tui.model.intents import ForgetTyped, RememberTyped
from multichat_tui.model.limits import MAX_TYPED_CHARACTERS, MAX_TYPED_LINES
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.node.world import World

SETTING = b"history"
"""Space.SETTING: `off` if nothing that is typed is to be kept."""
NUMBER_BYTES = 8
PHRASE_RUN = 12
"""So many words in a row of the list that recovery phrases are made of are taken for a part of one. People hardly write without
"the" and "and", which are not in it."""
_LINK = re.compile("multichat:[a-z]+/", re.IGNORECASE)


def is_secret(text: str) -> bool:
    """Whether it holds one of our links, whoever has which can use it, or a run of words as recovery phrases have."""
    if _LINK.search("".join(text.split())):
        return True
    known, run = frozenset(wordlist()), 0
    for word in (part.strip(".,;:") for part in text.lower().split()):
        run += word in known
        if run >= PHRASE_RUN:
            return True
        if word not in known and not word.isdigit():  # phrases are written down with their numbers
            run = 0
    return False


class Typed:
    """Of one profile."""

    def __init__(self, world: World) -> None:
        self._world = world

    def remember(self, intent: RememberTyped) -> None:
        """As the newest of its channel. What stands there already moves to the end; what is a secret or too long is not kept."""
        world, text = self._world, intent.text
        place = place_of(world, intent.channel)
        if world.txn.get(Space.SETTING, SETTING) == b"off" or not text.strip() or len(text) > MAX_TYPED_CHARACTERS:
            return
        try:
            written = text.encode()
        except UnicodeEncodeError:
            return
        if is_secret(text):
            return
        held = world.txn.scan(Space.TYPED, place)
        for key, _ in [entry for entry in held if entry[1] == written]:
            world.txn.delete(Space.TYPED, key)
        others = [key for key, value in held if value != written]
        for key in others[: max(0, len(others) + 1 - MAX_TYPED_LINES)]:
            world.txn.delete(Space.TYPED, key)
        number = int.from_bytes(held[-1][0][ID_SIZE:], "big") + 1 if held else 0
        world.txn.put(Space.TYPED, place + number.to_bytes(NUMBER_BYTES, "big"), written)

    def forget(self, intent: ForgetTyped) -> None:
        """All of a channel, or all there is."""
        forget_typed(self._world.txn, b"" if intent.channel is None else place_of(self._world, intent.channel))


def forget_typed(txn: Transaction, beginning: bytes = b"") -> None:
    """What was typed in the channel with this id; without one, everywhere."""
    for key, _ in txn.scan(Space.TYPED, beginning):
        txn.delete(Space.TYPED, key)


def typed_lines(world: World, channel: ChannelId | None) -> tuple[str, ...]:
    """What was typed in a channel, the oldest first. `errors.NotFound`."""
    return tuple(value.decode() for _, value in world.txn.scan(Space.TYPED, place_of(world, channel)))


def place_of(world: World, channel: ChannelId | None) -> bytes:
    if channel is None:
        return bytes(ID_SIZE)
    found = world.channels.get(channel)
    if found is None:
        raise NotFound("There is no such channel.")
    return world.conversation(found)[0].id
