"""What lies on the disk tells nothing: neither a text nor a key is in any file, in any of the usual spellings."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import Talk, entry_of, person, seeded_entropy

from multichat_tui.model.ports import Space
from multichat_tui.store.profile import create_profile, open_profile
from multichat_tui.store.schema import Migration, released_migrations

ANA, BEN = person("ana"), person("ben")
PASSPHRASE = "harbour lights at half past nine"
"""Long enough that none of its spellings turns up by chance in a megabyte of noise."""
TEXT = "the planted words of this message"


def spellings(secret: bytes) -> Iterator[bytes]:
    """Of at least 16 bytes: raw, hex, and base64 at its three alignments, without the ends that depend on neighbours."""
    assert len(secret) >= 16
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + secret)
        middle = encoded[4 : len(encoded) - 4]
        yield middle
        yield middle.replace(b"+", b"-").replace(b"/", b"_")


def find(root: Path, secrets: dict[str, bytes]) -> list[tuple[str, str]]:
    found = []
    for file in sorted(root.iterdir()):
        content = file.read_bytes()
        for name, secret in secrets.items():
            if any(spelling in content for spelling in spellings(secret)):
                found.append((file.name, name))
    return found


def test_the_search_finds_a_secret_in_every_spelling(tmp_path: Path) -> None:
    secret = bytes(range(200, 232))
    for place, spelling in enumerate((secret, secret.hex().encode(), *(base64.b64encode(b"x" * n + secret) for n in range(3)))):
        (tmp_path / str(place)).write_bytes(b"before" + spelling + b"after")
    assert find(tmp_path, {"secret": secret}) == [(str(place), "secret") for place in range(5)]


@pytest.mark.parametrize("passphrase", [PASSPHRASE, None])
def test_no_file_of_a_profile_holds_a_text_or_a_key(tmp_path: Path, passphrase: str | None) -> None:
    root, entropy = tmp_path / "ana", seeded_entropy("secrecy")
    database_key = seeded_entropy("secrecy")(32)
    opened = create_profile(
        root, passphrase=passphrase, account_entropy=ANA.account.entropy, entropy=entropy, argon_memory=64 * 1024
    )
    secrets = {
        "text": TEXT.encode(),
        "database key": database_key,
        "account entropy": ANA.account.entropy,
        "device seed": ANA.secrets.signing_seed,
        "sealing secret": ANA.secrets.sealing_secret,
        "device": ANA.device,
        "passphrase": PASSPHRASE.encode(),
        "schema": b"create table record",
    }
    assert f"raw:{database_key.hex()}" not in repr(opened.store)
    talk = Talk.begin(ANA, BEN)
    with opened.store.transaction() as txn:
        txn.put(Space.SELF, b"device", ANA.secrets.signing_seed + ANA.secrets.sealing_secret)
        txn.append(talk.root, 1)
    for number in range(100):
        record = talk.say(ANA, f"{TEXT} {number} {TEXT}", parents=()) if number < 50 else None
        with opened.store.transaction() as txn:
            txn.put(Space.CHANNEL, b"%d" % number, TEXT.encode() * 50)
            if record is not None:
                txn.show(entry_of(record, txn.append(record, 1), ANA))
    assert (root / "messages.db-wal").stat().st_size > 100_000
    assert find(root, secrets) == []
    # A sorting query, a big transaction that spills, and a migration with its copy.
    with opened.store.transaction() as txn:
        for number in range(2800):
            txn.put(Space.ADDRESS, b"%d" % number, TEXT.encode() * 100)
        txn.timeline((talk.channel,), before=None, after=None, limit=500)
        assert find(root, secrets) == []
    opened.close()
    assert find(root, secrets) == []
    known = released_migrations()
    more = Migration(number=len(known) + 1, name="more", sql="create table more (a);")
    open_profile(root, passphrase, migrations=(*known, more)).close()
    assert any("before-migration" in file.name for file in root.iterdir())
    assert find(root, secrets) == []


def test_the_database_key_used_above_is_the_one_in_use(tmp_path: Path) -> None:
    from multichat_tui.store.sqlite import SqliteStore

    root = tmp_path / "ana"
    create_profile(
        root, passphrase=None, account_entropy=bytes(32), entropy=seeded_entropy("secrecy"), argon_memory=64 * 1024
    ).close()
    SqliteStore(root / "messages.db", seeded_entropy("secrecy")(32), create=False).close()
