"""What somebody has shown over one link: keys of a grant, of queues, of writers. Nothing of it outlives the link."""

from dataclasses import field

from multichat_tui.model.ids import LinkId
from multichat_tui.model.mailbox_frames import WriterPrefix
from multichat_tui.model.mailboxes import QueueId
from multichat_tui.model.values import dataclass


@dataclass(slots=True, kw_only=True)
class Visit:
    """`binding` is the link's: what was signed for another link shows nothing here."""

    binding: bytes
    link: LinkId
    grant: bytes = b""
    """Public key of the grant shown last; empty: none."""
    owned: set[QueueId] = field(default_factory=set)
    writers: dict[QueueId, dict[WriterPrefix, bytes]] = field(default_factory=dict)
    """Verifiers."""
    subscribed: set[QueueId] = field(default_factory=set)
    """Of those owned."""
    shown: int = 0
    """Queues owned, and writers."""
    faults: int = 0
    """Wrong signatures, and requests for what was not shown to be theirs."""
    fetched_bytes: int = 0
    """In this batch."""

    @property
    def silent(self) -> bool:
        """No valid key was shown yet."""
        return not self.grant and not self.shown

    def writes(self, queue: QueueId) -> dict[WriterPrefix, bytes]:
        return self.writers.get(queue, {})
