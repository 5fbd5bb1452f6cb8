"""Commands about one's own devices, and about the account as a whole."""

from multichat_tui.headless.host import Context
from multichat_tui.headless.launch import node_answers
from multichat_tui.headless.output import table
from multichat_tui.headless.session import session, wait_for
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.intents import CloseAccount, LabelDevice, RevokeDevice, SettleDevices
from multichat_tui.model.snapshots import StatusRow
from multichat_tui.node.api.device_words import device_cells, device_fields, find_device
from multichat_tui.node.api.lookup import id_text


async def list_all(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        rows = (await opened.api.devices()).rows
    for row, line in zip(rows, table([device_cells(row) for row in rows]), strict=True):
        context.out.result(device_fields(row), line)
    return 0


async def revoke(context: Context) -> int:
    """Needs the account's key; contacts who are not reached at once hear of it later."""
    args, host = context.args, context.host
    async with session(host, network=True) as opened:
        device = await find_device(opened.api, args.name)
        await opened.api.submit(RevokeDevice(device=device.device, passphrase=host.passphrase))
        rows = (await opened.api.devices()).rows
    row = next(row for row in rows if row.device == device.device)
    context.out.result(device_fields(row), f"{' '.join(device_cells(row)).strip()}: contacts hear of it as they are reached.")
    return 0


async def rename(context: Context) -> int:
    args = context.args
    async with session(context.host, network=False) as opened:
        device = await find_device(opened.api, args.name)
        await opened.api.submit(LabelDevice(device=device.device, label=args.label))
        rows = (await opened.api.devices()).rows
    row = next(row for row in rows if row.device == device.device)
    context.out.result(device_fields(row), " ".join(device_cells(row)).strip())
    return 0


async def settle(context: Context) -> int:
    async with session(context.host, network=True) as opened:
        await opened.api.submit(SettleDevices(passphrase=context.host.passphrase))
        rows = (await opened.api.devices()).rows
    context.out.result({"devices": [device_fields(row) for row in rows]}, "There is one list again.")
    return 0


async def close_account(context: Context) -> int:
    """Say so, wait a bounded while until the contacts in reach have it, then delete the profile."""
    args, host, out = context.args, context.host, context.out
    if node_answers(host):
        raise IntentRefused(Refusal.NOT_ALLOWED, "A node of this profile runs.", "End it first, or use /account close there.")
    async with session(host, network=True, attach=False) as opened:
        api = opened.api
        user = (await api.submit(CloseAccount(passphrase=host.passphrase))).user
        contacts = {row.user for row in (await api.contacts()).rows if not row.pending}

        async def told() -> StatusRow | None:
            row = (await api.status()).rows
            return None if row.untold else row

        await wait_for(api, told, args.timeout)
        reached = len(contacts) - (await api.status()).rows.untold
    everybody = reached == len(contacts)
    await host.wipe()
    fields = {"user": None if user is None else id_text(user), "contacts": len(contacts), "told": reached, "all": everybody}
    rest = "" if everybody else " The others hear of it from people whom you both know, or not at all."
    line = f"The account is closed: {reached} of {len(contacts)} contacts were told.{rest}"
    out.result(fields, line, "The profile is deleted.")
    return 0
