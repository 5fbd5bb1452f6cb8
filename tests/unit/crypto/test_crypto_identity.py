"""Accounts and what they sign: nothing holds that another has made, or that was meant for something else."""

import dataclasses

import pytest
from builders import Person, person

from multichat_tui.crypto.identity import (
    Account,
    account_from_phrase,
    certificate_holds,
    certify,
    device_list_holds,
    first_device_list,
    join_holds,
    safety_number,
    sign_join,
    sign_profile,
    statement_holds,
)
from multichat_tui.crypto.keys import public_key, sealing_public_key, sign
from multichat_tui.model.codec import Rejected, encode
from multichat_tui.model.identity import (
    Certificate,
    DeviceList,
    certificate_body,
    certificate_signed_bytes,
    decode_certificate,
    decode_device_list,
    device_list_body,
    device_list_signed_bytes,
)
from multichat_tui.model.ids import ChannelId, DeviceId, UserId, digest, fingerprint, short
from multichat_tui.model.invitations import join_seed
from multichat_tui.model.joins import Join, decode_join
from multichat_tui.model.statements import Profile, decode_profile

NOW_MS = 1_750_000_000_000
CHANNEL = ChannelId(digest("mc.test.channel"))
INVITATION = join_seed(bytes(16))


@pytest.fixture
def ada() -> Person:
    return person("ada")


@pytest.fixture
def mallory() -> Person:
    return person("mallory")


def test_the_phrase_gives_the_account_back(ada: Person) -> None:
    phrase = ada.account.phrase
    assert len(phrase.split()) == 24
    assert account_from_phrase(phrase) == ada.account
    assert account_from_phrase(f"\n  {phrase.upper().replace(' ', chr(10) + ' ')} ") == ada.account


def test_a_phrase_with_a_fault_is_none(ada: Person) -> None:
    words = ada.account.phrase.split()
    faulty = [
        "",
        "abandon",
        " ".join(words[:23]),
        " ".join([*words, words[0]]),
        " ".join([*words[:23], "notaword"]),
        " ".join([words[1], words[0], *words[2:]]),
        " ".join(["abandon"] * 24),
        " ".join(words[:12]),
        "\0" * 50,
        "слово " * 24,
        "\ud800 " * 24,
        "a " * 100_000,
    ]
    assert [account_from_phrase(phrase) for phrase in faulty] == [None] * len(faulty)


def test_a_certificate_is_by_its_account_and_its_device(ada: Person) -> None:
    assert certificate_holds(ada.certificate)
    assert ada.certificate.user == ada.account.user
    assert decode_certificate(ada.certificate.encoded) == ada.certificate


def forged(owner: Person, device: Person, *, account_signs: bytes, device_signs: bytes) -> Certificate:
    """A certificate that says that the device is the owner's, signed with these seeds."""
    body = certificate_body(
        account_key=owner.account.key,
        device=device.device,
        sealing_key=sealing_public_key(device.secrets.sealing_secret),
        olm_key=bytes(32),
        created_ms=NOW_MS,
    )
    signed = certificate_signed_bytes(body)
    certificate = decode_certificate(encode([body, sign(account_signs, signed), sign(device_signs, signed)]))
    assert isinstance(certificate, Certificate)
    return certificate


def test_a_certificate_in_anothers_name_does_not_hold(ada: Person, mallory: Person) -> None:
    certificate = forged(ada, mallory, account_signs=mallory.account.seed, device_signs=mallory.secrets.signing_seed)
    assert not certificate_holds(certificate)


def test_nobody_can_certify_a_device_of_somebody_else(ada: Person, mallory: Person) -> None:
    """Else a contact could take the place of another's device in our books."""
    certificate = forged(mallory, ada, account_signs=mallory.account.seed, device_signs=mallory.secrets.signing_seed)
    assert not certificate_holds(certificate)
    assert certificate_holds(forged(mallory, ada, account_signs=mallory.account.seed, device_signs=ada.secrets.signing_seed))


def test_signatures_of_certificates_cannot_change_places(ada: Person) -> None:
    certificate = ada.certificate
    swapped = dataclasses.replace(certificate, signature=certificate.device_signature, device_signature=certificate.signature)
    assert not certificate_holds(swapped)


def test_a_certificate_needs_every_field_and_a_known_suite(ada: Person) -> None:
    fields = {0: 1, 1: 1, 2: bytes(32), 3: bytes(32), 4: bytes(32), 5: bytes(32), 6: NOW_MS}

    def decoded(body: dict[int, object]) -> Certificate | Rejected:
        return decode_certificate(encode([encode(body), bytes(64), bytes(64)]))

    assert isinstance(decoded(fields), Certificate)
    assert isinstance(decoded({**fields, 0: 2, 7: "newer"}), Certificate)
    for key in fields:
        assert isinstance(decoded({k: v for k, v in fields.items() if k != key}), Rejected), key
        assert isinstance(decoded({**fields, key: None}), Rejected), key
    for wrong in ({1: 2}, {1: 0}, {0: 0}, {3: bytes(31)}, {6: 2**48}, {6: -1}, {2: "a" * 32}):
        assert isinstance(decoded({**fields, **wrong}), Rejected), wrong


def device_list(
    owner: Person, *certificates: Certificate, number: int = 0, previous: bytes = bytes(32), **other: object
) -> object:
    body = device_list_body(
        account_key=owner.account.key,
        account_sealing_key=sealing_public_key(owner.account.sealing_secret),
        number=number,
        previous=previous,
        certificates=certificates,
        revoked=other.get("revoked", ()),
    )
    seed = other.get("seed", owner.account.seed)
    assert isinstance(seed, bytes)
    return decode_device_list(encode([body, sign(seed, device_list_signed_bytes(body))]))


def test_a_device_list_is_its_accounts(ada: Person, mallory: Person) -> None:
    devices = first_device_list(ada.account, ada.certificate)
    assert device_list_holds(devices)
    assert decode_device_list(devices.encoded) == devices
    assert devices.user == ada.user
    assert devices.living == (ada.certificate,)
    stolen = device_list(ada, ada.certificate, seed=mallory.account.seed)
    assert isinstance(stolen, DeviceList)
    assert not device_list_holds(stolen)


def test_a_device_list_with_a_forged_certificate_does_not_hold(ada: Person, mallory: Person) -> None:
    claimed = forged(mallory, ada, account_signs=mallory.account.seed, device_signs=mallory.secrets.signing_seed)
    devices = device_list(mallory, mallory.certificate, claimed)
    assert isinstance(devices, DeviceList)
    assert not device_list_holds(devices)


def test_revoked_devices_are_not_living(ada: Person) -> None:
    second = person("ada", 1)
    first = first_device_list(ada.account, ada.certificate)
    devices = device_list(ada, ada.certificate, second.certificate, number=1, previous=first.digest, revoked=(ada.device,))
    assert isinstance(devices, DeviceList)
    assert device_list_holds(devices)
    assert devices.living == (second.certificate,)
    assert devices.digest != first.digest


def test_device_lists_that_contradict_themselves_are_rejected(ada: Person, mallory: Person) -> None:
    someone = DeviceId(bytes(32))
    assert isinstance(device_list(ada), Rejected)
    assert isinstance(device_list(ada, mallory.certificate), Rejected)
    assert isinstance(device_list(ada, ada.certificate, ada.certificate), Rejected)
    assert isinstance(device_list(ada, ada.certificate, revoked=(someone, someone)), Rejected)
    assert isinstance(device_list(ada, ada.certificate, number=1), Rejected)
    assert isinstance(device_list(ada, ada.certificate, previous=b"p" * 32), Rejected)
    assert isinstance(device_list(ada, *(person("ada", n).certificate for n in range(33))), Rejected)
    assert isinstance(device_list(ada, *(person("ada", n).certificate for n in range(32))), DeviceList)


def test_a_join_is_by_the_link_and_the_device(ada: Person, mallory: Person) -> None:
    join = sign_join(ada.secrets, INVITATION, CHANNEL, ada.certificate, "Ada", NOW_MS)
    assert join_holds(join)
    assert decode_join(join.encoded) == join
    without_link = dataclasses.replace(
        sign_join(ada.secrets, bytes(32), CHANNEL, ada.certificate, "Ada", NOW_MS), join_key=join.join_key
    )
    assert not join_holds(without_link)
    for_another = sign_join(mallory.secrets, INVITATION, CHANNEL, ada.certificate, "Ada", NOW_MS)
    assert not join_holds(for_another)
    uncertified = forged(ada, mallory, account_signs=mallory.account.seed, device_signs=mallory.secrets.signing_seed)
    assert not join_holds(sign_join(mallory.secrets, INVITATION, CHANNEL, uncertified, "Ada", NOW_MS))
    swapped = dataclasses.replace(join, join_signature=join.device_signature, device_signature=join.join_signature)
    assert not join_holds(swapped)


def test_a_join_needs_every_field_and_a_known_suite(ada: Person) -> None:
    certificate = ada.certificate.encoded
    fields = {0: 1, 1: 1, 2: bytes(32), 3: bytes(32), 4: certificate, 5: "Ada", 6: NOW_MS}

    def decoded(body: dict[int, object]) -> Join | Rejected:
        return decode_join(encode([encode(body), bytes(64), bytes(64)]))

    assert isinstance(decoded(fields), Join)
    for key in fields:
        assert isinstance(decoded({k: v for k, v in fields.items() if k != key}), Rejected), key
        assert isinstance(decoded({**fields, key: None}), Rejected), key
    for wrong in ({1: 2}, {4: certificate[:-1]}, {5: ""}, {5: "a" * 49}, {6: 2**48}):
        assert isinstance(decoded({**fields, **wrong}), Rejected), wrong


def test_a_profile_holds_for_its_device_and_number(ada: Person, mallory: Person) -> None:
    statement = sign_profile(ada.secrets, ada.user, 7, Profile(name="Ada", status="here"))
    assert statement_holds(statement)
    assert decode_profile(statement.content) == Profile(name="Ada", status="here")
    assert (statement.user, statement.device, statement.number) == (ada.user, ada.device, 7)
    assert not statement_holds(dataclasses.replace(statement, device=mallory.device))
    later = sign_profile(ada.secrets, ada.user, 8, Profile(name="Ada", status="here"))
    assert not statement_holds(dataclasses.replace(later, signature=statement.signature))


def test_what_was_signed_as_one_thing_is_not_another(ada: Person) -> None:
    """Every kind of signed bytes begins with words of its own."""
    body = ada.certificate.body
    as_list = device_list_signed_bytes(body)
    assert as_list != certificate_signed_bytes(body)
    certificate = decode_certificate(encode([body, sign(ada.account.seed, as_list), sign(ada.secrets.signing_seed, as_list)]))
    assert isinstance(certificate, Certificate)
    assert not certificate_holds(certificate)


def test_certificates_of_one_account_differ_by_device(ada: Person) -> None:
    second = certify(ada.account, person("ada", 1).secrets, bytes(32), NOW_MS)
    assert second.user == ada.user
    assert second.device != ada.device


def test_the_keys_of_an_account_are_derived_apart() -> None:
    account = Account(bytes(32))
    assert len({account.seed, account.sealing_secret, account.key, sealing_public_key(account.sealing_secret), bytes(32)}) == 5
    assert account.key == public_key(account.seed)


def test_the_safety_number_is_the_same_for_both_and_sixty_digits(ada: Person, mallory: Person) -> None:
    number = safety_number(ada.user, mallory.user)
    assert number == safety_number(mallory.user, ada.user)
    assert [len(group) for group in number.split(" ")] == [5] * 12
    assert number.replace(" ", "").isdigit()
    assert number != safety_number(ada.user, person("grace").user)
    assert number != safety_number(person("grace").user, mallory.user)


def test_a_fingerprint_is_the_whole_id(ada: Person) -> None:
    assert [len(group) for group in fingerprint(ada.user).split(" ")] == [4] * 13
    assert fingerprint(ada.user).replace(" ", "").startswith(short(ada.user))
    assert len(short(ada.user)) == 8
    assert fingerprint(UserId(ada.user[:-1] + bytes((ada.user[-1] ^ 1,)))) != fingerprint(ada.user)
