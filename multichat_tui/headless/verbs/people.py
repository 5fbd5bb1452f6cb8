"""Commands about people: pairing and contacts."""

import shutil

from multichat_tui.headless.host import Context
from multichat_tui.headless.output import Output, plain, table
from multichat_tui.headless.session import session, wait_for
from multichat_tui.model.errors import TimedOut, UsageError
from multichat_tui.model.intents import AcceptContact, InviteContact
from multichat_tui.model.snapshots import ContactRow
from multichat_tui.node.api.commands.options import expiry_ms, link_kind, span_words
from multichat_tui.node.api.commands.people import presence
from multichat_tui.node.api.lookup import find_contact, id_text, one_line
from multichat_tui.node.api.qr import needs, qr_code

SOMEBODY_ONLINE = "A link is answered only while a node of yours runs: multichat node, or the screens, or --wait."


async def pair_invite(context: Context) -> int:
    args, out = context.args, context.out
    expires_in_ms = expiry_ms(args.expires)
    async with session(context.host, network=True) as opened:
        api = opened.api
        before = {row.user for row in (await api.contacts()).rows if not row.pending}
        link = (await api.submit(InviteContact(expires_in_ms=expires_in_ms))).link
        out.result({"link": link, "expires_in_ms": expires_in_ms}, str(link))
        if args.qr:
            draw_qr(out, str(link))
        out.note(f"For one person, valid for {span_words(expires_in_ms)}. They run: multichat pair accept LINK")
        if not args.wait:
            if not opened.attached:
                out.note(SOMEBODY_ONLINE)
            return 0

        async def answered() -> ContactRow | None:
            return next((row for row in (await api.contacts()).rows if not row.pending and row.user not in before), None)

        contact = await wait_for(api, answered, args.timeout if args.timeout is not None else expires_in_ms / 1000)
    if contact is None:
        raise TimedOut("Nobody has answered the link.", SOMEBODY_ONLINE)
    out.result(_paired(contact), f"Paired with {one_line(contact.name)}")
    return 0


async def pair_accept(context: Context) -> int:
    args, out = context.args, context.out
    if link_kind(args.link) == "join":
        raise UsageError("That is an invitation to a channel.", "Use: multichat channel join LINK")
    async with session(context.host, network=True) as opened:
        api = opened.api
        user = (await api.submit(AcceptContact(link=args.link))).user

        async def answered() -> ContactRow | None:
            return next((row for row in (await api.contacts()).rows if row.user == user and not row.pending), None)

        contact = await wait_for(api, answered, args.timeout)
    if contact is None:
        out.result({"contact": id_text(user) if user is not None else None, "verified": False, "pending": True}, "Pairing waits.")
        raise TimedOut("The maker of the link was not reached yet.", "The pairing goes on whenever a node of yours runs.")
    out.result(
        _paired(contact),
        f"Paired with {one_line(contact.name)}",
        f"safety number  {contact.safety_number}",
    )
    out.note("Compare words or the safety number before you trust it: multichat contact verify NAME")
    return 0


def _paired(contact: ContactRow) -> dict[str, object]:
    return {
        "contact": id_text(contact.user),
        "name": contact.name,
        "verified": contact.verified,
        "safety_number": contact.safety_number,
        "pending": False,
    }


def _contact_fields(row: ContactRow) -> dict[str, object]:
    state = "pending" if row.pending else "online" if row.online else "offline"
    fields: dict[str, object] = plain(row)
    return fields | {"presence": state}


async def contact_list(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        rows = (await opened.api.contacts()).rows
    if context.out.json_lines:
        for row in rows:
            context.out.object(_contact_fields(row))
        return 0
    cells = [
        (
            one_line(row.name),
            "pending" if row.pending else presence(row.online, row.path, row.rtt_ms),
            "verified" if row.verified else "not verified",
            id_text(row.user)[:8],
        )
        for row in rows
    ]
    context.out.result({}, *(table(cells) or ["No contacts yet. multichat pair invite makes a link."]))
    return 0


async def contact_show(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        row = await find_contact(opened.api, context.args.name)
    context.out.result(
        _contact_fields(row),
        one_line(row.name),
        f"fingerprint    {row.fingerprint}",
        f"safety number  {row.safety_number}",
        f"verified       {'yes' if row.verified else 'no: compare the safety number by voice or in person'}",
        f"presence       {'pending' if row.pending else presence(row.online, row.path, row.rtt_ms)}",
    )
    return 0


def draw_qr(out: Output, link: str) -> None:
    """The link as a code, and what it needs where there is not the room."""
    unicode_drawn = (out.stdout.encoding or "").lower().replace("-", "") == "utf8"
    lines = qr_code(link).lines(ascii_only=not unicode_drawn)
    columns, rows = needs(lines)
    size = shutil.get_terminal_size()
    if out.stdout.isatty() and (columns > size.columns or rows + 2 > size.lines):
        out.note(f"The code needs {columns} columns and {rows + 2} rows, here are {size.columns} and {size.lines}.")
    if not out.stdout.isatty() or columns <= size.columns:
        out.draw(lines)
