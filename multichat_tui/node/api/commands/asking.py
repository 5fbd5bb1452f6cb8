"""Slash commands about people who are no contacts and ask."""

from multichat_tui.model.errors import NotFound
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import AnswerRequest
from multichat_tui.model.regards import RequestKind, RequestRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import find_among, id_text, one_line

NOBODY = "Nobody asks. Who is no contact of yours and writes to you stands here first."


async def requests(call: Call) -> Outcome:
    """Who asks, and what they wrote first."""
    call.need_none()
    rows = (await call.api.status()).rows.requests
    lines = [line for row in rows for line in request_lines(row)]
    if lines:
        lines.append("/accept NAME takes one up; /decline NAME deletes it, and they are not told.")
    return Outcome(lines=tuple(lines) or (NOBODY,), fields={"requests": [request_fields(row) for row in rows]})


def request_lines(row: RequestRow) -> list[str]:
    """One request for people, in lines that are safe to draw."""
    vouched = f"  {', '.join(map(one_line, row.vouched_by))} vouches for them: /trust shows it" if row.vouched_by else ""
    beside = [vouched] if vouched else []
    if row.kind is RequestKind.INTRODUCTION:
        noted = [f"  {one_line(text)}" for text in row.texts]
        return [f"{one_line(row.through)} introduces {one_line(row.name)} to you, to become contacts:", *noted, *beside]
    through = f", a member of #{one_line(row.through)}" if row.through else ""
    count = f"{row.count} {'message' if row.count == 1 else 'messages'}"
    return [
        f"{one_line(row.name)} asks to write to you{through} ({count}):",
        *(f"  {one_line(text)}" for text in row.texts),
        *beside,
    ]


def request_fields(row: RequestRow) -> dict[str, Plain]:
    return {
        "user": id_text(row.user),
        "name": row.name,
        "kind": row.kind.value,
        "since_ms": row.since_ms,
        "through": row.through,
        "texts": list(row.texts),
        "count": row.count,
        "vouched_by": list(row.vouched_by),
    }


async def accept(call: Call) -> Outcome:
    row, outcome = await answer(call.api, call.need_words().strip('"'), accept=True)
    return Outcome(lines=(outcome[1],), fields={"user": id_text(row.user), "accepted": True}, open_channel=outcome[0])


async def decline(call: Call) -> Outcome:
    row, outcome = await answer(call.api, call.need_words().strip('"'), accept=False)
    return Outcome(lines=(outcome[1],), fields={"user": id_text(row.user), "accepted": False})


async def find_request(api: NodeApi, text: str) -> RequestRow:
    """The request of somebody. `errors.NotFound`."""
    rows = (await api.status()).rows.requests
    if not rows:
        raise NotFound("Nobody asks anything.", "/requests lists who does.")
    return find_among(rows, text, "request from", lambda row: (row.name, row.user))


async def answer(api: NodeApi, text: str, *, accept: bool) -> tuple[RequestRow, tuple[ChannelId | None, str]]:
    """Accept or decline what somebody asks; (the request, (what opens, what is to be said))."""
    row = await find_request(api, text)
    channel = (await api.submit(AnswerRequest(user=row.user, accept=accept))).channel
    name = one_line(row.name)
    if not accept:
        return row, (None, f"What {name} asked is declined and deleted. They are not told, and cannot ask again.")
    if row.kind is RequestKind.INTRODUCTION:
        told = f"When {name} has accepted too, and you can reach each other, you are contacts. /verify compares words then."
        return row, (channel, told)
    return row, (
        channel,
        f"{name} can write to you from now on. They are no contact of yours: /pair makes one.",
    )
