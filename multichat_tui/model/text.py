"""Text from people, made safe: what a terminal may draw, what a name may be, which names look alike, and times in words.

Rule: whatever `visible` returns can be drawn anywhere. It moves no cursor, reverses no line, hides nothing, and spills over no
neighbouring row. Text is stored and sent as it was typed; it is made visible where it is shown.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from multichat_tui.model.ids import UserId, fingerprint, short
from multichat_tui.model.limits import MAX_NAME_CHARACTERS, MAX_TIMESTAMP_MS
from multichat_tui.model.lookalikes import IGNORED, skeleton

MAX_MARKS = 4
"""Combining marks on one letter. Living languages need at most three; more of them paint over the rows above and below."""
MAX_JOINERS = 5
"""Joiners in one emoji sequence. The longest in use has four."""
TAB = "    "
DOTTED_CIRCLE = "◌"
"""Carries a mark that has no letter of its own, as is the custom in print."""

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_PLAIN = re.compile("[\n -~]*")
_PLAIN_RUN = re.compile("[\n -~]{2,}")
_COMMON = re.compile(
    "[\n -~\xa1-\u02ff\u0370-\u0482\u048a-\u0590\u1e00-\u1fff\u20a0-\u20cf\u2190-\u22ff\u2460-\u27ff\u3001-\u3029\u3041-\u3096"
    "\u30a1-\u30ff\u3400-\u9fff\uac00-\ud7a3]*"
)
"""Blocks without marks, fillers and invisible characters, as far as they are assigned and printable."""
_TAGS = {ord(letter): 0xE0000 + ord(letter) for letter in "abcdefghijklmnopqrstuvwxyz"}
_FLAG = re.compile("\U0001f3f4(?:gbeng|gbsct|gbwls)\U000e007f".translate(_TAGS))
"""The three flags in use that are written with tag characters."""
_EMOJI_BASE = re.compile(
    "[#*0-9\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe"
    "\u2600-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ARABIC = re.compile("[\u0620-\u08ff]")
_PICTOGRAPHS_FROM = "\u2190"
"""Emoji that others may be joined to are all beyond this; the digits and signs before it are not."""


def visible(text: str) -> str:
    """`text` as it may be drawn in a terminal, with newlines as the only control characters.

    Tabs become spaces. Controls become their pictures (U+2400 block), other characters that cannot be seen `\\u{...}`: format and
    bidirectional controls, line separators, fillers, unassigned, private and lone surrogate code points. Kept are the invisible
    characters without which a script or an emoji falls apart, where they have that meaning (for joiners RFC 5892, A.1 and A.2).
    Marks beyond MAX_MARKS are cut. Idempotent.
    """
    if _PLAIN.fullmatch(text) or (_COMMON.fullmatch(text) and text.replace("\n", "").isprintable()):
        return text
    return _visible(text.replace("\r\n", "\n"))


def _visible(text: str) -> str:
    drawn: list[str] = []
    marks = joiners = position = 0
    while position < len(text):
        flag = _FLAG.match(text, position)
        if flag:
            drawn.append(flag.group())
            marks = joiners = 0
            position = flag.end()
            continue
        run = _PLAIN_RUN.match(text, position)
        if run:
            # Two or more of these end whatever stood before them: the same as one by one.
            drawn.extend(run.group())
            marks = joiners = 0
            position = run.end()
            continue
        char = text[position]
        following = text[position + 1 : position + 2]
        position += 1
        before = drawn[-1] if drawn else "\n"
        if char in (_ZWJ, _ZWNJ):
            emoji = char == _ZWJ and joiners < MAX_JOINERS and _joins_emoji(drawn, following)
            joiners += emoji
            if emoji or _joins_letters(char, before, following):
                drawn.append(char)
                continue
        elif _is_selector(char):
            if _selects(char, before):
                drawn.append(char)
                continue
        elif char not in IGNORED and unicodedata.category(char) in ("Mn", "Me"):
            marks += 1
            if marks <= MAX_MARKS:
                drawn.append(DOTTED_CIRCLE + char if before == "\n" else char)
            continue
        elif char == "\n" or (char.isprintable() and char not in IGNORED) or unicodedata.category(char) == "Zs":
            drawn.append(char)
            marks = 0
            if before != _ZWJ and not "\U0001f3fb" <= char <= "\U0001f3ff":
                joiners = 0
            continue
        drawn.append(_picture(char))
        marks = joiners = 0
    return "".join(drawn)


def _picture(char: str) -> str:
    if char == "\t":
        return TAB
    if char < " ":
        return chr(0x2400 + ord(char))
    return "\u2421" if char == "\x7f" else f"\\u{{{ord(char):x}}}"


def _joins_emoji(drawn: list[str], following: str) -> bool:
    """Whether a joiner here stands between two pictographs."""
    before = drawn[-2:-1] if drawn[-1:] == ["\ufe0f"] else drawn[-1:]
    return bool(before) and all(
        char >= _PICTOGRAPHS_FROM and char.isprintable() and _EMOJI_BASE.fullmatch(char) for char in (before[0], following or " ")
    )


def _joins_letters(char: str, before: str, following: str) -> bool:
    """Whether a joiner here shapes letters: after a virama (Indic scripts), or a non-joiner between Arabic letters."""
    if unicodedata.combining(before[-1]) == 9:
        return True
    return (
        char == _ZWNJ
        and _ARABIC.fullmatch(before) is not None
        and unicodedata.category(before)[0] in "LM"
        and _ARABIC.fullmatch(following) is not None
        and unicodedata.category(following)[0] == "L"
    )


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _selects(char: str, before: str) -> bool:
    """Whether a variation selector here chooses the form of an emoji (U+FE0E, U+FE0F) or of an ideograph (from U+E0100)."""
    if char >= "\U000e0100":
        return _IDEOGRAPH.fullmatch(before) is not None
    return char >= "\ufe0e" and _EMOJI_BASE.fullmatch(before) is not None


_SUFFIXED = re.compile(r".~\S+$", re.DOTALL)


def encodable(text: str) -> bool:
    """Whether it is UTF-8 text: no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def clean_name(text: str) -> str | None:
    """A user's or channel's name as it may be chosen, in NFC, trimmed, runs of spaces made one; None if it cannot be a name.

    1 to 48 characters, all of them visible and on one line; no `#`, `@`, `/` or `+` in front, which begin other things; nothing
    that looks like the key suffix of `display_names`.
    """
    if len(text) > MAX_NAME_CHARACTERS * 4:
        return None
    name = re.sub(" +", " ", unicodedata.normalize("NFC", text).strip())
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or "\n" in name or visible(name) != name:
        return None
    if any(char != " " and unicodedata.category(char) == "Zs" for char in name):
        return None
    bare = skeleton(name)
    if not bare or _SUFFIXED.search(bare) or unicodedata.normalize("NFKC", name)[0] in "#@/+":
        return None
    return name


def display_names(people: Mapping[UserId, str]) -> dict[UserId, str]:
    """The names to show for people as they call themselves, in the order given: safe to draw, no two the same or look-alikes.

    Whoever has a look-alike gets a key suffix, `name~abcd`, and so has the other: nobody is the true one. Suffixes grow from four
    base32 characters for as long as two of them look alike, as keys with the same few characters can be made at will. What is
    not a name (see `clean_name`) is shown as the short form of the user id.
    """
    plain = {user: clean_name(name) or short(user) for user, name in people.items()}
    names = dict(plain)
    skeletons = {name: skeleton(name) for name in set(names.values())}
    for digits in (4, 8, 16, 52):
        counts = Counter(skeletons[name] for name in names.values())
        alike = [user for user, name in names.items() if counts[skeletons[name]] > 1]
        for user in alike:
            suffix = fingerprint(user).replace(" ", "")[:digits]
            names[user] = f"{plain[user]}~{suffix}"
            skeletons[names[user]] = skeleton(names[user])
    return names


def mentions(text: str, name: str) -> bool:
    """Whether `@name`, or the bare name as a word of its own, stands in the text; the case of letters does not matter."""
    wanted, said = _uncased(name), _uncased(text)
    if not wanted or wanted not in said:
        return False
    return re.search(rf"(?<![\w@])@?{re.escape(wanted)}(?!\w)", said) is not None


def _uncased(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


_UNITS_MS = {"w": 7 * 24 * 3_600_000, "d": 24 * 3_600_000, "h": 3_600_000, "m": 60_000, "s": 1000}
_DURATION = re.compile(r"([0-9]{1,15}) ?([wdhms])", re.ASCII)


def duration(text: str) -> int | None:
    """Milliseconds of a time such as `90s`, `15m`, `1h`, `7d` or `2w`; None if it is none, is nought, or is beyond all dates."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        return None
    length_ms = int(match[1]) * _UNITS_MS[match[2]]
    return length_ms if 0 < length_ms < MAX_TIMESTAMP_MS else None


def describe_ms(ms: int) -> str:
    """A length of time by its two greatest units, the rest cut: `350ms`, `90s` as `1m 30s`, `2w`."""
    if ms < 0:
        return "-" + describe_ms(-ms)
    if 0 < ms < 1000:
        return f"{ms}ms"
    parts = []
    for unit, length_ms in _UNITS_MS.items():
        count, ms = divmod(ms, length_ms)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0s"


def size_words(size_bytes: int) -> str:
    """Bytes by their greatest unit, with two digits that say something: `312 B`, `4.1 KiB`, `16 MiB`."""
    amount, unit = float(size_bytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    shown = f"{amount:.1f}" if amount < 10 and amount != int(amount) else f"{amount:.0f}"
    return f"{shown} {unit}"
