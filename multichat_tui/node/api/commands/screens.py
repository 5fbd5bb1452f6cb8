"""Slash commands about the screens themselves: they ask the front end, which knows its themes and keys."""

from multichat_tui.node.api.commands.shape import Call, Outcome


async def theme(call: Call) -> Outcome:
    return Outcome(screen="theme", words=call.words)


async def bind(call: Call) -> Outcome:
    return Outcome(screen="bind", words=call.words)


async def unbind(call: Call) -> Outcome:
    return Outcome(screen="unbind", words=call.need_words())


async def lock(call: Call) -> Outcome:
    call.need_none()
    return Outcome(screen="lock")


async def log(call: Call) -> Outcome:
    call.need_none()
    return Outcome(screen="log")


async def thread(call: Call) -> Outcome:
    call.need_none()
    return Outcome(screen="thread")


async def moderation(call: Call) -> Outcome:
    call.need_none()
    call.need_channel()
    return Outcome(screen="moderation")
