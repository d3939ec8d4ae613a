"""Style anomalies, zones and points for QGIS (QML) and for the field (KML colours)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

# Orange to dark red: ordered in lightness, so also readable without colour (ColorBrewer OrRd).
ZONE_COLOURS = ("#fdcc8a", "#fc8d59", "#d7301f", "#7f0000")
STATUS_COLOURS: Mapping[str, str] = {
    "known": "#4d4d4d",
    "extended": "#2166ac",
    "new": "#b2182b",
    "": "#b2182b",
}


def zone_colour(zone: float, zones: Sequence[float]) -> str:
    """Return the colour of a zone, lightest for the first.

    >>> zone_colour(4.0, (1.0, 2.0, 4.0))
    '#d7301f'
    """
    place = list(zones).index(zone)
    return ZONE_COLOURS[min(place, len(ZONE_COLOURS) - 1)]


def zone_style(zones: Sequence[float]) -> str:
    """Return the QGIS style of the zones: filled by multiple of the threshold."""
    labels = [(f"{z:g}", f"{z:g} x threshold", _fill(zone_colour(z, zones))) for z in zones]
    return _categories("zone", labels, "fill")


def anomaly_style() -> str:
    """Return the QGIS style of the anomalies: outlined by known, extended and new."""
    labels = [(k, k or "no coarse layer", _outline(c)) for k, c in STATUS_COLOURS.items()]
    return _categories("status", labels, "fill")


def catchment_style() -> str:
    """Return the QGIS style of catchments: dark outlines over the maps below."""
    symbol = _symbol("0", "fill", "SimpleFill", _outline("#1d2b2f"))
    return _document(
        f'<renderer-v2 type="singleSymbol"><symbols>{symbol}</symbols></renderer-v2>', 2
    )


def point_style(colour: str = "#1b7837", name: str = "circle") -> str:
    """Return the QGIS style of points of one kind."""
    symbol = _symbol("0", "marker", "SimpleMarker", _marker(colour, name, 2.6))
    return _document(
        f'<renderer-v2 type="singleSymbol"><symbols>{symbol}</symbols></renderer-v2>', 0
    )


def target_style() -> str:
    """Return the QGIS style of the peaks of targets: white circles with a red rim."""
    symbol = _symbol("0", "marker", "SimpleMarker", _marker("#ffffff", "circle", 3.4, "#e8332a"))
    return _document(
        f'<renderer-v2 type="singleSymbol"><symbols>{symbol}</symbols></renderer-v2>', 0
    )


def sample_style(column: str, censored: str, unit: str, classes: Sequence[SampleClass]) -> str:
    """Return the QGIS style of samples: coloured by content, hollow beyond a laboratory's limit.

    Parameters
    ----------
    column
        Column of the contents.
    censored
        Column that is true where the content lies beyond a limit.
    unit
        Unit of the contents, for the legend.
    classes
        Lower limit, upper limit and colour of each class, lowest first; NaN for an open end.
    """
    name, beyond = _quoted(column), f"coalesce({_quoted(censored)}, false)"
    rules = [(f"{beyond}", "beyond a limit of the laboratory", _marker("#ffffff", "circle", 2.0))]
    for low, high, colour in classes:
        parts = [f"{name} >= {low:.9g}"] * (low == low) + [f"{name} < {high:.9g}"] * (high == high)
        text = f"{_between(low, high)} {unit}".strip()
        rules.append(
            (" AND ".join([f"NOT {beyond}", *parts]), text, _marker(colour, "circle", 2.2))
        )
    listed = "".join(
        f'<rule filter={quoteattr(test)} label={quoteattr(text)} symbol="{i}" key="rule{i}"/>'
        for i, (test, text, _) in enumerate(rules)
    )
    symbols = "".join(
        _symbol(str(i), "marker", "SimpleMarker", options)
        for i, (_, _, options) in enumerate(rules)
    )
    return _document(
        f'<renderer-v2 type="RuleRenderer"><rules key="root">{listed}</rules>'
        f"<symbols>{symbols}</symbols></renderer-v2>",
        0,
    )


SampleClass = tuple[float, float, str]
"""Lower limit, upper limit and colour; NaN for an open end."""


def _between(low: float, high: float) -> str:
    if low != low:
        return f"below {high:g}"
    return f"{low:g} and more" if high != high else f"{low:g} to {high:g}"


def _quoted(column: str) -> str:
    """Quote the name of a column for an expression of QGIS."""
    escaped = column.replace('"', '""')
    return f'"{escaped}"'


def _marker(colour: str, name: str, size: float, rim: str = "#1d2b2f") -> dict[str, str]:
    return {"color": _rgb(colour), "name": name, "size": f"{size:g}", "size_unit": "MM",
            "outline_color": _rgb(rim), "outline_width": "0.4" if rim == "#e8332a" else "0.2",
            "outline_width_unit": "MM"}  # fmt: skip


def _rgb(colour: str, alpha: int = 255) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"{red},{green},{blue},{alpha}"


def _fill(colour: str) -> dict[str, str]:
    return {"color": _rgb(colour, 190), "style": "solid", "outline_style": "no"}


def _outline(colour: str) -> dict[str, str]:
    return {
        "color": _rgb(colour, 0), "style": "no", "outline_color": _rgb(colour),
        "outline_style": "solid", "outline_width": "0.6", "outline_width_unit": "MM",
    }  # fmt: skip


def _symbol(name: str, kind: str, layer: str, options: Mapping[str, str]) -> str:
    inner = "".join(
        f'<Option name="{k}" type="QString" value={quoteattr(v)}/>' for k, v in options.items()
    )
    return (
        f'<symbol name="{name}" type="{kind}" alpha="1" clip_to_extent="1">'
        f'<layer class="{layer}" enabled="1" pass="0" locked="0">'
        f'<Option type="Map">{inner}</Option></layer></symbol>'
    )


def _categories(
    attribute: str, labels: Sequence[tuple[str, str, Mapping[str, str]]], kind: str
) -> str:
    categories = "".join(
        f'<category value={quoteattr(value)} label={quoteattr(label)} symbol="{i}" render="true"/>'
        for i, (value, label, _) in enumerate(labels)
    )
    symbols = "".join(
        _symbol(str(i), kind, "SimpleFill", options) for i, (_, _, options) in enumerate(labels)
    )
    return _document(
        f'<renderer-v2 type="categorizedSymbol" attr="{attribute}" enableorderby="0">'
        f"<categories>{categories}</categories><symbols>{symbols}</symbols></renderer-v2>",
        2,
    )


def _document(renderer: str, geometry: int) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.22" styleCategories="Symbology">{renderer}'
        f"<layerGeometryType>{geometry}</layerGeometryType></qgis>"
    )
