"""Find the encoding of a text file from its bytes."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable

from gossan.catalogue.elements import species_of_word, unit_of_word
from gossan.catalogue.words import words as words_of

_CYRILLIC_COMMON = frozenset("оеаинтсрвлкмдпуя")


def find_encoding(data: bytes) -> str:
    """Detect the encoding of a file from its bytes.

    A byte order mark decides; else UTF-8 if all of it decodes. Of the other encodings that decode
    the file, the one whose text looks most like words wins: known words of headers first, then
    letters of one script that stand together.

    >>> find_encoding("Cu (µg/g)".encode("cp1252")), find_encoding("样品铜".encode("gb18030"))
    ('cp1252', 'gb18030')
    >>> find_encoding("Медь (г/т)".encode("cp1251")), find_encoding("Проба; медь".encode("cp866"))
    ('cp1251', 'cp866')
    >>> find_encoding("試料番号,経度".encode("cp932"))
    'cp932'
    """
    marked = _marked(data)
    if marked is not None:
        return marked
    if _is_utf8(data):
        return "utf-8"
    sample = _sample(data)
    scores = {name: score(sample, name) for name in _CANDIDATES}
    return max(scores, key=lambda name: scores[name])


def _marked(data: bytes) -> str | None:
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if data[:2000].count(0) > len(data[:2000]) // 4:
        return "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    return None


def _is_utf8(data: bytes) -> bool:
    """Detect UTF-8; short Chinese text may decode as such, to letters that no survey holds."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any("\u0180" <= letter <= "\u036f" for letter in text[:200_000])


def _sample(data: bytes, most: int = 2000) -> bytes:
    """Keep each cell with bytes above 127 once: a repeated remark must not outvote the header.

    The signs that part cells are no second byte of any encoding.
    """
    cells = dict.fromkeys(re.split(rb'[\r\n\t,;"]+', data))
    return b"\n".join([cell for cell in cells if re.search(rb"[\x80-\xff]", cell)][:most])


def score(data: bytes, encoding: str) -> float:
    """Say how much the text looks like words: at most 1 a letter, more for known words."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return float("-inf")
    foreign = [letter for letter in text if ord(letter) > 127]
    if not foreign:
        return float("-inf")
    good = _CANDIDATES[encoding]
    words = re.findall(r"[^\W\d_]+", text)
    units = re.findall(r"[^\s;,()\[\]]+", text)
    known = sum(2 * len(word) for word in {*words, *units} if _is_known(word))
    return (sum(map(good, foreign)) + _joined(words) + known) / len(data)


def _is_known(word: str) -> bool:
    if word.isascii() or (len(word) == 1 and ord(word) < 0x2E80):
        return False
    plain = word.lower()
    return plain in words_of("foreign") or bool(species_of_word(plain)) or bool(unit_of_word(plain))


def _joined(words: list[str]) -> float:
    """Reward letters that stand with their kind, punish those that do not."""
    total = 0.0
    for word in words:
        scripts = ["LATIN" if letter in "ªºµ" else _script(letter) for letter in word]
        foreign = [s for s, letter in zip(scripts, word) if ord(letter) > 127]
        if not foreign:
            continue
        if len(set(scripts)) > 1:
            total -= 1.5 * len(foreign)
        if len(word) == 1:
            total -= 0.5
        if not word.islower() and not word.isupper() and not word.istitle():
            total -= 0.5 * len(foreign)
        if set(scripts) == {"LATIN"} and len(foreign) > 0.5 * len(word) > 0.5:
            total -= len(foreign)
    return total


def _script(letter: str) -> str:
    return unicodedata.name(letter, "? ").split()[0]


def _western(letter: str) -> float:
    if letter in "äöüÄÖÜßéèêëàâçîïôûùñáíóúãõâÉÀÇÑÓÁÍÚåøæÅØÆ°µ²³±½×–—’‘“”ºª€§·…‰":
        return 1.0
    return -0.5 if letter.isalpha() else -1.0


def _old_western(letter: str) -> float:
    return 0.6 * _western(letter) if letter.isalpha() else -0.5


def _central(letter: str) -> float:
    if letter in "ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽőűŐŰăâîșțşţđäöüß°µ–":
        return 0.9
    return -0.5 if letter.isalpha() else -1.0


def _turkish(letter: str) -> float:
    return 0.85 if letter in "çğıöşüÇĞİÖŞÜâ°µ" else -1.0


def _cyrillic(letter: str) -> float:
    if not ("а" <= letter.lower() <= "я" or letter in "ёЁіїєґІЇЄҐ№°µ–«»—"):
        return -1.0
    return 1.0 if letter.lower() in _CYRILLIC_COMMON else 0.7


def _within(encoding: str, low: int, high: int, worth: float) -> Callable[[str], float]:
    """Reward the common signs of an East Asian set: those with a first byte between two bounds.

    ``worth`` is for two bytes.
    """

    def judge(letter: str) -> float:
        if letter in "，、。（）：；％℃°′″～－＜＞＝＋０１２３４５６７８９×μ・ー":
            return 0.5
        try:
            code = letter.encode(encoding)
        except UnicodeEncodeError:
            return -2.0
        if len(code) != 2:
            return -1.0
        return worth if low <= code[0] <= high else -1.4

    return judge


def _japanese(letter: str) -> float:
    if "ぁ" <= letter <= "ヿ":
        return 2.6
    if "ｦ" <= letter <= "ﾟ":
        return 0.6  # one byte
    return _within("cp932", 0x88, 0x97, 2.1)(letter)


_CANDIDATES: dict[str, Callable[[str], float]] = {
    "cp1252": _western,
    "gb18030": _within("gb2312", 0xB0, 0xD7, 2.2),
    "cp932": _japanese,
    "cp1251": _cyrillic,
    "cp866": _cyrillic,
    "koi8-r": _cyrillic,
    "big5": _within("big5", 0xA4, 0xC6, 2.0),
    "cp949": _within("cp949", 0xB0, 0xC8, 2.1),
    "euc_jp": _within("euc_jp", 0xA4, 0xCF, 2.0),
    "cp1250": _central,
    "cp1254": _turkish,
    "mac_roman": _old_western,
    "cp850": _old_western,
    "latin-1": lambda letter: 0.1,
}
"""What a letter is worth where a file is read in this encoding; the first wins a tie."""
