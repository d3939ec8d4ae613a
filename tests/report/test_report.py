from __future__ import annotations

import base64
import os
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.errors import InputError
from gossan.geo.raster import open_raster, write_array
from gossan.io.finished_run import open_run
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.report.build import build_report

from .browser import Browser, chromium


class Words(HTMLParser):
    """Collects the readable text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)


UNSTRETCHED = (
    "[...document.querySelectorAll('figure img')].every(i => i.clientWidth == 0 || Math.abs("
    "(i.clientWidth / i.clientHeight) / (i.naturalWidth / i.naturalHeight) - 1) < 0.03)"
)


def words(path: Path) -> str:
    reader = Words()
    reader.feed(path.read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", " ".join(reader.text))


def change(run: Path, **update: object) -> None:
    """Change what a copy of a run says of itself."""
    opened = open_run(run)
    opened.folder.write_manifest(opened.manifest.model_copy(update=update))


def test_the_report_is_one_file_that_asks_for_nothing_else(run_copy: Path) -> None:
    text = build_report(run_copy).read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", text)
    assert "http://" not in re.sub(r"Content-Security-Policy", "", text)
    assert "https://" not in text
    for name in ("answer_Cu", "trusted_Cu", "products_Cu", "magnified_Cu", "error_Cu", "skill_Cu"):
        assert (run_copy / "figures" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert (run_copy / "figures" / f"{name}.pdf").read_bytes()[:4] == b"%PDF"


def test_the_verdict_names_the_best_proved_map_with_its_skill_in_spatial_folds(
    run_copy: Path,
) -> None:
    scores = pd.read_csv(run_copy / "tables" / "scores.csv")
    own = scores[(scores["element"] == "Cu") & (scores["comparison"] == "check: detailed")]
    best = own.sort_values("skill").iloc[-1]["product"]
    folds = scores[(scores["element"] == "Cu") & (scores["comparison"] == "blocks")]
    row = folds.set_index("product").loc[best]
    page = words(build_report(run_copy))
    title = next(p.title for p in open_run(run_copy).products if p.product == best)
    assert f"Trust {title}: on {row['n']:.0f} samples held out in spatial blocks" in page
    interval = f"95 % interval {row['skill_low']:.2f} to {row['skill_high']:.2f}"
    assert f"{row['skill']:.2f} ({interval})".replace("-", "−") in page


def test_an_element_that_imagery_does_not_help_is_kriged(run_copy: Path) -> None:
    assert "Trust kriging: no other map is proved better" in words(build_report(run_copy))


def test_text_of_the_user_cannot_become_markup(run_copy: Path) -> None:
    change(run_copy, notes=("<b>a note</b> & more",))
    text = build_report(run_copy).read_text(encoding="utf-8")
    assert "<b>a note" not in text
    assert "&lt;district&gt;" in text


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("bare", "Only one map of Cu was made"),
        ("bare", "Only kriging was made"),
        ("bare", "There is no check survey"),
        ("bare", "No known occurrences were given"),
        ("bare", "Anomalies were not looked for"),
        ("few", "nothing is known of how far to trust"),
        ("validated", "No map of Cu was made"),
    ],
)
def test_what_a_run_lacks_is_said_in_words(
    request: pytest.FixtureRequest, lacking: str, said: str
) -> None:
    assert said in words(build_report(request.getfixturevalue(lacking)))


def test_maps_without_a_value_are_said_in_words(run_copy: Path) -> None:
    for product in open_run(run_copy).mapped("Cu"):
        layer = open_raster(run_copy / str(product.layer))
        empty = np.full((1, *layer.grid.shape), np.nan, np.float32)
        write_array(run_copy / str(product.layer), layer.grid, layer.bands, empty)
    assert "The maps of Cu hold no value" in words(build_report(run_copy))


@pytest.mark.parametrize(
    ("threshold", "said"), [(1e6, "there is no anomaly"), (1.0, "Anomalies, ranked")]
)
def test_no_anomaly_and_nothing_but_anomaly_are_reported(
    run_copy: Path, threshold: float, said: str
) -> None:
    settings = open_run(run_copy).manifest.settings
    rule = {**settings["anomalies"], "threshold": {"Cu": threshold, "Zn": threshold}}
    change(run_copy, settings={**settings, "anomalies": rule})
    (run_copy / "tables" / "anomalies.csv").unlink()
    anomalies_of_run(run_copy)
    assert said in words(build_report(run_copy))


def test_a_folder_without_a_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Run the project first"):
        build_report(tmp_path)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        message = "Chromium is not installed (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    one = Browser(program, tmp_path / "profile")
    yield one
    one.close()


def test_in_a_browser_the_report_swipes_sorts_prints_and_asks_for_nothing(
    run_copy: Path, browser: Browser
) -> None:
    browser.open(build_report(run_copy).as_uri())
    assert browser.run("[...document.images].every(i => i.complete && i.naturalWidth > 50)")
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert swiped(browser, 20) == "inset(0px 80% 0px 0px)"
    assert swiped(browser, 75) == "inset(0px 25% 0px 0px)"
    assert browser.run(
        "(() => { const s = document.querySelector('.swipe .right'); s.value = 'literal';"
        "s.dispatchEvent(new Event('input', {bubbles: true}));"
        "return document.querySelector('.stage img.under').dataset.map })()"
    ) == "literal"  # fmt: skip
    browser.run("document.querySelector('.slide').focus()")
    before = browser.run("document.querySelector('.slide').value")
    for kind in ("keyDown", "keyUp"):
        key = {"key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39}
        browser.ask("Input.dispatchKeyEvent", type=kind, **key)
    assert float(browser.run("document.querySelector('.slide').value")) == float(before) + 1
    for rising in (True, False):
        keys = np.array(sorted_column(browser))
        assert (np.diff(keys) * (1 if rising else -1) >= 0).all()
        assert len(set(keys)) > 1
    pdf = base64.b64decode(browser.ask("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert pdf[:4] == b"%PDF"
    assert len(pdf) > 20_000
    asked = [event["request"]["url"] for event in browser.named("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == []
    assert sum(url.startswith("file:") for url in asked) == 1
    assert browser.named("Runtime.exceptionThrown") == []
    assert browser.named("Runtime.consoleAPICalled") == []
    assert browser.named("Log.entryAdded") == []


@pytest.mark.parametrize("width", [360, 1200])
def test_the_report_fits_a_phone_and_a_desk(bare: Path, browser: Browser, width: int) -> None:
    browser.open(build_report(bare).as_uri())
    browser.ask(
        "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1,
        mobile=width < 500,
    )  # fmt: skip
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(UNSTRETCHED)


def test_a_tall_figure_of_many_maps_is_not_squeezed(run_copy: Path, browser: Browser) -> None:
    opened = open_run(run_copy)
    first = opened.find("sound", "Cu")
    more = []
    for number in range(7):
        layer = f"layers/sound{number}_Cu.tif"
        shutil.copy(run_copy / str(first.layer), run_copy / layer)
        more.append(first.model_copy(update={"product": f"sound{number}", "layer": layer}))
    change(run_copy, products=(*opened.manifest.products, *more))
    browser.open(build_report(run_copy).as_uri())
    assert browser.run(UNSTRETCHED)


def swiped(browser: Browser, place: int) -> str:
    return str(browser.run(
        f"(() => {{ const s = document.querySelector('.slide'); s.value = {place};"
        "s.dispatchEvent(new Event('input', {bubbles: true}));"
        "return getComputedStyle(document.querySelector('.stage img.over')).clipPath })()"
    ))  # fmt: skip


def sorted_column(browser: Browser) -> list[float]:
    """Click the heading r of the validation table and read the column of n or skill below it."""
    return list(browser.run(
        "(() => { const t = [...document.querySelectorAll('table.sortable')].find(t =>"
        "[...t.tHead.rows[0].cells].some(c => c.textContent === 'skill'));"
        "const c = [...t.tHead.rows[0].cells].findIndex(c => c.textContent === 'skill');"
        "t.tHead.rows[0].cells[c].querySelector('button').click();"
        "return [...t.tBodies[0].rows].map(r => +r.cells[c].dataset.key) })()"
    ))  # fmt: skip


def test_the_first_screen_holds_map_targets_coordinates_and_verdict(
    run_copy: Path, browser: Browser
) -> None:
    browser.open(build_report(run_copy).as_uri())
    browser.ask(
        "Emulation.setDeviceMetricsOverride", width=1400, height=1300, deviceScaleFactor=1,
        mobile=False,
    )  # fmt: skip
    seen = str(browser.run(
        "[...document.querySelectorAll('#Cu p, #Cu td, #Cu img')].filter(e =>"
        "e.getBoundingClientRect().top < innerHeight).map(e => e.alt || e.innerText).join('|')"
    ))  # fmt: skip
    table = pd.read_csv(run_copy / "tables" / "anomalies.csv")
    opened = open_run(run_copy)
    first = table[(table["product"] == opened.best("Cu")) & (table["rank"] == 1)].iloc[0]
    assert "numbers are targets" in seen
    assert f"{first['peak_easting']:.0f} E, {first['peak_northing']:.0f} N (EPSG:32638)" in seen
    assert f"{first['peak_latitude']:.5f}° N" in seen
    assert opened.manifest.verdicts["Cu"].sentence in seen


def test_the_unfolded_report_is_at_most_twelve_screens(run_copy: Path, browser: Browser) -> None:
    browser.open(build_report(run_copy).as_uri())
    browser.ask(
        "Emulation.setDeviceMetricsOverride", width=1400, height=900, deviceScaleFactor=1,
        mobile=False,
    )  # fmt: skip
    assert browser.run("document.documentElement.scrollHeight") <= 12 * 900
