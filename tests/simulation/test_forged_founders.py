"""A contact makes a direct channel whose root names a device of their own as one of ours: nothing of it is taken."""

from dataclasses import replace

from simulated_world import SimulatedWorld, until

from multichat_tui.crypto.identity import DeviceSecrets
from multichat_tui.crypto.keys import sealing_public_key, sign
from multichat_tui.model.codec import encode
from multichat_tui.model.identity import Certificate, certificate_body, certificate_signed_bytes, decode_certificate
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import OpenDirect
from multichat_tui.net.virtual_time import run_virtual


def forged(victim: Certificate) -> Certificate:
    """Says that a device of the forger is the victim's; only the victim's account could sign that."""
    secrets = DeviceSecrets(signing_seed=b"m" * 32, sealing_secret=b"n" * 32)
    body = certificate_body(
        account_key=victim.account_key,
        device=secrets.device,
        sealing_key=sealing_public_key(secrets.sealing_secret),
        olm_key=victim.olm_key,
        created_ms=victim.created_ms,
    )
    proof = sign(secrets.signing_seed, certificate_signed_bytes(body))
    certificate = decode_certificate(encode([body, victim.signature, proof]))
    assert isinstance(certificate, Certificate)
    return certificate


def test_a_root_with_a_forged_founder_is_not_taken() -> None:
    async def story() -> None:
        world = SimulatedWorld(1)
        mallory, bob = await world.add("mallory", "bob")
        await world.pair(mallory, bob)
        user: UserId = (await bob.api.me()).rows.user
        engine = mallory.api._engine
        assert engine is not None
        honest = engine.world.contacts[user]
        devices = honest.devices
        certificates = (*devices.certificates, forged(devices.certificates[0]))
        engine.world.contacts[user] = replace(honest, devices=replace(devices, certificates=certificates))
        await mallory.api.submit(OpenDirect(user=user))

        async def rejected() -> bool:
            return dict((await bob.api.status()).rows.counters).get("forged-founder", 0) > 0

        await until(rejected, "bob has refused the root")
        assert (await bob.api.channels()).rows == ()

    run_virtual(story())
