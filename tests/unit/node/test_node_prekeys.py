"""Prekeys: who is given which, how often each is taken, and how long."""

import pytest
from sealing_parties import Party, sealed, two

from multichat_tui.model.codec import Reason, Rejected
from multichat_tui.model.limits import MAX_FORMER_PREKEYS, PREKEY_KEPT_MS, PREKEY_ROTATION_MS, SWEEP_PREKEYS_MS
from multichat_tui.model.ports import FirstMessage, Space
from multichat_tui.model.sealed import Sealed, decode_sealed
from multichat_tui.node.genesis import complete_identity
from multichat_tui.node.identity import load_identity

CHANNEL, OTHER = b"c" * 32, b"d" * 32


def test_a_contact_has_a_key_of_their_own_and_channels_share_one() -> None:
    ann, bob = two()
    cid = Party("cid")
    bob.knows(cid)
    for_ann, for_cid, for_own = (bob.prekey_for(user) for user in (ann.user, cid.user, bob.user))
    shared = bob.prekey_for(CHANNEL)
    assert bob.prekey_for(OTHER) == shared
    assert len({for_ann, for_cid, for_own, shared}) == 4
    assert (bob.prekey_for(ann.user), bob.prekey_for(CHANNEL)) == (for_ann, shared), "the same until it is used or old"


@pytest.mark.parametrize("real", [False, True], ids=["twin", "olm"])
def test_a_contacts_key_is_gone_once_it_was_used_and_the_route_is_to_have_another(real: bool) -> None:
    ann, bob = two(real=real)
    prekey = bob.prekey_for(ann.user)
    message = sealed(ann.seal(bob, prekey, b"one"))
    assert not bob.prekeys_changed
    assert bob.unseal(ann, message) == b"one"
    assert bob.prekeys_changed == {ann.user}
    assert not bob.rows(Space.OLM, b"key/" + prekey)
    assert bob.prekey_for(ann.user) != prekey
    again = sealed(_begun_anew(ann, bob, prekey, b"two"))
    assert bob.unseal(ann, again) == Rejected(Reason.NO_PREKEY)
    assert bob.counters["envelope-no-prekey"] == 1


def test_a_key_for_one_alone_is_used_once_ever() -> None:
    ann, bob = two()
    prekey, fallback = bob.prekey_for(ann.user), bob.fallback_key()
    first = decode_sealed(sealed(ann.seal(bob, prekey, b"one", fallback)))
    with ann.store.transaction() as txn:
        for key, _ in txn.scan(Space.RATCHET):
            txn.delete(Space.RATCHET, key)
    assert ann.seal(bob, prekey, b"two") is None
    with ann.turn() as sealing:
        assert not sealing.can_seal(bob.device, prekey)
        assert sealing.can_seal(bob.device, prekey, fallback)
    second = decode_sealed(sealed(ann.seal(bob, prekey, b"two", fallback)))
    assert isinstance(first, Sealed)
    assert isinstance(second, Sealed)
    with ann.turn() as sealing:
        assert sealing.can_seal(bob.device, None)
    keys = [ann.ratchets.first(message.ciphertext) for message in (first, second)]
    assert [key.prekey for key in keys if isinstance(key, FirstMessage)] == [prekey, fallback]


def test_a_contacts_key_opens_nothing_of_somebody_else() -> None:
    ann, bob = two()
    eve = Party("eve")
    bob.knows(eve)
    eve.knows(bob)
    stolen = sealed(eve.seal(bob, bob.prekey_for(ann.user), b"x"))
    assert bob.unseal(eve, stolen) == Rejected(Reason.NO_PREKEY)
    mine = sealed(ann.seal(bob, bob.prekey_for(ann.user), b"y"))
    assert bob.unseal(ann, mine) == b"y", "it was not used up by that"


def test_a_contacts_key_is_kept_for_their_other_devices_and_for_each_once() -> None:
    ann, bob = two()
    second = bob.knows_second_device(ann)
    prekey = bob.prekey_for(ann.user)
    assert bob.unseal(ann, sealed(ann.seal(bob, prekey, b"one"))) == b"one"
    assert bob.rows(Space.OLM, b"key/" + prekey), "the other device may be writing by it just now"
    assert bob.prekey_for(ann.user) != prekey, "but it is given out no more"
    with bob.turn() as sealing:
        assert sealing._prekeys.take(prekey, ann.device, ann.user, bytes(16)) == Rejected(Reason.NO_PREKEY)
        taken = sealing._prekeys.take(prekey, second.device, ann.user, bytes(16))
        assert not isinstance(taken, Rejected), "the other device may still come"
        sealing._prekeys.used(prekey, taken, second.device)
    assert not bob.rows(Space.OLM, b"key/" + prekey)


def _begun_anew(ann: Party, bob: Party, prekey: bytes, text: bytes) -> bytes | None:
    """What she seals after she has lost her sessions."""
    ann.forget_sessions()
    return ann.seal(bob, prekey, text)


def test_keys_that_are_kept_for_other_devices_are_few_and_go_in_time() -> None:
    ann, bob = two()
    bob.knows_second_device(ann)
    used = []
    for number in range(MAX_FORMER_PREKEYS + 3):
        prekey = bob.prekey_for(ann.user)
        used.append(prekey)
        assert bob.unseal(ann, sealed(_begun_anew(ann, bob, prekey, b"%d" % number))) == b"%d" % number
    newest = bob.prekey_for(ann.user)
    assert len(bob.rows(Space.OLM, b"key/")) == 1 + MAX_FORMER_PREKEYS
    assert not bob.rows(Space.OLM, b"key/" + used[0])
    bob.now += PREKEY_KEPT_MS + 1
    bob.tick()
    assert [key for key, _ in bob.rows(Space.OLM, b"key/")] == [b"key/" + newest]


def test_the_shared_key_is_another_one_every_week_and_the_former_are_kept_for_thirty_days() -> None:
    ann, bob = two()
    first = bob.prekey_for(CHANNEL)
    bob.now += PREKEY_ROTATION_MS - 1
    assert bob.prekey_for(CHANNEL) == first
    late = sealed(ann.seal(bob, first, b"late"))
    bob.now += 1
    bob.tick()
    assert bob.prekeys_changed == {b""}
    second = bob.prekey_for(CHANNEL)
    assert second != first
    bob.now += PREKEY_KEPT_MS - 1
    bob.tick()
    assert bob.unseal(ann, late) == b"late"
    ann.now += PREKEY_KEPT_MS
    later = sealed(_begun_anew(ann, bob, first, b"later"))
    bob.now += 2
    assert bob.unseal(ann, later) == Rejected(Reason.NO_PREKEY), "over, though not swept yet"
    bob.now += SWEEP_PREKEYS_MS
    bob.tick()
    assert not bob.rows(Space.OLM, b"key/" + first)
    assert len(bob.rows(Space.OLM, b"key/")) <= 1 + MAX_FORMER_PREKEYS


def test_a_clock_that_was_wrong_leaves_no_key_for_ever() -> None:
    ann, bob = two()
    bob.now += 10 * 365 * 24 * 60 * 60 * 1000
    ahead = bob.prekey_for(CHANNEL)
    bob.now -= 10 * 365 * 24 * 60 * 60 * 1000
    assert bob.prekey_for(CHANNEL) != ahead
    assert bob.unseal(ann, sealed(ann.seal(bob, ahead, b"x"))) == b"x"


def test_a_clock_of_ten_years_ago_does_not_spoil_what_is_under_way() -> None:
    ann, bob = two()
    key = bob.prekey_for(CHANNEL)
    under_way = sealed(ann.seal(bob, key, b"x"))
    bob.now -= 10 * 365 * 24 * 60 * 60 * 1000
    bob.tick()
    bob.now += 10 * 365 * 24 * 60 * 60 * 1000 + SWEEP_PREKEYS_MS
    bob.tick()
    assert bob.unseal(ann, under_way) == b"x"


def test_who_is_no_contact_any_more_has_no_key_of_their_own() -> None:
    ann, bob = two()
    own = bob.prekey_for(ann.user)
    bob.contacts.clear()
    assert bob.prekey_for(ann.user) == bob.prekey_for(CHANNEL)
    bob.tick()
    assert bob.rows(Space.OLM, b"key/" + own), "what they have written before is read for a while"
    bob.now += PREKEY_KEPT_MS + 1
    bob.tick()
    assert not bob.rows(Space.OLM, b"key/" + own)


def test_what_a_given_up_session_leaves_goes_with_its_key() -> None:
    ann, bob = two()
    for number in range(7):
        assert bob.unseal(ann, sealed(_begun_anew(ann, bob, bob.prekey_for(CHANNEL), b"%d" % number))) == b"%d" % number
    assert len(bob.rows(Space.OLM, b"spent/")) == 2
    for _ in range(6):
        bob.now += PREKEY_ROTATION_MS
        bob.tick()
    assert bob.rows(Space.OLM, b"spent/") == []


def test_a_profile_that_becomes_a_new_device_begins_without_sessions_and_keys() -> None:
    ann, bob = two()
    assert bob.unseal(ann, sealed(ann.seal(bob, bob.prekey_for(CHANNEL), b"x"))) == b"x"
    with bob.store.transaction() as txn:
        bob.identity.found_copied(txn)
    assert bob.seal(ann, None, b"under the old keys") is None
    complete_identity(bob.store, account_entropy=bob.account.entropy, entropy=bob.entropy, now_ms=bob.now, new_olm=bob.new_olm)
    assert bob.rows(Space.RATCHET) == bob.rows(Space.OLM) == bob.rows(Space.OPENED) == []
    old = bob.device
    with bob.store.transaction() as txn:
        bob.identity = load_identity(txn, bob.entropy)
    assert bob.device != old
    assert bob.prekey_for(CHANNEL)


def test_nobody_who_asks_for_no_keys_is_woken_for_them() -> None:
    ann, bob = two()
    with ann.turn() as sealing:
        sealing.tick()
        assert sealing.wake_times() == []
    bob.prekey_for(CHANNEL)
    with bob.turn() as sealing:
        sealing.tick()
        assert sealing.wake_times() == [bob.now + SWEEP_PREKEYS_MS]
