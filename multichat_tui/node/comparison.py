"""One comparison of words or emoji, as held in memory: nothing of it is stored before both people have confirmed."""

from multichat_tui.crypto.sas import Agreed, Party, Side, Transcript, agree_on, commit, keeps_commitment
from multichat_tui.model.comparing import ComparisonId, EndReason, Purpose
from multichat_tui.model.emoji import EMOJI
from multichat_tui.model.ids import LinkId, UserId
from multichat_tui.model.trust import ComparisonRow, ComparisonState
from multichat_tui.model.values import dataclass

ENDED_AS = {
    EndReason.DIFFERENT: ComparisonState.DIFFERENT,
    EndReason.REFUSED: ComparisonState.REFUSED,
    EndReason.BUSY: ComparisonState.BUSY,
    EndReason.TIMED_OUT: ComparisonState.TIMED_OUT,
    EndReason.FAILED: ComparisonState.FAILED,
}
"""What the other side's reason means here."""
REASONS = {
    ComparisonState.DIFFERENT: EndReason.DIFFERENT,
    ComparisonState.CANCELLED: EndReason.REFUSED,
    ComparisonState.BUSY: EndReason.BUSY,
    ComparisonState.TIMED_OUT: EndReason.TIMED_OUT,
}
"""What the other side is told; all else is FAILED."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    """`mine`: this user has confirmed. `theirs`: what the other side has sealed, so that its user has."""

    id: ComparisonId
    purpose: Purpose
    side: Side
    secret: bytes
    public: bytes
    commitment: bytes
    began_ms: int
    me: Party
    them: Party | None = None
    """Known from the link on; the link may change later, the party may not."""
    binding: bytes = b""
    """Of the link on which it began."""
    link: LinkId | None = None
    user: UserId | None = None
    name: str = ""
    code: str = ""
    state: ComparisonState = ComparisonState.WAITING
    their_public: bytes = b""
    agreed: Agreed | None = None
    mine: bool = False
    theirs: bytes | None = None
    heard: bool = False
    """The other side has our box."""
    next_at: int = 0
    tries: int = 0
    unlinked_at: int | None = None
    """Since when it waits for another link, without a key."""

    def __repr__(self) -> str:
        return f"Comparison({self.state}, …)"

    @property
    def over(self) -> bool:
        return self.state.over

    @property
    def other_side(self) -> Side:
        return Side.ANSWERER if self.side is Side.BEGINNER else Side.BEGINNER

    def take_key(self, public: bytes) -> bool:
        """The other side's key. False: it is not the one that was committed to, is our own, or no key at all."""
        assert self.them is not None
        beginner = self.side is Side.BEGINNER
        if public == self.public or (not beginner and not keeps_commitment(self.commitment, self.id, public)):
            return False
        transcript = Transcript(
            purpose=self.purpose.value,
            comparison=self.id,
            commitment=self.commitment,
            beginner_key=self.public if beginner else public,
            answerer_key=public if beginner else self.public,
            binding=self.binding,
            beginner=self.me if beginner else self.them,
            answerer=self.them if beginner else self.me,
        )
        self.agreed = agree_on(self.secret, public, transcript)
        self.their_public = public
        return self.agreed is not None

    def row(self, name: str) -> ComparisonRow:
        """`name` is safe to draw."""
        shown = self.agreed is not None and self.state in (ComparisonState.COMPARE, ComparisonState.CONFIRMED)
        return ComparisonRow(
            id=self.id,
            purpose=self.purpose,
            state=self.state,
            begun_here=self.side is Side.BEGINNER,
            name=name,
            began_ms=self.began_ms,
            code=self.code,
            user=self.user,
            words=self.agreed.words if shown and self.agreed is not None else (),
            emoji=tuple(EMOJI[n] for n in self.agreed.emoji) if shown and self.agreed is not None else (),
        )


def commitment_of(comparison: ComparisonId, public: bytes) -> bytes:
    return commit(comparison, public)
