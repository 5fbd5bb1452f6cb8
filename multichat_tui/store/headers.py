"""Headers that were decoded lately: a header never changes, so what an id stands for may be kept across transactions."""

from pathlib import Path

from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import Damaged
from multichat_tui.model.ids import RecordId
from multichat_tui.model.records import Absence, Header, Proof, Record, decode_header
from multichat_tui.store.database import Row
from multichat_tui.store.files import RESTORE

KEPT_HEADERS = 2048
"""About 2 MB: several pages of every channel that is looked at. The strict decoding of one takes longer than reading it."""

_PROOFS = tuple(Proof)


class Headers:
    """The oldest goes first."""

    __slots__ = ("_kept", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[RecordId, Header] = {}

    def keep(self, record: RecordId, header: Header) -> None:
        if len(self._kept) >= KEPT_HEADERS:
            del self._kept[next(iter(self._kept))]
        self._kept[record] = header

    def forget(self) -> None:
        self._kept.clear()

    def record(self, row: Row) -> Record:
        """The record of a row (id, header, signature, body or the number of its absence, proof)."""
        identifier, header_bytes, signature, body, proof = row
        header = self._kept.get(identifier)
        if header is None:
            decoded = decode_header(header_bytes)
            if isinstance(decoded, Rejected):
                raise Damaged(f"{self._path} holds a record that is not one ({decoded.detail}).", RESTORE)
            header = decoded
            self.keep(identifier, header)
        return Record(
            header=header,
            header_bytes=header_bytes,
            id=identifier,
            signature=signature,
            body=body if isinstance(body, bytes) else None,
            proof=_PROOFS[proof],
            absence=None if isinstance(body, bytes) else Absence(body),
        )
