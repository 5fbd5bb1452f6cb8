"""What has happened in a channel, as lines for commands and for screen readers."""

from dataclasses import replace

import pytest

from multichat_tui.model.ids import ChannelId, DeviceId, RecordId, UserId
from multichat_tui.model.snapshots import Delivery, Gap, MessageRow, RowKind
from multichat_tui.node.api.transcript import gap_words, local_time, message_lines, spoken_line


def row(kind: RowKind, text: str, *, late: bool = False) -> MessageRow:
    return MessageRow(
        id=RecordId(bytes(32)), channel=ChannelId(bytes(32)), arrival=1, ets=1, time_ms=0, author=UserId(bytes(32)),
        device=DeviceId(bytes(32)), name="Ann", kind=kind, text=text, mine=False, state=Delivery.ALONE, delivered=0, total=0,
        late=late,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (RowKind.JOINED, "Bob", "Bob joined"),
        (RowKind.REMOVED, "Bob", "Bob was removed by Ann"),
        (RowKind.JOINED, "", "Ann joined"),
        (RowKind.DEVICES, "Ann uses a new device (2 in all)", "Ann uses a new device (2 in all)"),
        (RowKind.TOPIC, "roses", "Ann set the topic: roses"),
        (RowKind.TOPIC, "a\nb", "Ann set the topic: a\u240ab"),
    ],
)
def test_what_has_happened_is_told_alike_and_right_in_print_and_speech(kind: RowKind, text: str, told: str) -> None:
    (line,) = message_lines(row(kind, text, late=True))
    assert line.endswith(f"  * {told}  (late)")
    assert spoken_line("#dev", row(kind, text)).endswith(f" {told}")


@pytest.mark.parametrize("how", ["Ann let Bob in", "as moderator of acme"])
def test_how_somebody_came_in_is_told_once_in_print_and_speech(how: str) -> None:
    came = replace(row(RowKind.JOINED, "Bob"), deeds=(how,))
    assert message_lines(came)[0].endswith(f"  * Bob joined ({how})")
    assert spoken_line("#dev", came).endswith(f" Bob joined ({how})")


def test_a_message_to_some_says_to_whom_in_print_and_speech() -> None:
    told = replace(row(RowKind.MESSAGE, "a surprise"), to=("Bob", "Cid\n"))
    assert message_lines(told)[0].endswith("  Ann (to Bob, Cid\u240a): a surprise")
    assert " Ann (to Bob, Cid\u240a): a surprise" in spoken_line("#dev", told)
    hidden = replace(row(RowKind.FOR_OTHERS, ""), to=("Bob",))
    assert spoken_line("#dev", hidden).endswith("Ann: a message to others")


def test_what_disappears_says_when_in_speech() -> None:
    gone = replace(row(RowKind.MESSAGE, "soon gone"), expires_ms=1_795_288_000_000)
    assert spoken_line("#dev", gone).endswith(f"soon gone (disappears {local_time(1_795_288_000_000)})")
    assert "disappears" not in spoken_line("#dev", row(RowKind.MESSAGE, "stays"))


@pytest.mark.parametrize(("missing", "words"), [(1, "1 earlier message is"), (1200, "1,200 earlier messages are")])
def test_what_is_withheld_from_newcomers_is_told_as_that(missing: int, words: str) -> None:
    assert gap_words(Gap(ets=5, missing=missing, withheld=True)) == f"{words} not shown to newcomers"
