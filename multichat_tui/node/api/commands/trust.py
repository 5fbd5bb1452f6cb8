"""Slash commands about whose keys are whose."""

from dataclasses import replace

from multichat_tui.model.errors import IntentRefused, NotFound, Refusal, UsageError
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import (
    AcknowledgeAlarms,
    Answer,
    AnswerComparison,
    BeginVerification,
    Introduce,
    MeetNearby,
    SetNearby,
    SetVouch,
    Unverify,
    VerifyByNumber,
)
from multichat_tui.model.regards import Regard
from multichat_tui.model.snapshots import ContactRow
from multichat_tui.model.trust import ComparisonRow, TrustRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.alarm_words import alarm_fields, alarm_words
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.comparison_words import emoji_line, state_words, whom, words_line
from multichat_tui.node.api.lookup import find_among, find_contact, find_person, id_text, one_line
from multichat_tui.node.api.transcript import clock_date


async def trust(call: Call) -> Outcome:
    """Without a name: the warnings. With one: they were seen; if there are none, what speaks for that person."""
    standing = (await call.api.status()).rows.alarms
    if not call.words:
        lines: list[str] = []
        for row in standing:
            lines += alarm_words(row)
        none = "There are no warnings about anybody's keys."
        return Outcome(lines=tuple(lines) or (none,), fields={"alarms": [dict(alarm_fields(row)) for row in standing]})
    wanted = call.words.strip('"')
    about = {row.user: row.name for row in standing}
    named = [user for user, name in about.items() if wanted.removeprefix("@") in (name, id_text(user))]
    if len(named) == 1:
        user = named[0]
    else:
        user = await _somebody(call, wanted)
    if user not in about:
        return await _speaks_for(call, user)
    await call.api.submit(AcknowledgeAlarms(user=user))
    line = f"The warnings about {one_line(about[user])} are taken as seen. This verifies nobody: /verify does."
    return Outcome(lines=(line,), fields={"user": id_text(user), "name": about[user]})


async def verify(call: Call) -> Outcome:
    """`/verify`, `/verify NAME`, `/verify NAME NUMBER`, `/verify yes|no|cancel [NAME]`."""
    if not call.words:
        return await _show(call)
    first, name = call.first_word()
    if first in ANSWERS and not call.words.startswith('"'):
        return await _answer(call, ANSWERS[first], name.strip('"'))
    name, number = call.first_word()
    contact = await find_contact(call.api, name)
    if number == "number":
        return Outcome(
            lines=(
                f"Safety number of you and {one_line(contact.name)}:",
                contact.safety_number,
                "They see the same with /verify and your name. When you have compared it: /verify NAME and the number.",
            ),
            fields={"user": id_text(contact.user), "safety_number": contact.safety_number},
        )
    if number:
        await call.api.submit(VerifyByNumber(user=contact.user, number=number))
        line = f"{one_line(contact.name)} is verified: the safety number is the same."
        return Outcome(lines=(line,), fields={"user": id_text(contact.user), "verified": True})
    await call.api.submit(BeginVerification(user=contact.user))
    line = f"Comparing with {one_line(contact.name)}: the words come on both screens. {HOW_TO_ANSWER}"
    return Outcome(lines=(line,), fields={"user": id_text(contact.user)}, compare=True)


HOW_TO_ANSWER = "/verify shows them; then /verify yes, /verify no or /verify cancel."
ANSWERS = {
    "yes": Answer.SAME,
    "same": Answer.SAME,
    "no": Answer.DIFFERENT,
    "different": Answer.DIFFERENT,
    "cancel": Answer.CANCEL,
}


async def _under_way(call: Call) -> list[ComparisonRow]:
    return [row for row in (await call.api.status()).rows.comparisons if not row.state.over]


async def _show(call: Call) -> Outcome:
    """What is compared just now, with the words."""
    under_way = await _under_way(call)
    lines = tuple(line for row in under_way for line in comparison_lines(row, symbols=True))
    return Outcome(
        lines=lines or ("Nothing is compared just now. /verify NAME begins with a contact, /pair nearby with somebody here.",),
        fields={"comparisons": [{"name": row.name, "state": row.state.value, "words": list(row.words)} for row in under_way]},
        compare=True,
        compared=tuple(row.id for row in under_way if row.words),
    )


async def _answer(call: Call, said: Answer, name: str) -> Outcome:
    """About the one comparison that is meant, if its words are those that were shown: others may begin one at any time."""
    under_way = await _under_way(call)
    meant = [row for row in under_way if not name or _is_with(row, name)]
    if not meant:
        with_them = f" with {one_line(name)}" if name else ""
        raise NotFound(f"Nothing is compared just now{with_them}.", "/verify NAME begins a comparison.")
    if len(meant) > 1:
        advice = f"Say with whom: /verify {said.value} NAME. /verify shows them."
        raise NotFound("It is not clear which comparison is meant.", advice)
    row = meant[0]
    if said is not Answer.CANCEL and row.id not in call.compared:
        raise IntentRefused(
            Refusal.NOT_ALLOWED,
            f"The words of the comparison with {whom(row)} were not shown here yet.",
            "/verify shows them. Compare all of them with the other person before you answer.",
        )
    await call.api.submit(AnswerComparison(comparison=row.id, answer=said))
    row = next((now for now in (await call.api.status()).rows.comparisons if now.id == row.id), row)
    return Outcome(lines=tuple(line for line in state_words(row) if line), fields={"state": row.state.value})


def _is_with(row: ComparisonRow, name: str) -> bool:
    """Whether a comparison is with the person of this name or, of those nearby, of these two words."""
    wanted = name.removeprefix("@").casefold()
    return wanted in (row.name.casefold(), row.code.casefold()) or (row.user is not None and wanted == id_text(row.user))


def comparison_lines(row: ComparisonRow, *, symbols: bool) -> tuple[str, ...]:
    """A comparison for people who read lines."""
    state, advice = state_words(row)
    shown = (words_line(row), emoji_line(row, symbols=symbols)) if row.words else ()
    return tuple(line for line in (state, *shown, advice) if line)


async def unverify(call: Call) -> Outcome:
    contact = await find_contact(call.api, call.need_words().strip('"'))
    await call.api.submit(Unverify(user=contact.user))
    line = f"{one_line(contact.name)} is not verified any more."
    return Outcome(lines=(line,), fields={"user": id_text(contact.user), "verified": False})


async def nearby(call: Call, words: str) -> Outcome:
    """`/pair nearby [off|CODE]`: be visible, stop, or choose somebody."""
    if words == "off":
        await call.api.submit(SetNearby(visible=False))
        return Outcome(lines=("You are not visible nearby any more.",), fields={"visible": False})
    if words:
        await call.api.submit(MeetNearby(person=words))
        line = f"The words to compare come on both screens. {HOW_TO_ANSWER}"
        return Outcome(lines=(line,), fields={"visible": True}, compare=True)
    await call.api.submit(SetNearby(visible=True))
    row = (await call.api.status()).rows.nearby
    if row is None:
        raise UsageError("This node cannot be visible nearby.")
    people = [f"  {person.code}" for person in row.people] or ["  nobody yet; the other person has to do the same"]
    return Outcome(
        lines=(
            f"You are visible on this network for five minutes, as: {row.code}",
            "Tell that to the other person. Visible here:",
            *people,
            "/pair nearby CODE chooses one of them; /pair nearby off ends it.",
        ),
        fields={
            "visible": True,
            "code": row.code,
            "until_ms": row.until_ms,
            "people": [{"id": person.id, "code": person.code} for person in row.people],
        },
        compare=True,
    )


async def _somebody(call: Call, text: str) -> UserId:
    """Also somebody who asks."""
    try:
        return (await find_person(call.api, text, call.channel)).user
    except NotFound:
        rows = (await call.api.status()).rows.requests
        if not rows:
            raise
        return find_among(rows, text, "person", lambda row: (row.name, row.user)).user


async def _speaks_for(call: Call, user: UserId) -> Outcome:
    row = (await call.api.trust(user)).rows
    return Outcome(lines=trust_lines(row), fields=trust_fields(row))


def trust_lines(row: TrustRow) -> tuple[str, ...]:
    """What speaks for somebody, for people."""
    name = one_line(row.name)
    if row.verified:
        lines = [f"{name} is verified: you have compared words or the safety number."]
    elif row.contact:
        lines = [f"{name} is your contact, and not verified: /verify compares words."]
    else:
        lines = [f"{name} is no contact of yours, and not verified."]
    if row.regard is not Regard.NONE:
        lines.append(f"You have {'blocked' if row.regard is Regard.BLOCKED else 'chosen to ignore'} them.")
    if row.vouched:
        lines.append(f"You vouch for them{_noted(row.note)}.")
    for path in row.paths:
        ends = [one_line(step.name) for step in path.steps[1:]] + [name]
        steps = [
            f"{one_line(step.name)}, {'verified' if step.verified else 'not verified'}, vouches for {end} "
            f"(since {clock_date(step.since_ms)}{_noted(step.note)})"
            for step, end in zip(path.steps, ends, strict=True)
        ]
        lines.append("; ".join(steps))
    if not row.paths and not row.verified:
        lines.append("Nobody whom you know vouches for them.")
    return tuple(lines)


def _noted(note: str) -> str:
    return f": {one_line(note)}" if note else ""


def trust_fields(row: TrustRow) -> dict[str, Plain]:
    return {
        "user": id_text(row.user),
        "name": row.name,
        "contact": row.contact,
        "verified": row.verified,
        "vouched": row.vouched,
        "paths": [
            [
                {"user": id_text(s.user), "name": s.name, "verified": s.verified, "since_ms": s.since_ms, "note": s.note}
                for s in path.steps
            ]
            for path in row.paths
        ],
    }


async def vouch(call: Call) -> Outcome:
    name, note = call.first_word()
    contact = await find_contact(call.api, name)
    line = await set_vouch(call.api, contact, vouched=True, note=note)
    return Outcome(lines=(line,), fields={"user": id_text(contact.user), "vouched": True})


async def unvouch(call: Call) -> Outcome:
    contact = await find_contact(call.api, call.need_words().strip('"'))
    line = await set_vouch(call.api, contact, vouched=False)
    return Outcome(lines=(line,), fields={"user": id_text(contact.user), "vouched": False})


async def set_vouch(api: NodeApi, contact: ContactRow, *, vouched: bool, note: str = "") -> str:
    """Vouch for a contact or no more; what is to be said of it."""
    await api.submit(SetVouch(user=contact.user, vouched=vouched, note=note))
    name = one_line(contact.name)
    if not vouched:
        return f"You do not vouch for {name} any more; your contacts learn it as you are linked with them."
    return f"You vouch for {name}: your contacts see that, and nobody else. It verifies nobody."


async def introduce(call: Call) -> Outcome:
    name, rest = call.first_word()
    if not rest:
        raise call.misused()
    other, note = replace(call, words=rest).first_word()
    one, two = await find_contact(call.api, name), await find_contact(call.api, other)
    line = await bring_together(call.api, one, two, note)
    return Outcome(lines=(line,), fields={"one": id_text(one.user), "other": id_text(two.user)})


async def bring_together(api: NodeApi, one: ContactRow, other: ContactRow, note: str) -> str:
    await api.submit(Introduce(one=one.user, other=other.user, note=note))
    return (
        f"{one_line(one.name)} and {one_line(other.name)} are asked as soon as you are linked with them. "
        "When both have accepted and can reach each other they are contacts."
    )
