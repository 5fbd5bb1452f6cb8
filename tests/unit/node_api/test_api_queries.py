"""Searches as people type them, and the two commands that find."""

import time

import pytest
from api_twin import ApiTwin, user
from hypothesis import given
from hypothesis import strategies as st

from multichat_tui.model.errors import IntentRefused, NotFound, UsageError
from multichat_tui.model.ids import fingerprint
from multichat_tui.model.limits import MAX_ETS, MAX_QUERY_CHARACTERS, MAX_QUERY_PHRASES
from multichat_tui.model.searching import Phrase, Search, check_search
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.lookup import id_text
from multichat_tui.node.api.queries import day_range, parse_query, quoted, understand
from multichat_tui.node.api.transcript import EXCERPT_CHARACTERS, excerpt

NOW_MS = 1_780_000_000_000
"""2026-05-28 20:26:40 UTC."""
DAY_MS = 86_400_000


@pytest.fixture
def api():
    return ApiTwin()


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def phrases(text, **more):
    return [(phrase.text, phrase.prefix) for phrase in parse_query(text, now_ms=NOW_MS, **more).phrases]


# Words


def test_words_and_phrases_are_told_apart():
    assert phrases('red "blue boat" sail') == [("red", False), ("blue boat", False), ("sail", False)]
    assert phrases('red* "blue bo*"') == [("red*", True), ("blue bo*", True)]
    assert phrases('say"hello there"now') == [("say", False), ("hello there", False), ("now", False)]
    assert phrases('"open end') == [("open end", False)]
    assert phrases("") == []
    assert phrases('""') == [("", False)]


def test_the_last_word_may_go_on_while_it_is_typed():
    assert phrases("red bo", typing=True) == [("red", False), ("bo", True)]
    assert phrases("red bo ", typing=True) == [("red", False), ("bo", False)]
    assert phrases('"blue bo', typing=True) == [("blue bo", True)]
    assert phrases('"blue bo"', typing=True) == [("blue bo", False)]


def test_what_looks_like_a_filter_and_is_none_is_a_word():
    query = parse_query("https://example.org foo:bar xfrom:bob main:in", now_ms=NOW_MS)
    assert query.people == query.channels == ()
    assert [phrase.words for phrase in query.phrases] == [
        ("https", "example", "org"), ("foo", "bar"), ("xfrom", "bob"), ("main", "in"),
    ]  # fmt: skip


# Filters


def test_filters_take_names_with_and_without_spaces_in_any_case():
    query = parse_query('from:bob FROM:"Ann Lee" in:#dev in:"two words" boat', now_ms=NOW_MS)
    assert query.people == ("bob", "Ann Lee")
    assert query.channels == ("#dev", "two words")
    assert [phrase.text for phrase in query.phrases] == ["boat"]
    assert quoted("Ann Lee") == '"Ann Lee"'
    assert quoted("bob") == "bob"


@pytest.mark.parametrize("text", ["from:", "boat in:", 'from:""', "before:", "after:soon", "on:2026-13-01", "before:2026-02-30"])
def test_a_filter_without_a_sense_says_what_it_needs_but_not_while_it_is_typed(text):
    with pytest.raises(UsageError, match=r"needs a|is no date"):
        parse_query(text, now_ms=NOW_MS)
    assert parse_query(text, typing=True, now_ms=NOW_MS).people == ()
    if text.startswith(("after:", "on:2026")):
        with pytest.raises(UsageError, match="is no date"):
            parse_query(text + " boat", typing=True, now_ms=NOW_MS)


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026-05-28", 1_779_919_200_000, 1_780_005_600_000),
        ("today", 1_779_919_200_000, 1_780_005_600_000),
        ("Yesterday", 1_779_919_200_000 - DAY_MS, 1_779_919_200_000),
        ("2026-05", 1_777_586_400_000, 1_780_264_800_000),
        ("2026-12", 1_796_079_600_000, 1_798_758_000_000),
        ("2026", 1_767_222_000_000, 1_798_758_000_000),
        ("2026-03-29", 1_774_738_800_000, 1_774_738_800_000 + 23 * 3_600_000),
        ("7d", NOW_MS - 7 * DAY_MS, NOW_MS - 7 * DAY_MS),
    ],
)
def test_dates_are_local_days_months_and_years_or_spans_back(text, begin, end):
    assert day_range(text, NOW_MS) == (begin, end)


@pytest.mark.parametrize("text", ["", "0000-01-01", "9999", "10000", "2026-1-1-1", "yesteryear", "٢٠٢٦", "-7d", "2026-00"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(UsageError, match="is no date"):
        day_range(text, NOW_MS)


def test_before_after_and_on_leave_out_take_in_and_meet():
    begin, end = day_range("2026-05-28", NOW_MS)
    query = parse_query("before:2026-05-28", now_ms=NOW_MS)
    assert (query.since_ms, query.until_ms) == (0, begin)
    query = parse_query("after:2026-05-28", now_ms=NOW_MS)
    assert (query.since_ms, query.until_ms) == (end, MAX_ETS)
    query = parse_query("on:2026-05-28 after:2026-05", now_ms=NOW_MS)
    assert query.since_ms == day_range("2026-06-01", NOW_MS)[0]
    assert query.until_ms == end
    assert parse_query(" ", now_ms=NOW_MS).empty
    assert not parse_query("on:today", now_ms=NOW_MS).empty


def test_a_search_has_bounds():
    with pytest.raises(UsageError, match="at most"):
        parse_query("x" * (MAX_QUERY_CHARACTERS + 1))
    with pytest.raises(UsageError, match="at most"):
        parse_query(" ".join("w" for _ in range(MAX_QUERY_PHRASES + 1)))
    with pytest.raises(UsageError, match="at most"):
        parse_query("中" * 100)
    with pytest.raises(UsageError, match="too many"):
        parse_query(" ".join(f"in:{n}" for n in range(70)))
    with pytest.raises(UsageError):
        check_search(Search(users=(user("a"),) * 65))
    with pytest.raises(UsageError):
        check_search(Search(since_ms=-1))
    with pytest.raises(UsageError):
        check_search(Search(phrases=(Phrase(text="x" * 10_000),)))


@given(st.text('abc "*:\n\x00\ud800中from:in:before:after:on:#@-0123456789', max_size=60), st.booleans())
def test_any_text_is_a_query_or_a_usage_error(text, typing):
    try:
        query = parse_query(text, typing=typing, now_ms=NOW_MS)
    except UsageError:
        return
    assert query.since_ms >= 0
    assert query.until_ms <= MAX_ETS


# Names


async def test_names_mean_channels_and_people_and_oneself(api):
    bob = api.add_contact("bob")
    dev, ops = api.add_channel("dev", "kim"), api.add_channel("ops", "zoe")
    search = await understand(api, "boat from:bob from:me in:#dev")
    assert search.users == (bob.user, api.me_row.user)
    assert search.channels == (dev.id,)
    assert (await understand(api, "from:zoe")).users == (user("zoe"),)
    assert (await understand(api, "in:here boat", channel=ops.id)).channels == (ops.id,)
    with pytest.raises(UsageError, match="No channel is open"):
        await understand(api, "in:here boat")
    with pytest.raises(NotFound, match="Did you mean 'bob'"):
        await understand(api, "from:bbo")
    with pytest.raises(NotFound, match="no channel"):
        await understand(api, "in:#devs")
    # Of the people of another channel nobody is meant.
    with pytest.raises(NotFound):
        await understand(api, "in:#dev from:zoe")


# Commands


async def test_search_shows_lines_newest_first_and_tells_programs_the_same(api):
    dev = api.add_channel("dev", "bob")
    api.arrive(dev.id, "bob", "red boat\nsecond line\x1b[2J")
    row = api.arrive(dev.id, "bob", "Boat again")
    outcome = await run_command(api, dev.id, "/search boat")
    assert len(outcome.lines) == 2
    assert outcome.lines[0].endswith("#dev  bob: Boat again")
    assert "\n" not in outcome.lines[1]
    assert "\x1b" not in outcome.lines[1]
    assert outcome.search == "boat"
    assert outcome.fields["messages"][0]["id"] == id_text(row.id)
    assert outcome.fields["more"] is False
    assert (await run_command(api, dev.id, "/find nothing")).lines == ("Nothing is found.",)
    assert (await run_command(api, None, "/search")).search == ""
    for _ in range(25):
        api.arrive(dev.id, "bob", "boat")
    api.indexed_percent = 40
    outcome = await run_command(api, dev.id, "/search boat")
    assert len(outcome.lines) == 22
    assert "There is more" in outcome.lines[20]
    assert outcome.lines[21] == "Indexing 40 %: older messages are not found yet."
    with pytest.raises(IntentRefused, match="no person"):
        await run_command(api, dev.id, "/search from:nobody x")


async def test_jump_goes_to_a_message_or_a_day(api):
    dev = api.add_channel("dev", "bob")
    rows = [api.arrive(dev.id, "bob", f"message {n}") for n in range(10)]
    outcome = await run_command(api, None, f"/jump {id_text(rows[4].id).upper()}")
    assert outcome.jump == rows[4]
    assert outcome.open_channel == dev.id
    assert [line.split()[-1] for line in outcome.lines] == ["1", "2", "3", "4", "5", "6", "7"]
    assert (await run_command(api, dev.id, "/jump 1970-01-02")).jump == rows[-1]
    assert (await run_command(api, dev.id, "/jump 2031")).jump == rows[-1]
    with pytest.raises(NotFound, match="no message"):
        await run_command(api, dev.id, f"/jump {'a' * 52}")
    with pytest.raises(UsageError, match="is no date, and no id"):
        await run_command(api, dev.id, f"/jump {'1' * 52}")
    with pytest.raises(NotFound, match="no message 'soon'") as refused:
        await run_command(api, dev.id, "/jump soon")
    assert "2026-01-31" in refused.value.advice
    with pytest.raises(UsageError, match="open channel"):
        await run_command(api, None, "/jump today")
    with pytest.raises(NotFound, match="empty"):
        await run_command(api, api.add_channel("ops").id, "/jump today")


async def test_jump_takes_the_beginning_of_an_id_the_open_channel_before_others(api):
    dev, ops = api.add_channel("dev", "bob"), api.add_channel("ops", "bob")
    here = [api.arrive(dev.id, "bob", f"message {n}") for n in range(3)]
    there = api.arrive(ops.id, "bob", "elsewhere")
    assert (await run_command(api, dev.id, f"/jump {id_text(here[1].id)[:6]}")).jump == here[1]
    assert (await run_command(api, dev.id, f"/jump {fingerprint(here[1].id)}")).jump == here[1]
    found = await run_command(api, dev.id, f"/jump {id_text(there.id)[:6]}")
    assert (found.jump, found.open_channel) == (there, ops.id)
    assert (await run_command(api, None, f"/jump {id_text(there.id)[:6]}")).jump == there
    with pytest.raises(UsageError, match="is no date, and no id"):
        await run_command(api, dev.id, f"/jump {id_text(there.id)[:3]}")


# Excerpts


@given(st.text(max_size=600), st.integers(0, 600), st.integers(1, 40))
def test_an_excerpt_is_bounded_and_holds_the_beginning_of_what_was_found(text, begin, length):
    places = ((begin, begin + length),) if begin + length <= len(text) else ()
    first, end = excerpt(text, places)
    assert 0 <= first <= end <= len(text)
    assert end - first <= EXCERPT_CHARACTERS
    if places:
        assert first <= begin < end
    if len(text) <= EXCERPT_CHARACTERS:
        assert (first, end) == (0, len(text))
