"""What lies on the disk of somebody who chats with a passphrase: nothing that a thief could read."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes, found_in, id_bytes

from multichat_tui.crypto.keys import pair_key
from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.codec import decode
from multichat_tui.model.identity import decode_device_list
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeSetting, SetDraft
from multichat_tui.model.invitations import Invitation, parse_link
from multichat_tui.model.ports import Space
from multichat_tui.node.standing import decode_contact
from multichat_tui.store.keyfile import DATABASE_KEY, open_secret, read_keys, wrapping_key
from multichat_tui.store.profile import open_profile

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PASSPHRASES = {"annegret": "seven dry towels", "barnabas": "a lamp in the window"}
CHANNEL = "smugglers-cove"
TEXTS = ("meet me where the old nets hang", "ein Fäßchen Rum unter der Brücke", "nobody else comes to the beach")
DRAFT = "what I would never dare to send"
WORDS_IN_SEQUENCE = 3


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-rest-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def everything(home: Path) -> bytes:
    """Every byte of every file below a home, and the names of the files."""
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return b"\0".join(str(path.relative_to(home)).encode() + b"\0" + path.read_bytes() for path in files)


async def test_no_file_of_a_locked_profile_tells_a_text_a_name_or_a_key(homes: Homes):
    secrets: dict[str, bytes] = {"channel name": CHANNEL.encode(), "draft": DRAFT.encode()}
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

    pairing = homes.results("annegret", "pair", "invite")[0]["link"]
    homes.results("barnabas", "pair", "accept", pairing)
    channel = homes.results("annegret", "channel", "create", CHANNEL)[0]["channel"]
    joining = homes.results("annegret", "channel", "invite", CHANNEL)[0]["link"]
    homes.results("barnabas", "channel", "join", joining)
    for link in pairing, joining:
        invitation = parse_link(link)
        assert isinstance(invitation, Invitation)
        secrets |= {f"seed of {invitation.kind}": invitation.seed, f"link of {invitation.kind}": link.encode()}
    secrets["channel"] = id_bytes(channel)
    homes.results("annegret", "send", "--wait", "delivered", CHANNEL, TEXTS[0])
    homes.results("barnabas", "send", "--wait", "delivered", CHANNEL, TEXTS[1])
    homes.results("barnabas", "send", "--wait", "delivered", "@annegret", TEXTS[2])
    node = await RemoteNode.attach(Path(homes.results("annegret", "paths")[0]["socket"]))
    await node.submit(SetDraft(channel=ChannelId(id_bytes(channel)), text=DRAFT))
    await node.submit(ChangeSetting(key="theme", value="dark"))
    await node.close()

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
    found = {"wrapping key": key, "database key": open_secret(key, DATABASE_KEY, keys, root / "keys")}
    profile = open_profile(root, passphrase)
    try:
        found["account entropy"] = profile.account_entropy(passphrase)
        with profile.store.transaction() as txn:
            seeds = decode(txn.get(Space.SELF, b"device") or b"", 4096)
            assert isinstance(seeds, list)
            found |= {"signing seed": bytes(seeds[0]), "sealing secret": bytes(seeds[1])}
            olm = txn.get(Space.SELF, b"olm") or b""
            found |= {"olm pickle key": olm[:32], "olm pickle": olm[32:]}
            ((_, value),) = txn.scan(Space.CONTACT)
            contact = decode_contact(value)
            found["pairing secret"] = contact.secret
            devices = decode_device_list(contact.devices.encoded)
            (certificate,) = devices.certificates  # type: ignore[union-attr]
            own = decode_device_list(txn.get(Space.SELF, b"devices") or b"")
            (mine,) = own.certificates  # type: ignore[union-attr]
            for name, secret in (("with", contact.secret), ("without", b"")):
                pair = pair_key(found["sealing secret"], mine.sealing_key, certificate.sealing_key, secret)
                assert pair is not None
                found[f"pair key {name} the pairing secret"] = pair
    finally:
        profile.close()
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
