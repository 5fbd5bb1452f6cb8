"""Slash commands about one's own devices and the account. Passphrases are asked for by the front end, never typed here."""

from multichat_tui.model.errors import UsageError
from multichat_tui.model.intents import CloseAccount, LabelDevice, RevokeDevice, SettleDevices
from multichat_tui.node.api.commands.shape import Call, Outcome
from multichat_tui.node.api.device_words import device_cells, device_fields, find_device
from multichat_tui.node.api.lookup import id_text, one_line

ONLY_DEVICE = (
    "This is the only one. If it is lost, your recovery phrase brings the account back on another: multichat init --restore, or "
    "Ctrl+R at the first start there. With the answer keep (--keep-devices) that adds a second device, and this one stays.",
    "",
)


async def devices(call: Call) -> Outcome:
    """Without words: all devices. `revoke NAME`, `rename NAME LABEL`, `settle`."""
    if not call.words:
        rows = (await call.api.devices()).rows
        lines = ["  ".join(cell for cell in device_cells(row) if cell) for row in rows]
        only = sum(not row.revoked for row in rows) <= 1
        verbs = "/devices revoke NAME ends one for good; /devices rename NAME LABEL calls it something, here only."
        told = ("", *(ONLY_DEVICE if only else ()), verbs)
        return Outcome(lines=(*lines, *told), fields={"devices": [dict(device_fields(row)) for row in rows]})
    verb, rest = call.first_word()
    match verb:
        case "revoke" if rest:
            return await _revoke(call, rest)
        case "rename" if rest:
            return await _rename(call, rest)
        case "settle" if not rest:
            await call.api.submit(SettleDevices(passphrase=call.passphrase))
            return Outcome(lines=("There is one list of your devices again.",), fields={"settled": True})
        case _:
            raise call.misused()


async def _revoke(call: Call, name: str) -> Outcome:
    row = await find_device(call.api, name)
    await call.api.submit(RevokeDevice(device=row.device, passphrase=call.passphrase))
    line = f"{one_line(row.label) or id_text(row.device)[:8]} is revoked. Contacts hear of it as they are reached."
    return Outcome(lines=(line,), fields={"device": id_text(row.device), "revoked": True})


async def _rename(call: Call, rest: str) -> Outcome:
    name, label = Call(api=call.api, channel=None, words=rest, usage=call.usage, summary=call.summary).first_word()
    row = await find_device(call.api, name)
    await call.api.submit(LabelDevice(device=row.device, label=label))
    shown = id_text(row.device)[:8]
    line = f"{shown} is called {one_line(label)} here." if label else f"{shown} has no name here."
    return Outcome(lines=(line,), fields={"device": id_text(row.device), "label": label})


async def account(call: Call) -> Outcome:
    """`close NAME`: one's own name has to be typed, so that nobody closes an account by a slip."""
    verb, rest = call.first_word()
    me = (await call.api.me()).rows
    if verb != "close":
        raise call.misused()
    if rest.strip('"') != me.name:
        raise UsageError(
            "This tells your contacts that the account is not used any more, on all its devices, for good.",
            f"If you mean it, type: /account close {one_line(me.name)}",
        )
    await call.api.submit(CloseAccount(passphrase=call.passphrase))
    lines = (
        "The account is closed. Contacts hear of it while this program runs: /status says how many are not reached yet.",
        "In the screens the word delete and Enter delete the profile of this device then; elsewhere multichat wipe does.",
    )
    return Outcome(lines=lines, fields={"closed": True})
