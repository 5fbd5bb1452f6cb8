"""Who offers others' records soon to whom."""

import random

from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import FIRST_RELAYS
from multichat_tui.node.relaying import nearest_to


def devices(count: int) -> list[DeviceId]:
    chance = random.Random(count)
    return [DeviceId(chance.randbytes(32)) for _ in range(count)]


def test_everybody_is_told_soon_by_three_where_all_see_all() -> None:
    everybody = devices(40)
    tellers = dict.fromkeys(everybody, 0)
    for me in everybody:
        for other in nearest_to(me, set(everybody) - {me}):
            tellers[other] += 1
    assert set(tellers.values()) == {FIRST_RELAYS}


def test_who_sees_few_tells_them_all() -> None:
    me, *others = devices(1 + FIRST_RELAYS)
    assert nearest_to(me, set(others)) == set(others)


def test_who_sees_one_more_leaves_it_to_others_now_and_then() -> None:
    told = [nearest_to(me, set(others)) for me, *others in (devices(2 + FIRST_RELAYS), devices(20))]
    assert all(len(near) >= 1 for near in told[:1])
    assert len(told[1]) < 19
