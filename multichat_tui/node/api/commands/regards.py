"""Slash commands about whom one ignores or blocks."""

from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import SetRegard
from multichat_tui.model.regards import Regard, RegardRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.shape import Call, Outcome
from multichat_tui.node.api.lookup import find_among, find_author, id_text, one_line

SAID = {
    Regard.IGNORED: "is ignored: what they write is folded into one line, here and in every channel. They are not told.",
    Regard.BLOCKED: "is blocked: no messages between you, no pairing. In channels what they write is folded. They are not told.",
}
NOBODY = "You ignore nobody. /ignore NAME folds what somebody writes, /block NAME ends it between the two of you."


async def ignore(call: Call) -> Outcome:
    return await _regard(call, Regard.IGNORED)


async def block(call: Call) -> Outcome:
    return await _regard(call, Regard.BLOCKED)


async def unignore(call: Call) -> Outcome:
    return await _forgive(call, Regard.IGNORED)


async def unblock(call: Call) -> Outcome:
    return await _forgive(call, Regard.BLOCKED)


async def ignored(call: Call) -> Outcome:
    """Whom one ignores or has blocked."""
    call.need_none()
    rows = (await call.api.status()).rows.regards
    return Outcome(
        lines=regard_lines(rows) or (NOBODY,),
        fields={"people": [{"user": id_text(r.user), "name": r.name, "regard": r.regard.value} for r in rows]},
    )


def regard_lines(rows: tuple[RegardRow, ...]) -> tuple[str, ...]:
    return tuple(f"{row.regard.value:<8} {one_line(row.name)}" for row in rows)


async def _regard(call: Call, regard: Regard) -> Outcome:
    user, name = await somebody(call.api, call.need_words().strip('"'))
    line = await set_regard(call.api, user, name, regard)
    return Outcome(lines=(line,), fields={"user": id_text(user), "name": name, "regard": regard.value})


async def _forgive(call: Call, regard: Regard) -> Outcome:
    user, name = await somebody_shut_out(call.api, call.need_words().strip('"'), regard)
    line = await set_regard(call.api, user, name, Regard.NONE)
    return Outcome(lines=(line,), fields={"user": id_text(user), "name": name, "regard": Regard.NONE.value})


async def somebody(api: NodeApi, text: str) -> tuple[UserId, str]:
    """A contact, or a member of any channel. `errors.NotFound`."""
    person = await find_author(api, text)
    return person.user, person.name


async def somebody_shut_out(api: NodeApi, text: str, regard: Regard) -> tuple[UserId, str]:
    """One of those who are ignored or blocked just so. `errors.NotFound`."""
    rows = (await api.status()).rows.regards
    if not rows:
        raise NotFound("You ignore nobody.", "/ignored lists whom you do.")
    row = find_among(rows, text, "person", lambda row: (row.name, row.user))
    if row.regard is not regard:
        advice = f"/{'unblock' if row.regard is Regard.BLOCKED else 'unignore'} takes that back."
        raise IntentRefused(Refusal.NOT_ALLOWED, f"{one_line(row.name)} is {row.regard.value}.", advice)
    return row.user, row.name


async def set_regard(api: NodeApi, user: UserId, name: str, regard: Regard) -> str:
    """Do it; what is to be said of it. `errors.IntentRefused`."""
    await api.submit(SetRegard(user=user, regard=regard))
    return f"{one_line(name)} {SAID.get(regard, 'is neither ignored nor blocked any more.')}"
