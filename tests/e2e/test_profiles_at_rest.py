"""What lies on the disk of somebody who chats with a passphrase: nothing that a thief could read."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes, befriend, bring_in, found_in, id_bytes, say, until_delivered

from multichat_tui.crypto.keys import pair_key
from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.codec import decode
from multichat_tui.model.identity import decode_device_list
from multichat_tui.model.intents import CreateChannel, OpenDirect, RememberTyped, SetDraft
from multichat_tui.model.invitations import Invitation, parse_link
from multichat_tui.model.ports import Space
from multichat_tui.node.standing import decode_contact
from multichat_tui.store.keyfile import read_keys
from multichat_tui.store.sqlite import SqliteStore
from multichat_tui.store.wrapping import ACCOUNT_ENTROPY, DATABASE_KEY, open_secret, wrapping_key

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PASSPHRASES = {"annegret": "seven dry towels", "barnabas": "a lamp in the window"}
CHANNEL = "smugglers-cove"
TEXTS = ("meet me where the old nets hang", "ein Fäßchen Rum unter der Brücke", "nobody else comes to the beach")
DRAFT = "what I would never dare to send"
TYPED = "typed once, and kept for the key"
WORDS_IN_SEQUENCE = 3


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-rest-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


@asynccontextmanager
async def attached(homes: Homes) -> AsyncIterator[list[RemoteNode]]:
    nodes = [await homes.attach(who) for who in PASSPHRASES]
    yield nodes
    for node in nodes:
        await node.close()


def everything(home: Path) -> bytes:
    """Every byte of every file below a home, and the names of the files."""
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return b"\0".join(str(path.relative_to(home)).encode() + b"\0" + path.read_bytes() for path in files)


async def test_no_file_of_a_locked_profile_tells_a_text_a_name_or_a_key(homes: Homes):
    secrets: dict[str, bytes] = {"channel name": CHANNEL.encode(), "draft": DRAFT.encode(), "typed": TYPED.encode()}
    secrets |= {text: text.encode() for text in TEXTS}
    for who, passphrase in PASSPHRASES.items():
        (made,) = homes.results(who, "init", "--name", who, MULTICHAT_PASSPHRASE=passphrase)
        words = made["recovery_phrase"].split()
        for at in range(0, len(words), WORDS_IN_SEQUENCE):
            for between in " ", "\n":
                secrets[f"words from {at} of {who} ({between!r})"] = between.join(words[at : at + WORDS_IN_SEQUENCE]).encode()
        secrets |= {f"name {who}": who.encode(), f"passphrase {who}": passphrase.encode()}
        secrets |= {f"user {who}": id_bytes(made["user"]), f"device {who}": id_bytes(made["device"])}
    ann, bob = (homes.node(who, "-v", *LOCAL, MULTICHAT_PASSPHRASE=passphrase) for who, passphrase in PASSPHRASES.items())

    async with attached(homes) as (one, other):
        await befriend(one, other)
        channel = (await one.submit(CreateChannel(name=CHANNEL))).channel
        assert channel is not None
        link = await bring_in(one, other, channel)
        invitation = parse_link(link)
        assert isinstance(invitation, Invitation)
        secrets |= {"seed of the invitation": invitation.seed, "link": link.encode(), "channel": channel}
        await until_delivered(one, await say(one, channel, TEXTS[0]))
        await until_delivered(other, await say(other, channel, TEXTS[1]))
        (friend,) = (await other.contacts()).rows
        direct = (await other.submit(OpenDirect(user=friend.user))).channel
        assert direct is not None
        await until_delivered(other, await say(other, direct, TEXTS[2]))
        await one.submit(SetDraft(channel=channel, text=DRAFT))
        await one.submit(RememberTyped(channel=channel, text=TYPED))
        await one.submit(RememberTyped(channel=channel, text=f"/join {link}"))
        assert (await one.typed(channel)).rows == (TYPED,)

    while_running = {who: everything(homes.home(who)) for who in PASSPHRASES}
    assert (homes.profile("annegret") / "messages.db-wal").stat().st_size > 0
    ann.kill()
    assert bob.stop() == 0
    after_the_end = {who: everything(homes.home(who)) for who in PASSPHRASES}
    for who, passphrase in PASSPHRASES.items():
        secrets |= {f"{name} of {who}": value for name, value in kept_by(homes.profile(who), passphrase).items()}

    for files in (*while_running.values(), *after_the_end.values()):
        assert b"messages.db\0" in files
        assert b".log\0" in files
        assert found_in(files, secrets) == []


def kept_by(root: Path, passphrase: str) -> dict[str, bytes]:
    """The secret values of a profile, read as its owner can; and that all that was written is in it."""
    keys = read_keys(root / "keys")
    assert keys is not None
    key = wrapping_key(keys, passphrase)
    found = {"wrapping key": key}
    found |= {f"{purpose} key": open_secret(key, purpose, keys, root / "keys") for purpose in (DATABASE_KEY, ACCOUNT_ENTROPY)}
    store = SqliteStore(root / "messages.db", found["database key"], create=False)
    try:
        with store.transaction() as txn:
            seeds = decode(txn.get(Space.SELF, b"device") or b"", 4096)
            assert isinstance(seeds, list)
            found |= {"signing seed": bytes(seeds[0]), "sealing secret": bytes(seeds[1])}
            olm = txn.get(Space.SELF, b"olm") or b""
            found |= {"olm pickle key": olm[:32], "olm pickle": olm[32:]}
            ((_, value),) = txn.scan(Space.CONTACT)
            contact = decode_contact(value)
            found["pairing secret"] = contact.secret
            devices = decode_device_list(contact.devices.encoded)
            (certificate,) = devices.certificates
            own = decode_device_list(txn.get(Space.SELF, b"devices") or b"")
            (mine,) = own.certificates
            for name, secret in (("with", contact.secret), ("without", b"")):
                pair = pair_key(found["sealing secret"], mine.sealing_key, certificate.sealing_key, secret)
                assert pair is not None
                found[f"pair key {name} the pairing secret"] = pair
    finally:
        store.close()
    assert all(len(value) >= 32 for value in found.values())
    return found


def test_the_search_finds_what_lies_open(homes: Homes):
    """Without a passphrase the wrapping key stands in a file: there it is found, as the other secrets would be."""
    homes.results("carla", "init", "--name", "carla", "--no-passphrase")
    keys = read_keys(homes.profile("carla") / "keys")
    assert keys is not None
    assert keys.plain_key is not None
    (homes.home("carla") / "note").write_text(keys.plain_key.hex())
    assert found_in(everything(homes.home("carla")), {"key": keys.plain_key, "other": bytes(range(32))}) == ["key"]
    (homes.profile("carla") / "keys").unlink()
    assert found_in(everything(homes.home("carla")), {"key": keys.plain_key}) == ["key"]
