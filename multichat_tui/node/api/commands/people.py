"""Slash commands about people: pairing, conversations, names, who is who."""

from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import fingerprint
from multichat_tui.model.intents import AcceptContact, InviteContact, JoinChannel, SendMessage, SetName
from multichat_tui.node.api.commands.options import expiry_ms, link_kind, span_words, split_options
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.commands.trust import nearby
from multichat_tui.node.api.lookup import Person, direct_channel, find_person, id_text, one_line
from multichat_tui.node.api.qr import qr_code

ABOUT_CELLS = 15
"""Where the values of /whois begin."""


async def pair(call: Call) -> Outcome:
    if link_kind(call.words) == "join":
        return await join_link(call, "That is an invitation to a channel, not a pairing link: joining. ")
    if link_kind(call.words) == "pair":
        return await pair_link(call, "")
    if call.words.split()[:1] == ["nearby"]:
        return await nearby(call, call.words.split(maxsplit=1)[1].strip() if len(call.words.split()) > 1 else "")
    rest, options = split_options(call.words, "expires")
    if rest:
        advice = "/pair alone makes one; /pair LINK accepts one that begins with multichat:pair/"
        raise UsageError("That is no invitation link.", advice)
    intent = InviteContact(expires_in_ms=expiry_ms(options["expires"])) if "expires" in options else InviteContact()
    link = (await call.api.submit(intent)).link or ""
    return Outcome(
        lines=(
            "Give this link to one person, by any means that only they can read. "
            f"It is valid once, for {span_words(intent.expires_in_ms)}:",
            link,
            "They type: /pair and the link. Keep Multichat running until they have.",
            "Then compare words to be sure that nobody else used it: /verify NAME.",
        ),
        fields={"link": link, "expires_in_ms": intent.expires_in_ms},
    )


async def pair_link(call: Call, hint: str) -> Outcome:
    accepted = await call.api.submit(AcceptContact(link=call.words))
    who: Plain = id_text(accepted.user) if accepted.user is not None else None
    line = f"{hint}Pairing: the other side is being looked for. They appear among your contacts as soon as they answer."
    return Outcome(lines=(line,), fields={"contact": who, "pending": True})


async def join_link(call: Call, hint: str) -> Outcome:
    accepted = await call.api.submit(JoinChannel(link=call.words))
    where: Plain = id_text(accepted.channel) if accepted.channel is not None else None
    line = f"{hint}Joining: waiting for a member of the channel to be reached. It goes on by itself."
    return Outcome(lines=(line,), fields={"channel": where, "pending": True}, open_channel=accepted.channel)


async def message(call: Call) -> Outcome:
    name, text = call.first_word()
    if not text:
        raise call.misused("/query NAME opens a conversation without sending.")
    person = await find_person(call.api, name, call.channel)
    channel = await direct_channel(call.api, person)
    accepted = await call.api.submit(SendMessage(channel=channel, text=text))
    record: Plain = id_text(accepted.record) if accepted.record is not None else None
    return Outcome(
        lines=waits(person), fields={"channel": id_text(channel), "id": record}, open_channel=channel, record=accepted.record
    )


async def query(call: Call) -> Outcome:
    person = await find_person(call.api, call.need_words().strip('"'), call.channel)
    channel = await direct_channel(call.api, person)
    return Outcome(lines=waits(person), fields={"channel": id_text(channel)}, open_channel=channel)


def waits(person: Person) -> tuple[str, ...]:
    """What is to be known of a conversation with somebody who is no contact."""
    if person.contact is not None:
        return ()
    return (f"{one_line(person.name)} is no contact of yours: what you write may wait until they accept it.",)


async def nick(call: Call) -> Outcome:
    if not call.words:
        me = (await call.api.me()).rows
        return Outcome(lines=(f"You are called {one_line(me.name)}. /nick NAME changes it.",), fields={"name": me.name})
    await call.api.submit(SetName(name=call.words))
    name = (await call.api.me()).rows.name
    return Outcome(lines=(f"You are called {one_line(name)} now.",), fields={"name": name})


async def whois(call: Call) -> Outcome:
    person = await find_person(call.api, call.need_words().strip('"'), call.channel)
    return Outcome(lines=tuple(_about(person)), fields=_fields(person), hang=ABOUT_CELLS)


def _about(person: Person) -> list[str]:
    lines = [one_line(person.name), f"fingerprint    {fingerprint(person.user)}"]
    contact, member = person.contact, person.member
    if person.me is not None:
        lines.append("this is you; others compare this fingerprint, or the safety number they see")
    if contact is not None:
        lines.append(f"safety number  {contact.safety_number}")
        if contact.closed:
            lines.append("closed         they have closed their account")
        if contact.pending:
            lines.append("pairing        waiting for the other side")
        elif contact.verified:
            lines.append("verified       yes: the safety number, words or emoji were compared")
        else:
            lines.append("verified       no: /verify NAME compares words, or compare the safety number")
        if contact.alarm is not None:
            lines.append("warning        there is a warning about their keys: /trust shows it")
        lines.append(f"presence       {presence(contact.online, contact.path, contact.rtt_ms)}")
    elif person.me is None:
        lines.append("not a contact: /pair makes a link to become one")
        if member is not None:
            lines.append(f"presence       {'online' if member.online else 'offline'}")
    if member is not None:
        lines.append(f"role here      {member.role}")
    return lines


def _fields(person: Person) -> dict[str, Plain]:
    contact, member = person.contact, person.member
    return {
        "user": id_text(person.user),
        "name": person.name,
        "me": person.me is not None,
        "fingerprint": fingerprint(person.user),
        "contact": contact is not None,
        "verified": contact is not None and contact.verified,
        "pending": contact is not None and contact.pending,
        "safety_number": contact.safety_number if contact is not None else None,
        "online": (contact is not None and contact.online) or (member is not None and member.online),
        "path": contact.path if contact is not None else "",
        "rtt_ms": contact.rtt_ms if contact is not None else None,
        "role": member.role if member is not None else None,
    }


def presence(online: bool, path: str, rtt_ms: float | None) -> str:
    """`online, lan, 3 ms` or `offline`."""
    if not online:
        return "offline"
    parts = ["online", path, f"{rtt_ms:.0f} ms" if rtt_ms is not None else ""]
    return ", ".join(part for part in parts if part)


async def qr(call: Call) -> Outcome:
    """A link as a QR code; without one a new pairing link."""
    link = "".join(call.words.split())
    if link and not link_kind(link):
        raise UsageError("That is no invitation link.", "/qr LINK draws one; /qr alone makes a pairing link and draws it.")
    if not link:
        link = (await call.api.submit(InviteContact())).link or ""
    lines = qr_code(link).lines()
    return Outcome(lines=(*lines, link), fields={"link": link}, qr=link)
