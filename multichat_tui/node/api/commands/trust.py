"""Slash commands about whose keys are whose."""

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.intents import (
    AcknowledgeAlarms,
    Answer,
    AnswerComparison,
    BeginVerification,
    MeetNearby,
    SetNearby,
    Unverify,
    VerifyByNumber,
)
from multichat_tui.model.trust import ComparisonRow
from multichat_tui.node.api.alarm_words import alarm_fields, alarm_words
from multichat_tui.node.api.commands.shape import Call, Outcome
from multichat_tui.node.api.comparison_words import emoji_line, state_words, words_line
from multichat_tui.node.api.lookup import find_contact, find_person, id_text, one_line


async def trust(call: Call) -> Outcome:
    """Without a name: the warnings. With one: they were seen."""
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
        user = (await find_person(call.api, wanted, call.channel)).user
    if user not in about:
        raise NotFound("There is no warning about them that you have not seen.", "/trust lists the warnings.")
    await call.api.submit(AcknowledgeAlarms(user=user))
    line = f"The warnings about {one_line(about[user])} are taken as seen. This verifies nobody: /verify does."
    return Outcome(lines=(line,), fields={"user": id_text(user), "name": about[user]})


async def verify(call: Call) -> Outcome:
    """`/verify NAME`, `/verify NAME NUMBER`, `/verify yes|no|cancel`."""
    words = call.need_words()
    if words in ANSWERS:
        return await _answer(call, ANSWERS[words])
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
    line = f"Comparing with {one_line(contact.name)}: the words come on both screens. /verify yes, /verify no or /verify cancel."
    return Outcome(lines=(line,), fields={"user": id_text(contact.user)}, compare=True)


ANSWERS = {
    "yes": Answer.SAME,
    "same": Answer.SAME,
    "no": Answer.DIFFERENT,
    "different": Answer.DIFFERENT,
    "cancel": Answer.CANCEL,
}


async def _answer(call: Call, said: Answer) -> Outcome:
    """About the one comparison that is under way."""
    under_way = [row for row in (await call.api.status()).rows.comparisons if not row.state.over]
    if len(under_way) != 1:
        many = "There are several: answer on their screens." if under_way else "/verify NAME begins one."
        raise NotFound("It is not clear which comparison is meant." if under_way else "Nothing is compared just now.", many)
    await call.api.submit(AnswerComparison(comparison=under_way[0].id, answer=said))
    row = next((row for row in (await call.api.status()).rows.comparisons if row.id == under_way[0].id), under_way[0])
    return Outcome(lines=tuple(line for line in state_words(row) if line), fields={"state": row.state.value})


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
        line = "The words to compare come on both screens. /verify yes, /verify no or /verify cancel."
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
