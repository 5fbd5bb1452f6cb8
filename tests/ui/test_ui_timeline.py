"""The timeline: staying put, the unread line, paging, resizing, resync, floods, hostile text."""

import asyncio
from dataclasses import replace

import pytest
from rich.cells import cell_len
from seat import Seat, Sit, until
from twin import TwinNode, channel_id, user

from multichat_tui.model.snapshots import Gap, RowKind
from multichat_tui.ui.window import MAX_WINDOW_ROWS

SIZES = [(80, 24), (120, 40), (40, 10)]
DEV = channel_id("dev")


def filled(count: int) -> TwinNode:
    node = TwinNode()
    node.add_channel("dev")
    node.fill(DEV, count)
    return node


async def settled(seat: Seat) -> None:
    """Until no read is under way and nothing is left to draw."""
    front = seat.main.front
    await until(lambda: front.pages is not None and not front.pages.reading)
    await seat.pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_scrolled_up_it_stays_put_and_counts_what_comes(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(filled(120), size=size) as seat:
        await seat.opened(DEV)
        assert any("message 119" in line for line in seat.timeline)
        await seat.press("pageup", "pageup")
        await settled(seat)
        before = seat.timeline
        for number in range(17):
            seat.node.say(DEV, "ann", f"fresh {number}")
        await seat.sees("17 new (End)")
        assert seat.timeline == before
        await seat.press("end")
        await until(lambda: any("fresh 16" in line for line in seat.timeline))
        await seat.gone("new (End)")


async def test_a_late_message_above_the_view_moves_nothing(sit: Sit) -> None:
    async with sit(filled(120)) as seat:
        await seat.opened(DEV)
        await seat.press("pageup")
        await settled(seat)
        before = seat.timeline
        late = seat.node.row(DEV, "bob", "from the past", late=True)
        seat.node.put(replace(late, ets=seat.node.rows[DEV][5].ets + 1))
        await until(lambda: seat.main.timeline.window.get(late.id) is not None)
        await seat.pilot.pause()
        assert seat.timeline == before


async def test_the_unread_line_stays_until_the_channel_is_left(sit: Sit) -> None:
    node = filled(30)
    other = node.add_channel("lobby")
    node.say(DEV, "ann", "not read yet")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await until(lambda: any(" new " in line for line in seat.timeline))
        at = next(i for i, line in enumerate(seat.timeline) if " new " in line)
        assert "not read yet" in seat.timeline[at + 1]
        await until(lambda: seat.main.front.desk.channels[DEV].unread == 0)
        node.say(DEV, "ann", "and more")
        await until(lambda: any("and more" in line for line in seat.timeline))
        assert sum(" new " in line for line in seat.timeline) == 1
        await seat.press("ctrl+n")
        await seat.opened(other)
        await seat.press("alt+slash")
        await seat.opened(DEV)
        assert not any(" new " in line for line in seat.timeline)


async def test_the_first_unread_message_is_found_pages_back(sit: Sit) -> None:
    node = filled(50)
    for number in range(450):
        node.put(node.row(DEV, "ann", f"unread {number}"), quietly=True)
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("alt+u")
        await until(lambda: any("unread 0" in line for line in seat.timeline))
        assert any(" new " in line for line in seat.timeline)


async def test_paging_reaches_the_oldest_message_and_the_window_stays_bounded(sit: Sit) -> None:
    async with sit(filled(2500)) as seat:
        await seat.opened(DEV)
        for _ in range(20):
            await seat.press("pageup")
        await settled(seat)
        rows = seat.main.timeline.window.rows
        assert len({row.id for row in rows}) == len(rows) <= MAX_WINDOW_ROWS
        await seat.press("alt+home")
        await until(lambda: any("message 0" in line for line in seat.timeline))
        assert any("The beginning of #dev" in line for line in seat.timeline)
        for _ in range(12):
            await seat.press("pagedown")
            await settled(seat)
        numbers = [int(row.text.split()[1]) for row in seat.main.timeline.visible_rows]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        await seat.press("alt+end")
        await until(lambda: any("message 2499" in line for line in seat.timeline))
        assert seat.main.timeline.at_end


async def test_a_resize_keeps_the_message_at_the_top(sit: Sit) -> None:
    node = filled(0)
    for number in range(80):
        node.put(node.row(DEV, "ann", f"number {number} " + "with many words " * 8), quietly=True)
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        await seat.press("pageup", "pageup")
        await settled(seat)
        top = seat.main.timeline.visible_rows[0].id
        for size in ((80, 24), (40, 10), (120, 40)):
            await seat.pilot.resize_terminal(*size)
            await seat.pilot.pause()
            await until(lambda size=size: len(seat.lines) == size[1])
            assert seat.main.timeline.visible_rows[0].id == top


async def test_panes_go_as_the_terminal_narrows(sit: Sit) -> None:
    async with sit(filled(5), size=(120, 40)) as seat:
        await seat.opened(DEV)
        assert (seat.main.channels.display, seat.main.members.display) == (True, True)
        await seat.pilot.resize_terminal(80, 24)
        await until(lambda: not seat.main.members.display)
        assert seat.main.channels.display
        await seat.pilot.resize_terminal(40, 10)
        await until(lambda: not seat.main.channels.display)
        await seat.press("f5")
        assert seat.main.channels.display


async def test_a_resync_reads_again_at_the_end_and_in_place_when_scrolled_up(sit: Sit) -> None:
    async with sit(filled(600)) as seat:
        await seat.opened(DEV)
        seat.node.put(seat.node.row(DEV, "ann", "told to nobody"), quietly=True)
        seat.node.resync()
        await until(lambda: any("told to nobody" in line for line in seat.timeline))
        for _ in range(4):
            await seat.press("pageup")
        await settled(seat)
        top = seat.main.timeline.visible_rows[0]
        seat.node.rows[DEV] = [replace(row, text="edited") if row.id == top.id else row for row in seat.node.rows[DEV]]
        seat.node.resync()
        await until(lambda: seat.main.timeline.visible_rows[0].text == "edited")
        assert seat.main.timeline.visible_rows[0].id == top.id


async def test_events_that_a_read_has_seen_show_nothing_twice_and_fall_back_to_nothing_older(sit: Sit) -> None:
    async with sit(filled(3)) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        node = seat.node
        node.gate = asyncio.Event()
        node.resync()
        await until(lambda: seat.main.front.pages is not None and seat.main.front.pages.reading)
        row = node.say(DEV, "ann", "once")
        node.change(replace(row, text="once, edited"))
        node.gate.set()
        await until(lambda: any("once, edited" in line for line in seat.timeline))
        await settled(seat)
        assert sum("once" in line for line in seat.timeline) == 1


async def test_a_changed_and_a_removed_row_change_in_place(sit: Sit) -> None:
    async with sit(filled(3)) as seat:
        await seat.opened(DEV)
        row = seat.node.say(DEV, "ann", "tpyo")
        await seat.sees("tpyo")
        seat.node.change(replace(row, text="typo"))
        await seat.sees("typo")
        await seat.gone("tpyo")
        seat.node.remove(row)
        await seat.gone("typo")


async def test_a_flood_is_drawn_in_few_frames_while_keys_go_on_and_the_window_stays_bounded(sit: Sit) -> None:
    async with sit(filled(3)) as seat:
        await seat.opened(DEV)
        batches = 0
        take = seat.main.front.take

        def counted(events: object) -> None:
            nonlocal batches
            batches += 1
            take(events)

        seat.main.front.take = counted
        for number in range(2000):
            seat.node.say(DEV, "ann", f"flood {number}")
        await seat.press(*"typed")
        assert seat.main.composer.text == "typed"
        await until(lambda: any("flood 1999" in line for line in seat.timeline))
        assert len(seat.main.timeline.window.rows) <= MAX_WINDOW_ROWS
        assert batches <= 200


async def test_comings_and_goings_collapse(sit: Sit) -> None:
    node = filled(1)
    for who in ("ann", "bob", "kim", "dave", "eve", "fay"):
        node.put(node.row(DEV, who, "", kind=RowKind.JOINED, subject=user(who)), quietly=True)
    node.put(node.row(DEV, "bob", "", kind=RowKind.LEFT, subject=user("bob")), quietly=True)
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        await seat.sees("ann, bob, kim, dave and 2 more joined; bob left")


async def test_a_long_message_folds_and_unfolds(sit: Sit) -> None:
    node = filled(1)
    node.say(DEV, "ann", "\n".join(f"row {n:02}" for n in range(30)))
    async with sit(node, size=(120, 50)) as seat:
        await seat.opened(DEV)
        await seat.sees("22 more lines")
        assert "row 07" in seat.text
        assert "row 08" not in seat.text
        await seat.press("escape", "enter")
        await seat.sees("row 29")


async def test_a_held_message_says_why_and_can_be_opened(sit: Sit) -> None:
    import time

    node = filled(1)
    ahead = int(time.time() * 1000) + 3 * 3_600_000
    node.say(DEV, "ann", "from tomorrow", kind=RowKind.HELD, time_ms=ahead, ets=ahead)
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        await seat.sees("held: their clock is 3 h ahead")
        assert "from tomorrow" not in seat.text
        await seat.press("escape", "enter")
        await seat.sees("from tomorrow")


async def test_copying_takes_the_text_as_it_was_sent(sit: Sit) -> None:
    node = filled(1)
    node.say(DEV, "ann", "take\u200d this\nand this")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("escape", "y")
        assert seat.app.clipboard == "take\u200d this\nand this"


async def test_the_cursor_walks_and_the_view_follows(sit: Sit) -> None:
    async with sit(filled(60)) as seat:
        await seat.opened(DEV)
        await seat.press("shift+up")
        await seat.press(*["k"] * 30)
        timeline = seat.main.timeline
        assert timeline.cursor == seat.node.rows[DEV][29].id
        assert timeline.cursor in {row.id for row in timeline.visible_rows}
        await seat.press(*["j"] * 30)
        assert timeline.cursor == seat.node.rows[DEV][59].id
        assert timeline.cursor in {row.id for row in timeline.visible_rows}
        await seat.press("escape")
        assert seat.main.focused is seat.main.composer


HOSTILE = [
    "\x1b[2J\x1b[1;1Hcleared \x1b]0;title\x07 \x1b]52;c;AAAA\x07",
    "\u202egnirts desrever\u202c \u2066isolate",
    "[bold red]not markup[/bold red] [@click=app.quit]quit[/]",
    "x" * 5000,
    "你好" * 300,
    "e\u0301\u0302\u0303\u0304\u0305\u0306" * 40,
    "👨\u200d👩\u200d👧 👍🏽 🇩🇪 ❤\ufe0f \u0301",
    "\u0301starts with a mark",
    "\r\roverwritten\b\b\b\x7f\x9b31m",
    "12:01 ann\n12:02 bob     I never said this",
    "tab\there\x0b\x0c\u2028\u2029end",
    "",
    "\n\n\n",
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_stays_in_its_cells(sit: Sit, text: str, size: tuple[int, int]) -> None:
    node = filled(0)
    node.say(DEV, "ann", "before")
    node.say(DEV, "mallory", text)
    node.say(DEV, "bob", "after")
    node.set_channel(DEV, topic=text[:300])
    async with sit(node, size=size) as seat:
        await seat.opened(DEV)
        width, height = size
        lines = seat.lines
        assert len(lines) == height
        for line in lines:
            assert cell_len(line) == width
            assert line.isprintable()
            assert not any(ch in line for ch in "\u202e\u2066\u2028\u2029\u200d\ufe0f")
        timeline = seat.timeline
        start = next((i for i, line in enumerate(timeline) if "mallory" in line), None)
        if start is not None:
            names = [line for line in timeline[start + 1 :] if line[1:20].strip()]
            indent = timeline[start].index("mallory")
            for line in timeline[start + 1 :]:
                if "bob" in line[indent : indent + 4]:
                    break
                assert not line[: indent + 8].strip()
            assert names or timeline[-1]


async def test_only_http_links_are_links(sit: Sit) -> None:
    node = filled(0)
    node.say(DEV, "ann", "https://example.org/a, file:///etc/passwd javascript:alert(1) http://x.example/b.")
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        links = {segment.style.link for line in seat.main.timeline.lines() for segment in line.strip if segment.style}
        assert links - {None} == {"https://example.org/a", "http://x.example/b"}


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\u202eb", "[bold]x[/]", "x" * 60, "你" * 40])
async def test_hostile_names_stay_in_their_columns(sit: Sit, name: str) -> None:
    node = filled(0)
    row = node.row(DEV, "ann", "hello")
    node.put(replace(row, name=name), quietly=True)
    node.member_rows[DEV].append(replace(node.member_rows[DEV][0], name=name, user=user("other")))
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        await seat.sees("hello")
        for line in seat.lines:
            assert cell_len(line) == 120
            assert line.isprintable()


async def test_mentions_are_walked_through_and_older_ones_are_read_for(sit: Sit) -> None:
    node = filled(10)
    far = node.say(DEV, "ann", "long ago, @me")
    node.fill(DEV, 400)
    near = node.say(DEV, "bob", "@me: today")
    node.say(DEV, "bob", "nothing for anybody")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("alt+p")
        await until(lambda: seat.main.timeline.cursor == near.id)
        await seat.press("alt+p")
        await until(lambda: seat.main.timeline.cursor == far.id)
        assert any("long ago, @me" in line for line in seat.timeline)
        await seat.press("alt+p")
        await seat.sees("Nobody mentions you further above")
        await seat.press("alt+n")
        await until(lambda: seat.main.timeline.cursor == near.id)
        await seat.press("alt+n")
        await seat.sees("Nobody mentions you further below")
        assert seat.main.timeline.cursor == near.id


async def test_everything_is_marked_read_at_once(sit: Sit) -> None:
    node = filled(3)
    for name in ("lobby", "ops"):
        node.say(node.add_channel(name), "ann", "unread")
        node.set_channel(channel_id(name), unread=2, mentions=1)
    async with sit(node) as seat:
        await until(lambda: seat.main.front.current is not None)
        await seat.press("alt+shift+u")
        await until(lambda: not any(row.unread or row.mentions for row in seat.main.front.desk.channels.values()))
        await seat.sees("marked read: ")
        await seat.press("alt+shift+u")
        await seat.sees("nothing is unread")


@pytest.mark.parametrize("size", SIZES)
async def test_where_messages_are_missing_a_line_says_how_many_and_who_is_asked(sit: Sit, size: tuple[int, int]) -> None:
    node = filled(12)
    rows = node.rows[DEV]
    async with sit(node, size=size) as seat:
        await seat.opened(DEV)
        node.set_channel(DEV, gaps=(Gap(ets=rows[10].ets, missing=3214, asking="ann"),))
        await until(lambda: any("3,214 older messages" in line for line in seat.timeline))
        shown = "\n".join(seat.timeline)
        assert shown.index("message 9") < shown.index("3,214 older messages") < shown.index("message 10")
        assert "asking ann" in " ".join(shown.split())
        node.set_channel(DEV, gaps=(Gap(ets=rows[10].ets, missing=3000),))
        await until(lambda: "nobody online" in " ".join("\n".join(seat.timeline).split()))
        node.set_channel(DEV, gaps=(Gap(ets=rows[10].ets, missing=1, paused=True),))
        await until(lambda: any("/older" in line for line in seat.timeline))
        node.set_channel(DEV, gaps=(Gap(missing=1, waiting=2, asking="bob"),))
        await until(lambda: any("2 messages wait" in line for line in seat.timeline))
        shown = "\n".join(seat.timeline)
        assert "older" not in shown
        assert shown.index("message 11") < shown.index("2 messages wait")
        node.set_channel(DEV, gaps=())
        await until(lambda: not any("missing" in line for line in seat.timeline))


async def test_a_gap_above_what_is_loaded_shows_when_one_gets_there(sit: Sit) -> None:
    node = filled(900)
    node.set_channel(DEV, gaps=(Gap(ets=node.rows[DEV][100].ets, missing=77, asking="ann"),))
    async with sit(node) as seat:
        await seat.opened(DEV)
        await settled(seat)
        assert not any("77 older" in line for line in seat.timeline)
        for _ in range(60):
            await seat.press("pageup")
            await settled(seat)
            if any("77 older" in line for line in seat.timeline):
                break
        shown = "\n".join(seat.timeline)
        at = shown.index("77 older")
        below = shown[at:]
        assert "message 100" in below or "message 101" in below


async def test_history_that_is_filled_in_calls_nobody_and_moves_nothing(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    node = filled(300)
    lobby = node.add_channel("lobby")
    async with sit(node) as seat:
        rung: list[str] = []
        monkeypatch.setattr(seat.app, "bell", lambda: rung.append("bell"))
        await seat.opened(DEV)
        await seat.press("pageup")
        await settled(seat)
        before = seat.timeline
        for channel in (DEV, lobby):
            for number in range(MAX_WINDOW_ROWS + 200):
                row = node.row(channel, "ann", f"@me past {number}")
                node.put_past(replace(row, arrival=-number, ets=number))
        node.say(DEV, "ann", "live")
        await seat.sees("1 new (End)")
        assert seat.timeline == before
        assert rung == []
        assert len(seat.main.timeline.window.rows) <= MAX_WINDOW_ROWS
        node.say(lobby, "ann", "@me now")
        await until(lambda: rung == ["bell"])
