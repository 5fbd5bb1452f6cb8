"""How much of a channel this profile keeps for itself: the slash command, and what it shares with the command line."""

from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeSetting
from multichat_tui.model.keeping import ALL, SETTING, Keep, keep_of, keep_setting, parse_channel_keeping
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.moderating import Done
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, id_text, one_line

USUAL = "usual"
"""As in all channels that have no rule of their own."""
RULES = ("30d", "1000", ALL, USUAL)


def keep_rule(text: str) -> str:
    """What is stored of a rule; empty: the usual one. `errors.UsageError`."""
    word = text.strip().lower()
    if word == USUAL:
        return ""
    try:
        parse_channel_keeping(word)
    except ValueError as problem:
        raise UsageError(f"{one_line(text)[:20]!r} does not say what to keep.", f"Write {problem}, or {USUAL}.") from None
    return word


def keep_words(keep: Keep) -> str:
    """The end of a sentence."""
    if keep.count:
        return "the newest message" if keep.count == 1 else f"the newest {keep.count:,} messages"
    return ("texts for a day" if keep.days == 1 else f"texts for {keep.days} days") if keep.days else "all texts"


async def kept(api: NodeApi, channel: ChannelId) -> tuple[str, str]:
    """(the rule of a channel as it can be typed, a sentence about it)."""
    settings = dict((await api.settings()).rows)
    label = channel_label((await api.channel(channel)).rows)
    own = settings.get(keep_setting(channel), "")
    keep = keep_of(own)
    if keep is not None:
        return own, f"This profile keeps {keep_words(keep)} of {label}, whatever {SETTING} says; others keep theirs."
    usual = keep_words(keep_of(settings.get(SETTING)) or Keep())
    return USUAL, f"This profile keeps {usual} of {label}, as {SETTING} says for all channels; others keep theirs."


async def set_keep(api: NodeApi, channel: ChannelId, rule: str) -> Done:
    """`rule` as `keep_rule` gives it."""
    await api.submit(ChangeSetting(key=keep_setting(channel), value=rule))
    now, said = await kept(api, channel)
    fields: dict[str, Plain] = {"channel": id_text(channel), "keep": now}
    return Done(said=said, fields=fields)


async def keep(call: Call) -> Outcome:
    channel = call.need_channel()
    if call.words:
        return (await set_keep(call.api, channel, keep_rule(call.words))).outcome()
    now, said = await kept(call.api, channel)
    return Outcome(lines=(f"{said} /keep 30d, /keep 1000, /keep all or /keep {USUAL} changes that.",), fields={"keep": now})
