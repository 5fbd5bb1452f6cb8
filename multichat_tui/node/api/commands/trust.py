"""Slash commands about whose keys are whose."""

from multichat_tui.model.errors import NotFound
from multichat_tui.model.intents import AcknowledgeAlarms
from multichat_tui.node.api.alarm_words import alarm_fields, alarm_words
from multichat_tui.node.api.commands.shape import Call, Outcome
from multichat_tui.node.api.lookup import find_person, id_text, one_line


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
