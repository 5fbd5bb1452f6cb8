"""Slash commands about this node and the program."""

from multichat_tui.model.economy import Mode
from multichat_tui.model.intents import ChangeSetting, ConnectTo, ForgetTyped
from multichat_tui.model.snapshots import MailboxState, PeerRow, StatusRow
from multichat_tui.model.text import size_words
from multichat_tui.node.api.commands.people import presence
from multichat_tui.node.api.commands.shape import Call, Outcome
from multichat_tui.node.api.lookup import id_text, one_line
from multichat_tui.node.api.settings import SETTINGS, checked_value, effective, find_setting
from multichat_tui.node.api.transcript import local_time

STATUS_CELLS = 11
"""Where the values of /status begin."""


async def status(call: Call) -> Outcome:
    call.need_none()
    row = (await call.api.status()).rows
    return Outcome(
        lines=status_lines(row),
        hang=STATUS_CELLS,
        fields={
            "user": id_text(row.me.user),
            "name": row.me.name,
            "listen": list(row.listen),
            "lan": row.lan,
            "links": row.links,
            "queued": row.queued,
            "stored": row.stored,
            "trouble": row.trouble,
            "counters": dict(row.counters),
            "mode": row.mode.value,
            "resting_until": row.resting_until_ms,
            "traffic": {each.path: {"received": each.received, "sent": each.sent} for each in row.traffic},
        },
    )


def _queued_words(row: StatusRow) -> str:
    if not row.queued:
        return "nothing"
    stored = f"; {row.stored} of them at mailboxes for all who lack them" if row.stored else ""
    return f"{row.queued} of your messages, not yet with everybody{stored}"


def status_lines(row: StatusRow) -> tuple[str, ...]:
    """A node's state for people."""
    lines = [
        f"you        {one_line(row.me.name)}  {row.me.fingerprint}",
        f"listening  {', '.join(row.listen) or 'nowhere'}{'; looking around on this network' if row.lan else ''}",
        f"links      {row.links}",
        f"queued     {_queued_words(row)}",
        f"trouble    {one_line(row.trouble) or 'none'}",
    ]
    chosen = [box for box in row.mailboxes if box.state is not MailboxState.LEAVING]
    if chosen:
        serving = sum(box.serving for box in chosen)
        lines.append(f"mailboxes  {serving} of {len(chosen)} in use: /mailbox list tells more")
    if row.mode is not Mode.USUAL:
        rests = f": rests until {local_time(row.resting_until_ms)}" if row.resting_until_ms is not None else ""
        lines.append(f"mode       {row.mode.value}{rests}")
    if row.traffic:
        moved = (f"{each.path} {size_words(each.received)} in, {size_words(each.sent)} out" for each in row.traffic)
        lines.append(f"traffic    {'; '.join(moved)}, since the start")
    lines += [
        f"working    {one_line(work.what)}: {work.done}" + (f" of {work.total}" if work.total else "") for work in row.progress
    ]
    if row.closed:
        told = f"{row.untold} of your contacts were not reached yet" if row.untold else "every contact knows"
        lines.append(f"closed     {told}")
    if row.counters:
        lines.append("counters   " + ", ".join(f"{one_line(name)} {count}" for name, count in row.counters))
    return tuple(lines)


async def peers(call: Call) -> Outcome:
    call.need_none()
    rows = (await call.api.peers()).rows
    lines = peer_lines(rows) or ("No devices are known yet. /pair makes a contact.",)
    return Outcome(
        lines=lines,
        fields={
            "peers": [
                {
                    "device": id_text(row.device),
                    "user": id_text(row.user),
                    "name": row.name,
                    "online": row.online,
                    "path": row.path,
                    "address": row.address,
                    "rtt_ms": row.rtt_ms,
                    "unacknowledged": row.unacknowledged,
                    "addresses": list(row.addresses),
                    "failure": row.failure,
                }
                for row in rows
            ]
        },
    )


def peer_lines(rows: tuple[PeerRow, ...]) -> tuple[str, ...]:
    """One line per device, for people."""
    lines = []
    for row in rows:
        parts = [presence(row.online, row.path, row.rtt_ms)]
        parts += [row.address] if row.online else [f"tried {', '.join(row.addresses)}"] if row.addresses else []
        parts += [f"{row.unacknowledged} unacknowledged"] if row.unacknowledged else []
        parts += [one_line(row.failure)] if row.failure and not row.online else []
        lines.append(f"{one_line(row.name)}  {id_text(row.device)[:8]}  {'; '.join(part for part in parts if part)}")
    return tuple(lines)


async def connect(call: Call) -> Outcome:
    address = call.need_words()
    await call.api.submit(ConnectTo(address=address))
    return Outcome(lines=(f"Peers are looked for at {one_line(address)} too.",), fields={"address": address})


async def change_setting(call: Call) -> Outcome:
    values = effective((await call.api.settings()).rows)
    if not call.words:
        cells = max(len(f"{s.key} = {values[s.key]}") for s in SETTINGS)
        lines = [f"{f'{s.key} = {values[s.key]}':<{cells}}  {s.help}" for s in SETTINGS]
        told = ("", "/set KEY VALUE changes one; /set KEY tells what it may be.")
        return Outcome(lines=(*lines, *told), fields={"settings": dict(values)}, hang=cells + 2)
    key, value = call.first_word()
    setting = find_setting(key)
    if not value:
        line = f"{setting.key} = {values[setting.key]}   {setting.help} ({setting.choice}; default {setting.default})"
        return Outcome(lines=(line,), fields={"key": setting.key, "value": values[setting.key]})
    kept = checked_value(setting, value.removeprefix("=").strip() or value)
    await call.api.submit(ChangeSetting(key=setting.key, value=kept))
    return Outcome(lines=(f"{setting.key} = {kept}",), fields={"key": setting.key, "value": kept})


async def history(call: Call) -> Outcome:
    """Without words: what was entered in the open channel. `clear`: forget that; `clear all`: in every channel."""
    match call.words.lower().split():
        case []:
            lines = (await call.api.typed(call.channel)).rows
            shown = tuple(one_line(line) for line in lines) or ("Nothing that you have entered here is kept.",)
            return Outcome(lines=shown, fields={"history": list(lines)})
        case ["clear"] if call.channel is not None:
            await call.api.submit(ForgetTyped(channel=call.channel))
            return Outcome(
                lines=("What you have entered here is forgotten; messages stay.",), fields={"forgotten": "here"}, forgot=True
            )
        case ["clear"] | ["clear", "all"]:
            await call.api.submit(ForgetTyped())
            return Outcome(
                lines=("All that you have entered is forgotten; messages stay.",), fields={"forgotten": "all"}, forgot=True
            )
        case _:
            raise call.misused()


async def quit_program(call: Call) -> Outcome:
    call.need_none()
    return Outcome(quit=True)
