"""Which records vouch for which."""

from dataclasses import replace

from builders import Talk, make_record, person

from multichat_tui.model.ids import Log
from multichat_tui.model.records import Record
from multichat_tui.sync.runs import covers, uncovered

ANA, BEN = person("ana"), person("ben")


def _said(count: int) -> tuple[Talk, list[Record]]:
    talk = Talk.begin(ANA, BEN)
    return talk, [talk.say(ANA, f"message {number}") for number in range(count)]


def test_a_record_covers_the_one_before_it_in_its_chain_and_no_other() -> None:
    _, (first, second, third) = _said(3)
    assert covers(second, first)
    assert covers(third, second)
    assert not covers(third, first)
    assert not covers(first, second)
    assert not covers(first, first)


def test_whom_somebody_else_names_as_his_own_past_is_not_covered() -> None:
    talk, (first, second) = _said(2)
    header = second.header
    stolen = replace(second, header=replace(header, device=BEN.device))
    assert not covers(stolen, first)
    assert not covers(replace(second, header=replace(header, log=Log.CONTROL)), first)
    assert not covers(replace(second, header=replace(header, channel=talk.records[-1].id)), first)
    assert not covers(replace(second, header=replace(header, seq=header.seq + 1)), first)


def test_of_several_chains_the_last_of_each_is_uncovered() -> None:
    talk = Talk.begin(ANA, BEN)
    mixed = [talk.say((ANA, BEN, BEN)[number % 3], f"message {number}") for number in range(9)]
    assert uncovered(mixed) == (mixed[6], mixed[8])
    assert uncovered(reversed(mixed)) == (mixed[8], mixed[6])
    assert uncovered([mixed[0], mixed[6]]) == (mixed[0], mixed[6])
    assert uncovered([]) == ()


def test_a_branch_covers_what_both_have_in_common_only() -> None:
    _, (first, second) = _said(2)
    header = second.header
    other = make_record(
        ANA,
        kind=header.kind,
        channel=header.channel,
        log=header.log,
        seq=header.seq,
        prev=header.prev,
        parents=header.parents,
        control_heads=header.control_heads,
        timestamp_ms=header.timestamp_ms + 1,
        ets=header.ets + 1,
        content=b"\xa0",
    )
    assert uncovered([first, second, other]) == (second, other)
