"""Certificates written out by hand: read, and used, by those who did not write them."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from multichat_tui.net.certificate import _time, make_certificate
from multichat_tui.net.tls import TlsPump, make_client_context, make_server_identity


def test_a_library_reads_the_certificate_and_the_key_that_signed_it() -> None:
    made = make_certificate()
    certificate = x509.load_der_x509_certificate(made.certificate)
    assert certificate.public_bytes(Encoding.DER) == made.certificate, "in the one form that DER allows"
    public = certificate.public_key()
    assert isinstance(public, Ed25519PublicKey)
    public.verify(certificate.signature, certificate.tbs_certificate_bytes)
    key = load_der_private_key(made.key, None)
    assert isinstance(key, Ed25519PrivateKey)
    assert key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert certificate.version is x509.Version.v3
    assert certificate.subject == certificate.issuer
    assert certificate.serial_number > 0
    now = datetime.now(UTC)
    assert certificate.not_valid_before_utc < now < certificate.not_valid_after_utc


def test_nothing_but_rough_dates_is_the_same_in_two_certificates() -> None:
    one, other = (x509.load_der_x509_certificate(make_certificate().certificate) for _ in range(2))
    assert one.serial_number != other.serial_number
    assert one.subject != other.subject
    assert one.public_key() != other.public_key()
    assert one.not_valid_before_utc == one.not_valid_before_utc.replace(hour=0, minute=0, second=0)


def test_dates_have_the_form_of_their_century() -> None:
    assert _time(datetime(2049, 12, 31, 1, 2, 3, tzinfo=UTC)) == b"\x17\x0d491231010203Z"
    assert _time(datetime(2050, 1, 1, tzinfo=UTC)) == b"\x18\x0f20500101000000Z"


@pytest.mark.parametrize("memory_files", [True, False])
def test_a_channel_opens_with_it_whether_the_key_was_in_memory_or_encrypted(
    memory_files: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not memory_files:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    identity = make_server_identity()
    server, client = TlsPump(identity.context, server=True), TlsPump(make_client_context(), server=False)
    for _ in range(4):
        server.feed(client.drain())
        client.feed(server.drain())
    assert server.established
    assert client.established
    assert client.certificate_hash() == identity.certificate_hash
    assert client._tls is not None
    assert client._tls.version() == "TLSv1.3"


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory: the library is needed")
def test_a_listener_needs_no_library_for_its_certificate() -> None:
    code = (
        "import sys; from multichat_tui.net.tls import make_server_identity; make_server_identity();"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'cryptography'], 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
