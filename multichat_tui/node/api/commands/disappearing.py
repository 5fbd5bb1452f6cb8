"""Slash commands about messages that disappear; and what they share with the command line."""

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeSetting, SendMessage
from multichat_tui.model.limits import MAX_LIFE_MS, MIN_LIFE_MS
from multichat_tui.model.lives import life_setting
from multichat_tui.model.text import duration
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.configuring import OFF, configure
from multichat_tui.node.api.commands.moderating import Done
from multichat_tui.node.api.commands.options import span_words
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import id_text, one_line

HONEST = (
    "Every device forgets by its own clock. Copies, photographs of screens, changed programs, and devices that stay off "
    "until later are beyond that."
)


def life_span(text: str) -> int:
    """Milliseconds; 0 for off. `errors.UsageError`."""
    if text.strip().lower() == OFF:
        return 0
    span = duration(text)
    if span is None or not MIN_LIFE_MS <= span <= MAX_LIFE_MS:
        raise UsageError(f"{one_line(text)[:20]!r} is no life of a message.", "Write it like 30s, 1h, 7d: ten seconds to a year.")
    return span


async def set_retention(api: NodeApi, channel: ChannelId, span_ms: int, reason: str) -> Done:
    gone = f"What is written in {{channel}} from now on is gone {span_words(span_ms)} later, everywhere. {HONEST}"
    said = gone if span_ms else "What is written in {channel} from now on stays."
    return await configure(api, channel, SettingKey.RETENTION, span_ms, reason, said)


async def retention(call: Call) -> Outcome:
    """`/disappear [SPAN|off] [REASON]`."""
    channel = call.need_channel()
    if not call.words:
        keeps_ms = (await call.api.channel(channel)).rows.keeps_ms
        stands = f"Messages here are gone after {span_words(keeps_ms)}." if keeps_ms else "Messages here stay."
        return Outcome(lines=(f"{stands} /disappear 7d or /disappear off changes that, for what is written then.",))
    first, reason = call.first_word()
    return (await set_retention(call.api, channel, life_span(first), reason)).outcome()


async def expire(call: Call) -> Outcome:
    """`/expire SPAN|off` for what is sent from now on here; `/expire SPAN TEXT` for that one."""
    channel = call.need_channel()
    if not call.words:
        lives_ms = (await call.api.channel(channel)).rows.lives_ms
        stands = f"What you send here is gone after {span_words(lives_ms)}." if lives_ms else "What you send here stays."
        return Outcome(lines=(f"{stands} /expire 1h or /expire off changes that.",))
    first, text = call.first_word()
    lives_ms = life_span(first)
    if text:
        if not lives_ms:
            raise call.misused()
        accepted = await call.api.submit(SendMessage(channel=channel, text=text, lives_ms=lives_ms))
        record: Plain = id_text(accepted.record) if accepted.record is not None else None
        return Outcome(fields={"channel": id_text(channel), "id": record, "lives": lives_ms}, record=accepted.record)
    await call.api.submit(ChangeSetting(key=life_setting(channel), value=str(lives_ms) if lives_ms else ""))
    said = f"What you send here is gone {span_words(lives_ms)} later, everywhere, until /expire off. {HONEST}"
    return Outcome(lines=(said if lives_ms else "What you send here stays.",), fields={"lives": lives_ms})
