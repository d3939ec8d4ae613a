"""Return whether the commodities of a mineral occurrence name an element."""

from __future__ import annotations

import re

from gossan.catalogue.elements import element_of, elements, species_of_word


def names_commodity(text: str, element: str) -> bool:
    """Return whether a text on commodities names an element.

    Its symbol counts in its own spelling or in capitals, its English and other names in any.
    Where the element is none (a column of another kind), every text counts.

    Parameters
    ----------
    text
        Commodities as a data base words them, such as "Cu-Au" or "Gold; Silver".
    element
        Symbol or oxide.

    Examples
    --------
    >>> [names_commodity(text, "Cu") for text in ("Cu-Au", "Copper; Gold", "GOLD", "CU", "")]
    [True, True, False, True, False]
    >>> names_commodity("As yet unknown", "As"), names_commodity("Tin; Lead", "Pb")
    (False, True)
    """
    known = species_of_word(element)
    if known is None:
        return True
    found = elements()[element_of(known)]
    names = {found.name.lower(), *(word.lower() for word in found.also)}
    words = re.findall(r"[^\W\d_]+", text)
    symbols = {found.symbol, found.symbol.upper()}
    spelled = any(word.lower() in names for word in words)
    # Symbols are words of English too (As, In, I, No): only a text of symbols alone is read so.
    listed = all(len(word) <= 2 for word in words)
    return spelled or (listed and any(word in symbols for word in words))
