"""Why a dial failed, a link went down, or a stranger was turned away: the words that people read, the same for every network."""

from enum import StrEnum


class DialFailure(StrEnum):
    """`DialFailed.reason`."""

    REFUSED = "connection refused"
    TIMED_OUT = "timed out"
    UNREACHABLE = "no route to that address"
    UNKNOWN_NAME = "no address is known for that name"
    HUNG_UP = "it hung up at once"
    NOT_OUR_PEER = "it did not answer as our peer"
    NOT_MULTICHAT = "that is not a Multichat node"
    NO_COMMON_VERSION = "it speaks no version that we speak"
    OURSELVES = "this is ourselves"
    BAD_ADDRESS = "that is not an address"


class DownReason(StrEnum):
    """`LinkDown.reason`, unless whoever closed the link gave one of their own."""

    CLOSED_BY_PEER = "closed by the other side"
    SILENT = "no answer"
    OUTBOX_FULL = "it does not read what we send"
    GARBLED = "it sent what no node sends"
    BROKEN = "the connection broke"


class Turned(StrEnum):
    """`Counted.reason`: what came to our door without a right to enter."""

    TOO_MANY = "strangers-too-many"
    TOO_MANY_FROM_ADDRESS = "strangers-too-many-from-one-address"
    TIMED_OUT = "strangers-timed-out"
    GARBAGE = "strangers-garbage"
    OVERSIZED = "strangers-oversized"
    UNKNOWN = "strangers-without-a-key"
    NO_COMMON_VERSION = "strangers-no-common-version"
    GONE = "strangers-hung-up"
