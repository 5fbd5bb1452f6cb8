"""Slash commands about who is served what of a channel; and what they share with the command line."""

from collections.abc import Sequence

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import UsageError
from multichat_tui.model.history import parse_policy, policy_name, policy_words
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import SendMessage
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.configuring import configure, value_of
from multichat_tui.node.api.commands.moderating import Done
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import find_member, id_text, one_line

SWITCH = ("on", "off")
POLICIES = ("all", "joining", "none", "7d", "30d")
"""What is offered for completion; any number of days will do."""


def history_policy(text: str) -> int:
    """A policy as people write it. `errors.UsageError`."""
    try:
        return parse_policy(text)
    except ValueError as fault:
        raise UsageError(f"{one_line(text)[:20]!r} is no history policy.", f"It is {fault}.") from None


async def set_history(api: NodeApi, channel: ChannelId, policy: int, reason: str) -> Done:
    said = f"Newcomers to {{channel}} see {policy_words(policy)}."
    return await configure(api, channel, SettingKey.HISTORY, policy, reason, said)


async def set_public(api: NodeApi, channel: ChannelId, on: bool, reason: str) -> Done:
    said = "Everybody with a link can read {channel} now." if on else "Only members read {channel} now; links for reading end."
    return await configure(api, channel, SettingKey.READING, int(on), reason, said)


def switched(text: str) -> bool:
    """`on` or `off`. `errors.UsageError`."""
    word = text.strip().lower()
    if word not in SWITCH:
        raise UsageError(f"{one_line(text)[:20]!r} is neither on nor off.")
    return word == SWITCH[0]


async def history_now(api: NodeApi, channel: ChannelId) -> int:
    return await value_of(api, channel, SettingKey.HISTORY)


async def people_named(api: NodeApi, channel: ChannelId, names: Sequence[str]) -> tuple[UserId, ...]:
    """The members of a channel who are called so. `errors.NotFound`."""
    return tuple([(await find_member(api, channel, name)).user for name in names])


# The commands


async def public(call: Call) -> Outcome:
    channel = call.need_channel()
    if not call.words:
        on = bool(await value_of(call.api, channel, SettingKey.READING))
        told = "Everybody with a link can read this channel: /invite read makes one, /public off ends it."
        return Outcome(lines=(told if on else "Only members read this channel. /public on lets everybody with a link.",))
    first, reason = call.first_word()
    on = switched(first)
    return (await set_public(call.api, channel, on, reason)).outcome("/invite read makes the link." if on else "")


async def to(call: Call) -> Outcome:
    channel = call.need_channel()
    names, text = call.first_word()
    people = await people_named(call.api, channel, [name for name in names.split(",") if name])
    if not people or not text:
        raise call.misused("Names are joined by commas, without spaces; others in the channel get no text.")
    accepted = await call.api.submit(SendMessage(channel=channel, text=text, recipients=people))
    record: Plain = id_text(accepted.record) if accepted.record is not None else None
    return Outcome(fields={"channel": id_text(channel), "id": record}, record=accepted.record)


async def newcomers(call: Call) -> Outcome:
    channel = call.need_channel()
    if not call.words:
        policy = await history_now(call.api, channel)
        usage = "/newcomers none, joining, all or a number of days such as 30d sets it."
        return Outcome(lines=(f"Newcomers see {policy_words(policy)}. {usage}",), fields={"value": policy_name(policy)})
    first, reason = call.first_word()
    return (await set_history(call.api, channel, history_policy(first), reason)).outcome()
