"""Which texts look alike: the skeleton of a name, after the idea of Unicode Technical Standard 39, section 4.

The table covers what is near Latin letters and digits in fonts of fixed width. It is a help for the eye, no proof: people are
told apart by keys.
"""

import re
import unicodedata
from functools import lru_cache

IGNORED = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks by their category that draw nothing (Default_Ignorable_Code_Point)."""

_CAPITALS = str.maketrans(
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϺϲϳАВЕЅІЈКМНОРСТУХԌԐԚԜҺҮӀѴᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᎩᏃꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜԱՕՍ",
    "ABEZHIKMNOPTYXCMcjABESIJKMHOPCTYXGEQWHYIVABCDEGHIJKLMPRSTVWYZABCDEFGHIJKLMNOPRSTUVWXYZUOU",
)
_SMALL = str.maketrans(
    "αβγεηικνορστυχωавеѕіјкмнорстухһԁԛԝѵүӏгпꙇօոսհցզյᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡʋıøđłħŧƅɩ01i|əǝ",
    "abyenlkvopotuxwabesljkmhopctyxhdqwvylrnlonuhgqjabcdefghljklmnoprstuvwyzagvlodlhtblolllee",
)
_SIGNS = str.maketrans("‘’ʼ‛′`´“”″‐‑‒–—−―⁃∼〜⁓∽·•∙․⠀", "'''''''\"\"\"--------~~~~.... ")
_RUNS = (("rn", "m"), ("vv", "w"))
_CACHED = 4096
"""Names are compared again and again, whenever one of many changes."""


@lru_cache(_CACHED)
def skeleton(text: str) -> str:
    """A form that look-alikes share, to compare and never to show. Empty if `text` has nothing that can be seen."""
    letters = (text.casefold() if text.isascii() and text.isprintable() else _bare(text)).translate(_SIGNS).translate(_SMALL)
    for run, looks_like in _RUNS:
        letters = letters.replace(run, looks_like)
    return re.sub(r"\s+", " ", letters).strip()


def _bare(text: str) -> str:
    """Compatible letters made one, case folded, marks and all that is invisible left out."""
    plain = unicodedata.normalize("NFKC", text.translate(_SIGNS).translate(_CAPITALS))
    folded = unicodedata.normalize("NFKD", plain.translate(_CAPITALS).casefold())
    seen = (char for char in folded if char not in IGNORED and unicodedata.category(char) not in ("Mn", "Me", "Cf", "Cc"))
    return "".join(seen)
