"""Signatures, agreement and keyed hashes: known answers, and what a stranger may try."""

import pytest
from builders import person

from multichat_tui.crypto.keys import (
    Signer,
    agree,
    equal,
    link_key,
    mac,
    pair_key,
    public_key,
    sealing_public_key,
    sign,
    verify,
)

# RFC 8032, section 7.1, test 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the Ed25519 base point."""
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]


def test_signatures_are_those_of_the_specification() -> None:
    assert public_key(SEED) == PUBLIC
    assert sign(SEED, b"\x72") == SIGNATURE
    assert Signer(SEED).sign(b"\x72") == SIGNATURE
    assert Signer(SEED).public == PUBLIC
    assert verify(PUBLIC, b"\x72", SIGNATURE)


def test_a_signature_holds_for_its_message_key_and_bytes_only() -> None:
    assert not verify(PUBLIC, b"\x73", SIGNATURE)
    assert not verify(public_key(bytes(32)), b"\x72", SIGNATURE)
    for at in range(64):
        assert not verify(PUBLIC, b"\x72", SIGNATURE[:at] + bytes((SIGNATURE[at] ^ 1,)) + SIGNATURE[at + 1 :])


def test_a_signature_has_one_form() -> None:
    """s + L would verify as well for a careless verifier; then one record had two signatures."""
    scalar = int.from_bytes(SIGNATURE[32:], "little") + ORDER
    assert not verify(PUBLIC, b"\x72", SIGNATURE[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_keys_of_small_order_sign_nothing(key: str) -> None:
    """With such a key one signature fits every message."""
    public = bytes.fromhex(key)
    for first in SMALL_ORDER:
        assert not verify(public, b"anything", bytes.fromhex(first) + bytes(32))


@pytest.mark.parametrize(("public", "signature"), [(31, 64), (33, 64), (0, 64), (32, 63), (32, 65), (32, 0)])
def test_keys_and_signatures_of_the_wrong_length_do_not_hold(public: int, signature: int) -> None:
    assert verify(bytes(public), b"", bytes(signature)) is False


def test_agreement_is_that_of_the_specification() -> None:
    # RFC 7748, section 6.1.
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    assert sealing_public_key(alice).hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert sealing_public_key(bob).hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert agree(bob, sealing_public_key(alice)) == agree(alice, sealing_public_key(bob)) == bytes.fromhex(shared)


@pytest.mark.parametrize(
    "public",
    [
        bytes(32),
        b"\x01" + bytes(31),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ],
    ids=bytes.hex,
)
def test_nothing_is_agreed_with_a_point_of_small_order(public: bytes) -> None:
    assert agree(SEED, public) is None
    assert pair_key(SEED, sealing_public_key(SEED), public) is None


@pytest.mark.parametrize("length", [0, 31, 33])
def test_nothing_is_agreed_with_a_key_of_the_wrong_length(length: int) -> None:
    """The binding below does not look: it would read beyond the end of a short key."""
    assert agree(SEED, bytes(length)) is None
    with pytest.raises(ValueError, match="32 bytes"):
        agree(bytes(length), PUBLIC)
    with pytest.raises(ValueError, match="32 bytes"):
        sealing_public_key(bytes(length))
    with pytest.raises(ValueError, match="32 bytes"):
        public_key(bytes(length))


def test_both_sides_have_the_same_pair_key_and_nobody_else() -> None:
    ada, grace, eve = (person(name).secrets.sealing_secret for name in ("ada", "grace", "eve"))
    ada_public, grace_public, eve_public = map(sealing_public_key, (ada, grace, eve))
    key = pair_key(ada, ada_public, grace_public, b"s" * 32)
    assert key is not None
    assert key == pair_key(grace, grace_public, ada_public, b"s" * 32)
    others = [
        pair_key(eve, eve_public, grace_public, b"s" * 32),
        pair_key(eve, ada_public, grace_public, b"s" * 32),
        pair_key(ada, ada_public, grace_public, b"t" * 32),
        pair_key(ada, ada_public, grace_public),
    ]
    assert len({key, link_key(key), *others}) == 6


def test_a_mac_depends_on_key_domain_and_where_the_parts_end() -> None:
    key = bytes(32)
    assert (
        len(
            {
                mac(key, "mc.one", b"ab", b"c"),
                mac(key, "mc.one", b"a", b"bc"),
                mac(key, "mc.one", b"abc"),
                mac(key, "mc.one", b"ab", b"c", b""),
                mac(key, "mc.two", b"ab", b"c"),
                mac(b"\x01" + bytes(31), "mc.one", b"ab", b"c"),
            }
        )
        == 6
    )
    assert equal(mac(key, "mc.one", b"ab"), mac(key, "mc.one", b"ab"))
    assert not equal(mac(key, "mc.one", b"ab"), mac(key, "mc.one", b"ac"))
    assert not equal(b"a", b"ab")


def test_secrets_do_not_show() -> None:
    ada = person("ada")
    for secret in (Signer(SEED), ada.account, ada.secrets):
        for text in (repr(secret), str(secret), f"{secret}"):
            assert SEED.hex() not in text
            assert "…" in text
            assert "\\x" not in text
            assert ada.account.phrase.split()[0] not in text
