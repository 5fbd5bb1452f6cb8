"""The bytes of a profile's database as its owner's key opens them: every page, also those that no table uses any more.

Page by page as SQLite3 Multiple Ciphers writes them with ChaCha20: what a copy by statements, or another key, would leave out
is what these tests look for.
"""

from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from multichat_tui.store.database import PAGE_BYTES

NONCE_BYTES, TAG_BYTES = 16, 16
PLAIN_BYTES = 24
"""At the beginning of the first page: the salt, and what is needed to open the file."""


def deciphered(database: Path, key: bytes) -> bytes:
    """All pages of a database whose log is empty."""
    log = database.with_name(database.name + "-wal")
    assert not log.exists() or log.stat().st_size == 0, "the log is not empty"
    file = database.read_bytes()
    assert file
    assert len(file) % PAGE_BYTES == 0
    pages = [_page(file[at : at + PAGE_BYTES], at // PAGE_BYTES + 1, key) for at in range(0, len(file), PAGE_BYTES)]
    return b"".join(pages)


def _page(page: bytes, number: int, key: bytes) -> bytes:
    end = PAGE_BYTES - NONCE_BYTES - TAG_BYTES
    nonce, counter = page[end : end + 12], int.from_bytes(page[end + 12 : end + 16], "little") ^ number
    once = _xor(bytes(64), key, nonce, counter)
    begin = PLAIN_BYTES if number == 1 else 0
    return page[:begin] + _xor(page[begin:end], once[32:], nonce, (counter + 1) % 2**32)


def _xor(text: bytes, key: bytes, nonce: bytes, counter: int) -> bytes:
    return Cipher(ChaCha20(key, counter.to_bytes(4, "little") + nonce), mode=None).encryptor().update(text)
