"""Read the Object Description Language in which EOS products keep their metadata."""

from __future__ import annotations

import re

Values = dict[str, tuple[str, ...]]


def parse_odl(text: str) -> Values:
    """Flatten ODL text to ``{NAME: values}``.

    An object's CLASS is appended to its name unless the name ends with it already (``GAIN`` of
    class "1" and ``GAIN.1`` both become ``GAIN1``) and it is kept under the bare name too; names
    are reduced to capitals and digits. The first value of a name wins. An additional attribute
    becomes a name of its own. Text that is not ODL gives nothing.

    Parameters
    ----------
    text
        One or several documents, END lines included.

    Returns
    -------
    Values as text, without quotes, in a tuple.

    Examples
    --------
    >>> parse_odl('''
    ... OBJECT = SOLARDIRECTION
    ...   NUM_VAL = 2
    ...   VALUE = (141.2,
    ...            63.5)
    ... END_OBJECT = SOLARDIRECTION
    ... OBJECT = GAIN
    ...   CLASS = "1"
    ...   VALUE = ("01", "HGH")
    ... END_OBJECT = GAIN
    ... END''')
    {'SOLARDIRECTION': ('141.2', '63.5'), 'GAIN1': ('01', 'HGH'), 'GAIN': ('01', 'HGH')}
    """
    found: Values = {}
    trail: list[dict[str, tuple[str, ...]]] = []
    attribute = ""
    for key, value in _statements(text):
        if key in ("GROUP", "OBJECT"):
            trail.append({"NAME": _values(value), key: ()})
        elif key in ("END_GROUP", "END_OBJECT"):
            if trail:
                attribute = _emit(trail.pop(), found, attribute)
        elif trail and "OBJECT" in trail[-1]:
            trail[-1][key] = _values(value)
        else:
            found.setdefault(plain_key(key), _values(value))
    return found


def plain_key(key: str) -> str:
    """Reduce a name to capitals and digits.

    >>> plain_key("SOLAR_AZIMUTH_ANGLE"), plain_key("GAIN.3N")
    ('SOLARAZIMUTHANGLE', 'GAIN3N')
    """
    return re.sub(r"[^A-Z0-9]", "", key.upper())


def _emit(record: Values, found: Values, attribute: str) -> str:
    """Store one finished object; returns the name of a pending additional attribute."""
    value = record.get("VALUE")
    if value is None:
        return attribute
    name = plain_key(record["NAME"][0])
    if name == "ADDITIONALATTRIBUTENAME":
        return value[0]
    if name == "PARAMETERVALUE" and attribute:
        found.setdefault(plain_key(attribute), value)
        return ""
    suffix = plain_key(record.get("CLASS", ("",))[0])
    found.setdefault(name if name.endswith(suffix) else name + suffix, value)
    found.setdefault(name, value)
    return attribute


def _statements(text: str) -> list[tuple[str, str]]:
    """Cut the text into (keyword, value), joining values that run over several lines."""
    result: list[tuple[str, str]] = []
    pending = ""
    for line in text.replace("\0", "").splitlines():
        pending = f"{pending} {line.strip()}".strip()
        if "=" not in pending:
            pending = ""
            continue
        if pending.count("(") > pending.count(")") or pending.count('"') % 2:
            if len(pending) < 20_000:
                continue
            pending = ""
            continue
        key, _, value = pending.partition("=")
        result.append((key.strip().upper(), value.strip()))
        pending = ""
    return result


def _values(text: str) -> tuple[str, ...]:
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    pieces = re.findall(r'"[^"]*"|[^,()]+', inner)
    return tuple(piece.strip().strip('"').strip() for piece in pieces if piece.strip()) or ("",)
