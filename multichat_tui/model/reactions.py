"""Reactions: what counts as one emoji, whatever table of Unicode a node has, and short names for those that are used most.

The rule is about ranges of code points, not about assigned characters: nodes with older tables must come to the same.
"""

from multichat_tui.model.limits import MAX_EMOJI_BYTES

NAMED: tuple[tuple[str, str], ...] = (
    ("👍", "+1"),
    ("❤️", "heart"),
    ("😂", "joy"),
    ("🎉", "tada"),
    ("👀", "eyes"),
    ("🙏", "pray"),
    ("✅", "check"),
    ("👎", "-1"),
    ("😮", "wow"),
    ("😢", "sad"),
    ("🔥", "fire"),
    ("🚀", "rocket"),
    ("🤔", "thinking"),
    ("👏", "clap"),
    ("💯", "100"),
    ("❌", "no"),
    ("❓", "question"),
    ("⭐", "star"),
    ("👋", "wave"),
    ("😄", "smile"),
)
"""The first ones are offered first."""
_BY_NAME = {name: emoji for emoji, name in NAMED}
_COLOURED, _JOINER, _KEYCAP = "\ufe0f", "\u200d", "\u20e3"


def is_reaction(text: str) -> bool:
    """Whether a text is one emoji: a picture (with a colour of skin, or tags), several joined to one, a flag, or a keycap."""
    if not text or len(text.encode("utf-8", "surrogatepass")) > MAX_EMOJI_BYTES:
        return False
    if len(text) in (2, 3) and text[0] in "0123456789#*":
        return text[1:] in (_KEYCAP, _COLOURED + _KEYCAP)
    if len(text) == 2 and all(_is_flag_letter(char) for char in text):
        return True
    return all(_is_picture(part) for part in text.split(_JOINER))


def _is_picture(part: str) -> bool:
    if not part or not _is_symbol(part[0]):
        return False
    rest = part[1:].removeprefix(_COLOURED)
    if rest and 0x1F3FB <= ord(rest[0]) <= 0x1F3FF:
        rest = rest[1:]
    return all(0xE0020 <= ord(char) <= 0xE007F for char in rest)


def _is_symbol(char: str) -> bool:
    code = ord(char)
    ranges = 0x2190 <= code <= 0x2BFF or 0x1F000 <= code <= 0x1FAFF
    others = code in (0xA9, 0xAE, 0x203C, 0x2049, 0x2122, 0x2139, 0x3030, 0x303D, 0x3297, 0x3299)
    return (ranges or others) and not _is_flag_letter(char)


def _is_flag_letter(char: str) -> bool:
    return 0x1F1E6 <= ord(char) <= 0x1F1FF


def reaction_of(words: str) -> str | None:
    """The emoji that somebody means by itself or by its name, as `+1` or `:tada:`."""
    word = words.strip()
    if is_reaction(word):
        return word
    return _BY_NAME.get(word.strip(":").lower())
