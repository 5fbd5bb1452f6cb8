"""A long history for a profile: really signed records of many devices, checked and stored by the node's own ledger.

It takes about half a millisecond a record, so profiles that have one are kept in a temporary directory and copied.
"""

import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sending import text_of
from multichat_tui.crypto.identity import ENTROPY_BYTES, Account, DeviceSecrets, certify, sign_join
from multichat_tui.crypto.keys import Signer, public_key
from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import Admit, Invite, Message
from multichat_tui.model.frames import FullItem
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.invitations import join_seed
from multichat_tui.model.limits import SALT_BYTES
from multichat_tui.model.records import (
    Header,
    Kind,
    body_hash,
    encode_header,
    expected_ets,
    record_id,
    seal_body,
    signed_bytes,
    size_bucket,
)
from multichat_tui.node.engine import Engine
from multichat_tui.node.identity import load_identity
from multichat_tui.node.ledger import Receipt
from multichat_tui.node.world import Channel
from multichat_tui.store.profile import open_profile

BATCH = 512
YEAR_MS = 365 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Author:
    """A member with one device, who only exists here."""

    device: DeviceId
    signer: Signer


class Filling:
    """Writes into one channel of a stopped node's profile. The members are the same every time."""

    def __init__(self, directory: Path, channel: ChannelId) -> None:
        self._random = random.Random(channel)  # the same members every time
        self._profile = open_profile(directory)
        self._now = time.time_ns() // 1_000_000
        with self._profile.store.transaction() as txn:
            self._engine = Engine.load(txn, load_identity(txn, os.urandom), os.urandom, self._now)
        self._channel: Channel = self._engine.world.channels[channel]
        self._authors: list[Author] = []

    def close(self) -> None:
        self._profile.close()

    def admit(self, members: int) -> None:
        """So many members, admitted by the owner of the profile where they are not yet."""
        draw = self._random.randbytes
        seed = join_seed(draw(16))
        with self._profile.store.transaction() as txn:
            self._engine.begin(txn, self._now, listened=False)
            invited, token_key = False, b""
            for number in range(members):
                account = Account(draw(ENTROPY_BYTES))
                secrets = DeviceSecrets(signing_seed=draw(32), sealing_secret=draw(32))
                self._authors.append(Author(secrets.device, Signer(secrets.signing_seed)))
                certificate = certify(account, secrets, draw(32), self._now)
                if not number:
                    token_key = draw(32)
                if secrets.device in self._channel.control.certificates:
                    continue
                if not invited:
                    invited = True
                    expires_ms = self._now + YEAR_MS
                    self._author(
                        Invite(join_key=public_key(seed), token_key=token_key, rank=0, uses=members, expires_ms=expires_ms)
                    )
                join = sign_join(secrets, seed, self._channel.id, certificate, f"member {number}", self._now)
                self._author(Admit(join=join.encoded))
            self._engine.finish()

    def _author(self, act: Admit | Invite) -> None:
        self._engine._ledger.author(self._channel, Log.CONTROL, (act,))

    def write(self, label: str, count: int) -> None:
        """So many messages of 200 bytes, each by one of the members, on top of all that is there."""
        choose = random.Random(os.urandom(8)).choice
        for start in range(0, count, BATCH):
            with self._profile.store.transaction() as txn:
                self._engine.begin(txn, self._now, listened=False)
                for number in range(start, min(count, start + BATCH)):
                    self._now += 1
                    self._engine.world.now = self._now
                    self._message(choose(self._authors), text_of(label, number))
                self._engine.finish()

    def _message(self, author: Author, text: str) -> None:
        chains = self._channel.chains
        body = seal_body(encode_acts((Message(text=text),)), os.urandom(SALT_BYTES))
        heads, control = chains.heads[Log.CONTENT], chains.heads[Log.CONTROL]
        end = chains.ends.get((Log.CONTENT, author.device[:PREFIX_SIZE]))
        header = Header(
            kind=Kind.CONTENT,
            channel=self._channel.id,
            log=Log.CONTENT,
            device=author.device,
            seq=0 if end is None else end.seq + 1,
            prev=None if end is None else end.id,
            parents=tuple(sorted(heads)),
            control_heads=tuple(sorted(control)),
            timestamp_ms=self._now,
            ets=expected_ets(self._now, (*heads.values(), *control.values())),
            body_hash=body_hash(body),
            body_size_bucket=size_bucket(len(body)),
        )
        header_bytes = encode_header(header)
        signature = author.signer.sign(signed_bytes(record_id(header_bytes)))
        item = FullItem(header_bytes=header_bytes, signature=signature, body=body)
        outcome = self._engine._ledger.receive(self._channel, item, ())
        if outcome is not Receipt.DELIVERED:
            raise RuntimeError(f"the ledger did not take a record of the history: {outcome}")


def main(directory: str, channel: str, members: str, label: str, count: str) -> None:
    """In a process of its own."""
    filling = Filling(Path(directory), ChannelId(bytes.fromhex(channel)))
    filling.admit(int(members))
    filling.write(label, int(count))
    filling.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
