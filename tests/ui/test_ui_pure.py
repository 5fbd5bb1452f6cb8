"""The parts without a screen: cells, editor, completion, window, colours, settings."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailbox_rows import mailbox_row
from rich.cells import cell_len
from rich.style import Style
from twin import TwinNode, channel_id, user

from multichat_tui.model.hyperlinks import holds_link, links_in
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.snapshots import (
    ChannelKind,
    Delivery,
    MailboxFailing,
    MailboxState,
    Membership,
    PeerRow,
    RowKind,
    StatusRow,
)
from multichat_tui.node.api.commands.shape import NAMES
from multichat_tui.ui import asked_for, faces
from multichat_tui.ui.actions import Scope
from multichat_tui.ui.cells import clip, drawn, pad, sober, strip_of, width, wrap
from multichat_tui.ui.completing import complete
from multichat_tui.ui.desk import Desk
from multichat_tui.ui.drawing import Surroundings, columns, left_changes_ms, left_text, notice_text, paint
from multichat_tui.ui.editor import Editor
from multichat_tui.ui.entries import Message, Notice, entries_of
from multichat_tui.ui.found import around_strips
from multichat_tui.ui.glyphs import ASCII, UNICODE, Glyphs, choose, encoding_of
from multichat_tui.ui.painted import PaintedEntries
from multichat_tui.ui.panel import help_page
from multichat_tui.ui.paths import paths_like
from multichat_tui.ui.preferences import Look, Preferences, Signs
from multichat_tui.ui.switcher import targets
from multichat_tui.ui.teaching import beginning_of
from multichat_tui.ui.themes import DARK
from multichat_tui.ui.window import MAX_WINDOW_ROWS, MessageWindow

DEV = channel_id("dev")
SURROUNDINGS = Surroundings(
    width=40,
    palette=DARK,
    glyphs=UNICODE,
    my_name="ann",
    clock="%H:%M",
    name_of=lambda who: None,
    quote_of=lambda record: None,
    now_ms=lambda: 0,
)


@given(st.text(max_size=200), st.integers(2, 60))
def test_wrapped_lines_fit_and_lose_only_spaces_and_line_breaks(text: str, cells: int) -> None:
    shown = sober(text)
    spans = wrap(shown, cells)
    assert all(width(shown[begin:end]) <= cells for begin, end in spans)
    at = 0
    for begin, end in spans:
        assert begin >= at
        assert not shown[at:begin].strip(" \n")
        at = end
    assert not shown[at:].strip(" \n")


@given(st.text(max_size=80), st.integers(0, 40))
def test_cut_and_filled_text_has_its_width(text: str, cells: int) -> None:
    shown = sober(text).replace("\n", " ")
    assert width(clip(shown, cells)) <= cells
    assert width(pad(shown, cells)) == cells


@given(st.lists(st.text(max_size=30), max_size=4), st.integers(1, 50))
def test_a_drawn_line_is_exactly_as_wide_as_asked_by_the_measure_that_draws_it(texts: list[str], cells: int) -> None:
    strip = strip_of([(sober(text).replace("\n", " "), Style()) for text in texts], cells, Style())
    assert sum(cell_len(segment.text) for segment in strip) == cells == strip.cell_length


@given(st.text(max_size=60))
def test_text_being_written_is_drawn_with_one_character_for_each(text: str) -> None:
    assert len(drawn(text)) == len(text)
    assert all(ch == "\n" or ch.isprintable() or not width(ch) for ch in drawn(text))


@given(st.integers(8, 300))
def test_the_columns_fill_the_pane(cells: int) -> None:
    cols = columns(cells)
    assert cols.indent + cols.text + 1 + 2 <= max(cells, cols.indent + 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/bundle ", ("export ", "import ")),
        ("/bundle import fr", ("friends.mcb ", "from/")),
        ("/bundle import from/", ("from/one.mcb ",)),
        ("/bundle export my", ('"my file.mcb" ',)),
        ('/bundle export "my f', ('"my file.mcb" ',)),
        ("/bundle export friends.mcb b", ("bob ",)),
        ("/bundle import friends.mcb b", ("bob ",)),
        ("/bundle import .", (".hidden ",)),
        ("/bundle import nowhere/", None),
        ("/mailbox host o", ("on ", "off ")),
        ("/mailbox grant b", ("bob ",)),
        ("/mailbox list b", ("bob ",)),
    ],
)
def test_files_and_what_depends_on_the_first_word_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: tuple[str, ...] | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "from").mkdir()
    for name in ("friends.mcb", "from/one.mcb", "my file.mcb", ".hidden", "with\nline"):
        (tmp_path / name).touch()
    found = complete(text, len(text), people=["bob"], channels=[], commands=[], takes=asked_for.TAKES, paths=paths_like)
    assert (None if found is None else found.words) == words


def test_links_end_before_the_punctuation_of_the_sentence() -> None:
    text = "see https://a.example/x_(y), and <http://b.example>!"
    assert [text[a:b] for a, b in links_in(text)] == ["https://a.example/x_(y", "http://b.example"]


@given(st.text(alphabet="htps:/w.mailo ()a", max_size=60))
def test_whatever_is_drawn_as_a_link_counts_as_one(text: str) -> None:
    assert not links_in(text) or holds_link(text)


def test_why_one_cannot_write_stands_in_the_composer_and_archived_channels_stand_last() -> None:
    node, desk = TwinNode(), Desk()
    for name in ("alpha", "beta"):
        node.add_channel(name)
    rows = node.channel_rows
    rows[channel_id("alpha")] = replace(rows[channel_id("alpha")], archived=True, writing="This channel is archived.")
    desk.channels = rows
    assert [row.name for row in desk.ordered] == ["beta", "alpha"]
    assert [row.name for row in targets(desk, (channel_id("alpha"),), None)] == ["beta", "alpha"]
    assert faces.prompt(rows[channel_id("alpha")], desk)[1] == "This channel is archived."


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"writing": "Only moderators and above write here."}, "@1 2"),
        ({"writing": "This channel is archived.", "mentions": 0}, "3"),
        ({"membership": Membership.READING}, "@1 2"),
        ({"membership": Membership.REMOVED}, "removed"),
        ({"membership": Membership.LEFT}, "you left"),
        ({"membership": Membership.REFUSED}, "not let in"),
        ({"membership": Membership.JOINING}, "⋯"),
    ],
)
def test_what_is_unread_is_counted_also_where_one_cannot_write_and_who_is_no_member_reads_why(
    changes: dict[str, Any], told: str
) -> None:
    node = TwinNode()
    node.add_channel("news")
    row = replace(node.channel_rows[channel_id("news")], unread=3, mentions=1)
    assert "".join(text for text, _ in faces.counts(replace(row, **changes), DARK, UNICODE)).strip() == told


def test_members_stand_under_the_names_of_their_roles_the_highest_first() -> None:
    node = TwinNode()
    channel = node.add_channel("dev", members=("ann", "bob", "kim"))
    members = [replace(row, role="reviewer", rank=20) if row.name == "kim" else row for row in node.member_rows[channel]]
    titles = ["".join(text for text, _ in item.left) for item in faces.member_items(members, DARK, UNICODE) if not item.target]
    assert [title for title in titles if title] == ["FOUNDERS 1", "REVIEWER 1", "MEMBERS 2"]


def test_the_editor_moves_by_words_erases_yanks_and_undoes() -> None:
    editor = Editor()
    for character in "two words":
        editor.insert(character)
    editor.move_to(editor.word_left())
    assert editor.caret == 4
    editor.erase(editor.line_start(), editor.caret, keep=True)
    assert editor.text == "words"
    editor.move_to(editor.line_end())
    editor.yank()
    assert editor.text == "wordstwo "
    editor.undo()
    editor.undo()
    assert editor.text == "words" or editor.text == "two words"
    for _ in range(20):
        editor.undo()
    assert editor.text == ""


def test_the_caret_does_not_part_a_letter_from_its_marks() -> None:
    editor = Editor()
    editor.reset("ae\u0301")
    editor.move_to(editor.left())
    assert editor.caret == 1
    editor.move_to(editor.right())
    assert editor.caret == 3


@given(st.text(max_size=20), st.text(max_size=20))
def test_what_was_typed_after_sending_stays(sent: str, since: str) -> None:
    editor = Editor()
    editor.reset(sent + since)
    editor.accepted(sent)
    assert editor.text == since


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("an", ("anna: ", "anton: ")),
        ("hi an", ("anna ", "anton ")),
        ("hi @AN", ("@anna ", "@anton ")),
        ("#de", ("#dev ",)),
        ("/to", ("/topic ",)),
        ("see /to", None),
        ("zzz", None),
        ("", None),
        ("an ", None),
    ],
)
def test_completion_fits_what_stands_before_the_caret(text: str, words: tuple[str, ...] | None) -> None:
    found = complete(text, len(text), people=["anna", "anton", "bob"], channels=["dev"], commands=["/topic", "/names"])
    assert (found.words if found is not None else None) == words


TAKES = {"/role": (NAMES, ("admin", "moderator", "member", "muted")), "/names": ()}


@pytest.mark.parametrize(
    ("text", "words", "begin"),
    [
        ("/role an", ("anna ", "anton "), 6),
        ("/ROLE @an", ("@anna ", "@anton "), 6),
        ("/role ki", ('"kim lee" ',), 6),
        ('/role "ki', ('"kim lee" ',), 6),
        ('/role "kim l', ('"kim lee" ',), 6),
        ('/role "kim lee" mo', ("moderator ",), 16),
        ("/role  bob  M", ("moderator ", "member ", "muted "), 12),
        ("/role bob", ("bob ",), 6),
        ("/role ", ("anna ", "anton ", "bob ", '"kim lee" '), 6),
        ("/role bob ", ("admin ", "moderator ", "member ", "muted "), 10),
        ("/role bob admin ", None, 0),
        ("/names ", None, 0),
        ("/role bob admin an", ("anna ", "anton "), 16),
        ("/names an", ("anna ", "anton "), 7),
        ("/role bob #de", ("#dev ",), 10),
        ('/role "' + '"x  ' * 2000, None, 0),
    ],
)
def test_behind_a_command_what_it_takes_there_is_completed(text: str, words: tuple[str, ...] | None, begin: int) -> None:
    people = ["anna", "anton", "bob", "kim lee"]
    found = complete(text, len(text), people=people, channels=["dev"], commands=[*TAKES], takes=TAKES)
    assert (found.words if found is not None else None) == words
    if found is not None:
        assert (found.begin, found.end) == (begin, len(text))


def test_the_window_holds_each_row_once_in_order_and_nothing_beyond_an_open_edge() -> None:
    node = TwinNode()
    node.add_channel("dev")
    rows = [node.row(DEV, "ann", str(n)) for n in range(10)]
    window = MessageWindow()
    window.load(rows[4:8], more_before=True)
    assert not window.add(rows[2])
    assert not window.add(rows[5])
    assert window.add(rows[8])
    window.extend(rows[:6])
    assert [row.text for row in window.rows] == [str(n) for n in range(9)]
    assert window.remove(rows[3].id)
    assert not window.remove(rows[3].id)
    assert window.index_of(rows[4].id) == 3


def test_the_window_drops_what_is_far_from_the_view() -> None:
    node = TwinNode()
    node.add_channel("dev")
    rows = [node.row(DEV, "ann", str(n)) for n in range(MAX_WINDOW_ROWS + 500)]
    window = MessageWindow()
    window.load(rows, more_before=False)
    window.trim(100)
    assert len(window.rows) == MAX_WINDOW_ROWS
    assert window.rows[0] is rows[0]
    assert (window.more_before, window.more_after) == (False, True)
    window.load(rows, more_before=False)
    window.trim(None)
    assert window.rows[-1] is rows[-1]
    assert (window.more_before, window.more_after) == (True, False)
    assert window.get(rows[0].id) is None


def test_signs_follow_the_locale_and_the_setting() -> None:
    assert choose(Signs.AUTO, "utf-8") is UNICODE
    assert choose(Signs.AUTO, "ANSI_X3.4-1968") is ASCII
    assert choose(Signs.ASCII, "utf-8") is ASCII
    assert choose(Signs.UNICODE, "ascii") is UNICODE


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_sign_has_its_width(glyphs: Glyphs) -> None:
    for field in Glyphs.__dataclass_fields__:
        sign = getattr(glyphs, field)
        assert 1 <= cell_len(sign) <= {"queued": 2, "all": 2, "read": 2, "failed": 2, "expires": 3}.get(field, 1)
        assert glyphs is UNICODE or sign.isascii()


def test_a_persons_colour_follows_the_key_and_not_the_name() -> None:
    assert DARK.of_person(user("ann")) is DARK.of_person(user("ann"))
    assert len({DARK.of_person(user(f"someone {n}")).color for n in range(200)}) == len(DARK.names)


def test_settings_that_are_not_known_or_not_allowed_change_nothing() -> None:
    preferences = Preferences()
    assert preferences.changed("ui.look", "light").look == Look.LIGHT
    assert preferences.changed("ui.signs", "pink") == preferences
    assert preferences.changed("ui.future", "1") == preferences
    assert preferences.changed("ui.mouse", "off").mouse is False


@pytest.mark.parametrize(
    ("environment", "unicode"),
    [
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LANG": "de_DE.UTF-8@euro"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, True),
        ({"LANG": "C.UTF-8", "LC_ALL": ""}, True),
        ({}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "C.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, False),
    ],
)
def test_the_locale_decides_which_signs_are_drawn(environment: dict[str, str], unicode: bool) -> None:
    assert choose(Signs.AUTO, encoding_of(environment)) is (UNICODE if unicode else ASCII)


@given(st.integers(20, 120))
def test_help_keeps_its_words_at_every_width(cells: int) -> None:
    page = help_page(Scope.COMPOSER)
    for line in page.lines:
        shown = page.shown(line, cells)
        assert shown.split() == line.split()
        spans = page.wrapped(shown, cells)
        assert "".join(shown[begin:end] for begin, end in spans).replace(" ", "") == shown.replace(" ", "")
        assert all(width(shown[b:e]) + (page.indent(cells) if b else 0) <= cells for b, e in spans)


@pytest.mark.parametrize(
    ("mailboxes", "told"),
    [
        (0, "is kept, and delivered when you both are there."),
        (1, "is left at their mailbox, and comes whether you are there then or not."),
        (2, "is left at their two mailboxes, and"),
        (3, "is left at two of their 3 mailboxes, and"),
    ],
)
def test_where_what_is_written_to_somebody_who_is_away_waits_is_told(mailboxes: int, told: str) -> None:
    node, desk = TwinNode(), Desk()
    who = node.add_contact("bob", online=False)
    direct = node.add_direct("bob", online=False)
    desk.contacts = {who: replace(node.contact_rows[who], mailboxes=mailboxes)}
    assert f"bob is offline: what you write {told}" in beginning_of(node.channel_rows[direct], desk)[-1]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 24), st.integers(0, 4), st.integers(0, 3))
def test_what_stands_around_a_hit_is_a_part_of_all_lines_with_the_hit_in_its_middle(
    count: int, index: int, height: int, lengthy: int, apart: int
) -> None:
    node = TwinNode()
    node.add_channel("dev")
    texts = ("word", "\n".join(["line"] * (1 + lengthy)))
    rows = tuple(node.row(DEV, "bob", texts[n % 3 == 0], time_ms=n * apart * 20 * 3_600_000) for n in range(count))
    hit = rows[index] if index < count else None
    shown = [strip.text for strip in around_strips(rows, hit, SURROUNDINGS, height)]
    assert len(shown) == height
    everything: list[str] = []
    first = size = 0
    for entry in entries_of(rows, beginning=False, read_arrival=None):
        here = isinstance(entry, Message) and entry.row is hit
        strips = [strip.text for strip in paint(entry, SURROUNDINGS, under_cursor=here)]
        if here:
            first, size = len(everything), len(strips)
        everything += strips
    start = max(0, min(first - (height - size) // 2, len(everything) - height, first))
    blank = " " * SURROUNDINGS.width
    assert shown == [*everything[start : start + height], *[blank] * height][:height]


def test_who_came_is_named_before_the_members_are_known() -> None:
    node = TwinNode()
    node.add_channel("dev")
    joined = node.row(DEV, "ann", "bob", kind=RowKind.JOINED, subject=user("bob"))
    removed = node.row(DEV, "ann", "carl", kind=RowKind.REMOVED, subject=user("carl"))
    left = node.row(DEV, "dave", "", kind=RowKind.LEFT)
    assert notice_text((joined,), SURROUNDINGS) == "bob joined"
    let_in, by_role = replace(joined, deeds=("ann let bob in",)), replace(joined, deeds=("as moderator of a\u202ecme",))
    assert notice_text((let_in,), SURROUNDINGS) == "bob joined (ann let bob in)"
    other = replace(by_role, subject=user("kim"), text="kim")
    assert notice_text((by_role, other), SURROUNDINGS) == "bob, kim joined (as moderator of a\\u{202e}cme)"
    assert notice_text((let_in, other), SURROUNDINGS) == "bob, kim joined"
    assert notice_text((removed,), SURROUNDINGS) == "carl was removed by ann"
    by_bob = replace(removed, author=user("bob"), name="bob", subject=user("kim"), text="kim")
    assert notice_text((removed, replace(by_bob, author=removed.author, name="ann")), SURROUNDINGS) == "carl, kim removed by ann"
    assert notice_text((removed, by_bob), SURROUNDINGS) == "carl, kim removed"
    assert notice_text((left,), SURROUNDINGS) == "dave left"


def test_what_was_taken_away_in_a_row_for_one_reason_is_one_line() -> None:
    node = TwinNode()
    node.add_channel("dev")
    names = ("eve", "eve", "mal", "zoe", "tom", "kit")
    spam = [node.row(DEV, name, "redacted by ann: spam", kind=RowKind.REDACTED) for name in names]
    other = node.row(DEV, "eve", "redacted by bob", kind=RowKind.REDACTED)
    entries = entries_of([*spam, other, spam[0]], beginning=False, read_arrival=None)
    notices = [entry.rows for entry in entries if isinstance(entry, Notice)]
    assert [len(rows) for rows in notices] == [6, 1, 1]
    assert [notice_text(rows, SURROUNDINGS) for rows in notices] == [
        "eve, mal, zoe, tom and 1 more: 6 messages redacted by ann: spam",
        "eve: redacted by bob",
        "eve: redacted by ann: spam",
    ]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ChannelKind.GROUP, "ann created the channel"),
        (ChannelKind.WORKSPACE, "ann created the workspace"),
        (ChannelKind.DIRECT, "ann began the conversation"),
    ],
)
def test_the_first_row_says_what_was_begun(kind: ChannelKind, said: str) -> None:
    node = TwinNode()
    node.add_channel("dev")
    row = node.row(DEV, "ann", "dev", kind=RowKind.CREATED)
    assert notice_text((row,), replace(SURROUNDINGS, kind=kind)) == said


def _peer(who: UserId, device: bytes) -> PeerRow:
    return PeerRow(
        device=DeviceId(device * 32), user=who, name="x", online=True, path="lan", address="h:1", rtt_ms=None,
        unacknowledged=0, addresses=(), failure="",
    )  # fmt: skip


def test_how_many_of_ones_mailboxes_serve_is_told_where_there_are_any() -> None:
    desk, status = Desk(), TwinNode().status_row
    desk.me = status.me
    kept = replace(status, mailboxes=(mailbox_row(1), mailbox_row(2, state=MailboxState.UNREACHED), mailbox_row(3)))
    leaving = replace(status, mailboxes=(mailbox_row(1, state=MailboxState.LEAVING),))
    failing = replace(status, mailboxes=(mailbox_row(1, failing=MailboxFailing.LOSES), mailbox_row(2)))

    def told(row: StatusRow) -> str:
        return "".join(text for text, _ in faces.status(row, desk, None, "", DARK, UNICODE)[0])

    assert "mailboxes 2/3" in told(kept)
    assert "failing" not in told(kept)
    assert "mailboxes 1/2, 1 failing" in told(failing)
    assert "mailboxes" not in told(leaving)
    assert "mailboxes" not in told(status)


def test_ones_own_devices_are_not_counted_as_people_who_are_linked() -> None:
    desk, status = Desk(), TwinNode().status_row
    desk.me = status.me

    def told() -> str:
        return "".join(text for text, _ in faces.status(status, desk, None, "", DARK, UNICODE)[0])

    desk.peers = (_peer(desk.me.user, b"a"), _peer(user("ann"), b"b"), _peer(user("ann"), b"c"))
    assert told() == " 1 person linked"
    desk.peers = desk.peers[:1]
    assert told().startswith(" nobody linked but 1 of your devices")


@given(st.integers(-10_000, 400 * 86_400_000))
def test_the_time_that_is_left_is_told_short_and_until_it_changes(left: int) -> None:
    told = left_text(left, 0)
    assert len(told) <= 4
    change = left_changes_ms(left, 0)
    if change is None:
        assert told == "<1m"
    else:
        assert 0 < change <= left
        assert left_text(left, change - 1) == told != left_text(left, change)


def test_the_time_that_is_left_is_told_in_whole_days_hours_or_minutes() -> None:
    hour, minute = 3_600_000, 60_000
    spans = (7 * 24 * hour - 1, 24 * hour, 4 * hour - 1, 60 * minute, 60 * minute - 1, minute, minute - 1, -minute)
    assert [left_text(span, 0) for span in spans] == ["6d", "1d", "3h", "1h", "59m", "1m", "<1m", "<1m"]


@pytest.mark.parametrize("cells", range(24, 100, 3))
@pytest.mark.parametrize(("signs", "told"), [(UNICODE, "▤1/2"), (ASCII, "#1/2")])
def test_at_how_many_mailboxes_a_message_lies_is_told_in_full_beside_the_whole_of_its_text(
    cells: int, signs: Glyphs, told: str
) -> None:
    node = TwinNode()
    node.add_channel("dev")
    words = [f"w{number}" for number in range(40)]
    row = replace(node.say(DEV, "me", " ".join(words)), state=Delivery.STORED, stored=1, copies=2)
    strips = paint(Message(row=row, follows=False), replace(SURROUNDINGS, width=cells, glyphs=signs), unfolded=True)
    assert all(strip.cell_length == cells for strip in strips)
    assert strips[-1].text.endswith(f" {told}")
    shown = " ".join(strip.text[columns(cells).indent :].removesuffix(told).strip() for strip in strips)
    assert shown.split() == words


@pytest.mark.parametrize("cells", range(24, 60))
def test_no_text_makes_way_for_what_is_told_about_a_message(cells: int) -> None:
    node = TwinNode()
    node.add_channel("dev")
    row = node.say(DEV, "bob", "every word of this is read")
    row = replace(row, edited=True, pinned=True, late=True, expires_ms=90 * 60_000)
    strips = paint(Message(row=row, follows=False), replace(SURROUNDINGS, width=cells))
    assert all(strip.cell_length == cells for strip in strips)
    words = " ".join(strip.text[columns(cells).indent :].strip() for strip in strips)
    assert "every word of this is read" in words
    assert "(edited, pinned)" in words
    assert "◷1h" in words


def test_a_message_is_drawn_again_when_its_time_is_told_otherwise_and_no_sooner() -> None:
    node = TwinNode()
    node.add_channel("dev")
    entry = Message(row=replace(node.say(DEV, "bob", "soon gone"), expires_ms=120_000), follows=False)
    now = [0]
    around, painted = replace(SURROUNDINGS, now_ms=lambda: now[0]), PaintedEntries()
    first = painted.strips(entry, around, unfolded=False, under_cursor=False)
    assert painted.strips(entry, around, unfolded=False, under_cursor=False) is first
    now[0] = 1
    assert "◷1m" in painted.strips(entry, around, unfolded=False, under_cursor=False)[0].text
