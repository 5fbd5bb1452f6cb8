"""One message in several channels at once; what the slash command shares with the command line."""

from multichat_tui.model.intents import Accepted, SendToSeveral
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_channel, id_text

ENOUGH = "--"
"""Behind the last channel, where the text itself begins like one."""
USAGE = "/post #CHANNEL #CHANNEL ... TEXT"


def parted(words: str) -> tuple[tuple[str, ...], str]:
    """(channels, text): what begins with # or @ at the beginning, names with spaces in double quotes; the rest."""
    places: list[str] = []
    rest = words.strip()
    while rest:
        quoted = rest.startswith(('"#', '"@')) and '"' in rest[1:]
        word, _, after = rest[1:].partition('"') if quoted else rest.partition(" ")
        if word == ENOUGH:
            return tuple(places), after.strip()
        if not quoted and (word[:1] not in ("#", "@") or not word[1:] or "\n" in word):
            break
        places.append(word)
        rest = after.lstrip(" ")
    return tuple(places), rest


async def post(api: NodeApi, places: tuple[str, ...], text: str) -> tuple[Accepted, list[str]]:
    """What was written, and the labels of the channels. `errors.NotFound`, `errors.IntentRefused`: nothing was."""
    rows = [await find_channel(api, place) for place in places]
    unique = {row.id: row for row in rows}
    accepted = await api.submit(SendToSeveral(channels=tuple(unique), text=text))
    return accepted, [channel_label(row) for row in unique.values()]


def posted_fields(accepted: Accepted) -> dict[str, Plain]:
    return {"posts": [{"channel": id_text(channel), "id": id_text(record)} for channel, record in accepted.posts]}


async def post_message(call: Call) -> Outcome:
    places, text = parted(call.need_words())
    if not places or not text:
        raise call.misused("The channels come first, each with its #; then the text.")
    accepted, labels = await post(call.api, places, text)
    return Outcome(lines=(f"Written in {', '.join(labels)}.",), fields=posted_fields(accepted))
