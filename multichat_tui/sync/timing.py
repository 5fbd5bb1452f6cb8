"""Round trips and retransmission times, after RFC 6298: smoothed round trip and its variation, doubled on each silence."""

from multichat_tui.model.limits import INITIAL_RTT_MS, MAX_RETRANSMIT_MS, MIN_RETRANSMIT_MS


class RoundTrip:
    """Of one peer, from what was sent to its acknowledgement, the other side's commit included."""

    __slots__ = ("_measured", "_smoothed", "_variation")

    def __init__(self) -> None:
        self._smoothed = float(INITIAL_RTT_MS)
        self._variation = INITIAL_RTT_MS / 2
        self._measured = False

    def measured(self, sample_ms: float) -> None:
        """Samples come from what was sent once only (Karn's rule)."""
        if not self._measured:
            self._measured = True
            self._smoothed, self._variation = sample_ms, sample_ms / 2
            return
        self._variation += (abs(self._smoothed - sample_ms) - self._variation) / 4
        self._smoothed += (sample_ms - self._smoothed) / 8

    def timeout_ms(self, silences: int) -> int:
        """How long to wait for an answer after so many unanswered tries."""
        wait = max(MIN_RETRANSMIT_MS, self._smoothed + 4 * self._variation)
        return int(min(MAX_RETRANSMIT_MS, wait * 2 ** min(silences, 12)))
