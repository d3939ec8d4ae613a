from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gossan.errors import InputError
from gossan.geo.raster import open_raster, write_array
from gossan.io.finished_run import open_run
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.sample import next_samples
from gossan.report.answer import targets_of
from gossan.report.build import build_report
from gossan.report.read import open_results

from ..presence import missing_program
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


@pytest.fixture(scope="module")
def reported(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tiny run with a sampling plan and its report, made once; do not change it."""
    run = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("reported") / "run"))
    next_samples(run, 4)
    long_name = "A_FILE_" + 4 * "WITH_A_LONG_NAME_" + ".SAFE"
    change(run, notes=("<b>a note</b> & more", f"{long_name} is read"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gossan.report.figures.DPI", 60)
        build_report(run)
    return run


def words(path: Path) -> str:
    reader = Words()
    reader.feed(path.read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", " ".join(reader.text))


def change(run: Path, **update: object) -> None:
    """Change what a copy of a run says of itself."""
    opened = open_run(run)
    opened.folder.write_manifest(opened.manifest.model_copy(update=update))


def test_the_report_is_one_file_that_asks_for_nothing_else(reported: Path) -> None:
    text = (reported / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", text)
    assert "http://" not in re.sub(r"Content-Security-Policy", "", text)
    assert "https://" not in text
    drawn = ("answer", "trusted", "products", "magnified", "error", "probability", "difference",
             "skill", "histogram", "variogram")  # fmt: skip
    for name in (f"{role}_Cu" for role in drawn):
        assert (reported / "figures" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert (reported / "figures" / f"{name}.pdf").read_bytes()[:4] == b"%PDF"


def test_a_report_drawn_by_several_processes_is_that_of_one(
    reported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(reported, tmp_path / "run"))
    monkeypatch.setattr("gossan.report.build.WORTH_A_PROCESS", 0)
    monkeypatch.setattr("gossan.report.build.processors", lambda: 2)
    assert len(open_results(run).elements) > 1
    assert words(build_report(run)) == words(reported / "report.html")


def test_the_verdict_names_the_best_proved_map_with_its_skill_in_spatial_folds(
    reported: Path,
) -> None:
    scores = pd.read_csv(reported / "tables" / "scores.csv")
    own = scores[(scores["element"] == "Cu") & (scores["comparison"] == "check: detailed")]
    best = own.sort_values("skill").iloc[-1]["product"]
    folds = scores[(scores["element"] == "Cu") & (scores["comparison"] == "blocks")]
    row = folds.set_index("product").loc[best]
    page = words(reported / "report.html")
    title = next(p.title for p in open_run(reported).products if p.product == best)
    assert f"Trust {title}: on {row['n']:.0f} samples held out in spatial blocks" in page
    interval = f"95 % interval {row['skill_low']:.2f} to {row['skill_high']:.2f}"
    assert f"{row['skill']:.2f} ({interval})".replace("-", "−") in page


def test_an_element_that_imagery_does_not_help_is_kriged(reported: Path) -> None:
    assert "Trust kriging: no other map is proved better" in words(reported / "report.html")


def test_text_of_the_user_cannot_become_markup(reported: Path) -> None:
    text = (reported / "report.html").read_text(encoding="utf-8")
    assert "<b>a note" not in text
    assert "&lt;district&gt;" in text


@pytest.mark.parametrize(
    ("lacking", "printed"),
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
def test_what_a_run_lacks_is_stated_in_words(
    request: pytest.FixtureRequest, lacking: str, printed: str
) -> None:
    assert printed in words(build_report(request.getfixturevalue(lacking)))


def test_maps_without_a_value_are_reported(run_copy: Path) -> None:
    for product in open_run(run_copy).mapped("Cu"):
        layer = open_raster(run_copy / str(product.layer))
        empty = np.full((1, *layer.grid.shape), np.nan, np.float32)
        write_array(run_copy / str(product.layer), layer.grid, layer.bands, empty)
    assert "The maps of Cu hold no value" in words(build_report(run_copy))


@pytest.mark.parametrize(
    ("threshold", "printed"), [(1e6, "The best map has no target"), (1.0, "Anomalies, ranked")]
)
def test_no_anomaly_and_nothing_but_anomaly_are_reported(
    run_copy: Path, threshold: float, printed: str
) -> None:
    settings = open_run(run_copy).manifest.settings
    rule = {**settings["anomalies"], "threshold": {"Cu": threshold, "Zn": threshold}}
    change(run_copy, settings={**settings, "anomalies": rule})
    (run_copy / "tables" / "anomalies.csv").unlink()
    anomalies_of_run(run_copy)
    assert printed in words(build_report(run_copy))


def test_a_folder_without_a_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Run the project first"):
        build_report(tmp_path)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        missing_program("Chromium is not installed: apt-get install chromium")
    one = Browser(program, tmp_path / "profile")
    yield one
    one.close()


def test_in_a_browser_the_report_swipes_sorts_prints_and_asks_for_nothing(
    reported: Path, browser: Browser
) -> None:
    browser.open((reported / "report.html").as_uri())
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
        "[...t.tHead.rows[0].cells].some(c => c.querySelector('button').textContent === 'skill'));"
        "const c = [...t.tHead.rows[0].cells].findIndex(c =>"
        "c.querySelector('button').textContent === 'skill');"
        "t.tHead.rows[0].cells[c].querySelector('button').click();"
        "return [...t.tBodies[0].rows].map(r => +r.cells[c].dataset.key) })()"
    ))  # fmt: skip


def shot(browser: Browser, path: Path, width: int, height: int) -> Image.Image:
    """Photograph what a screen of a size shows."""
    browser.ask(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
        mobile=width < 500,
    )  # fmt: skip
    found = browser.ask("Page.captureScreenshot", format="png")["data"]
    path.write_bytes(base64.b64decode(found))
    return Image.open(path).convert("RGB")


def colours(picture: Image.Image) -> int:
    return len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0))


def test_screen_phone_sheet_and_print_look_as_meant(
    reported: Path, browser: Browser, tmp_path: Path
) -> None:
    browser.open((reported / "report.html").as_uri())
    assert colours(shot(browser, tmp_path / "screen.png", 1400, 900)) > 500  # a map is seen
    assert colours(shot(browser, tmp_path / "phone.png", 390, 844)) > 500
    assert browser.run("document.documentElement.scrollWidth") <= 390
    first = targets_of(open_results(reported), "Cu", 1)[0]
    browser.run(f"location.hash = 'sheet-{first.name}'")
    browser.run("new Promise(done => setTimeout(done, 400))")
    sheet = f"document.getElementById('sheet-{first.name}')"
    assert browser.run(f"{sheet}.closest('details').open")
    assert colours(shot(browser, tmp_path / "sheet.png", 1000, 1000)) > 500
    told = str(browser.run(f"{sheet}.innerText"))
    assert first.place in told and "How to get there" in told and first.expected in told
    pages = printed_pages(browser, tmp_path)
    of_cu = [page for page in pages if "Where to go" in page and first.place in page]
    assert of_cu == pages[:1]  # under the heading of the report
    assert all(one.place in of_cu[0] for one in targets_of(open_results(reported), "Cu"))
    assert "Targets exceed" in of_cu[0]
    for target in targets_of(open_results(reported), "Cu", 10):
        own = [page for page in pages if page.startswith(f"Target {target.name} ")]
        assert len(own) == 1 and "How to get there" in own[0]


def printed_pages(browser: Browser, folder: Path) -> list[str]:
    """Print on A4 and read the text of each page."""
    data = browser.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    path = folder / "print.pdf"
    path.write_bytes(base64.b64decode(data))
    assert path.stat().st_size < 15e6
    found = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True)
    text = found.stdout.decode("utf-8", "replace")
    return [re.sub(r"\s+", " ", page).strip() for page in text.split("\f")]


def test_a_click_tells_content_interval_and_nearest_sample(
    reported: Path, browser: Browser
) -> None:
    browser.open((reported / "report.html").as_uri())
    results = open_results(reported)
    best = results.maps[str(results.best("Cu")), "Cu"]
    samples = results.samples[results.samples["Cu"].notna()]
    sample = samples.iloc[7]
    told = str(browser.run(
        "(() => { const g = document.querySelector('.ground[data-element=Cu]');"
        f"tell(g, {sample['easting']}, {sample['northing']});"
        "return g.querySelector('.read').textContent })()"
    ))  # fmt: skip
    row = int((best.grid.bounds[3] - sample["northing"]) / best.grid.pixel_height)
    column = int((sample["easting"] - best.grid.bounds[0]) / best.grid.pixel_width)
    value = float(re.search(r": ([\d.]+) ppm", told).group(1))  # type: ignore[union-attr]
    assert value == pytest.approx(float(best.values[row, column]), rel=0.006)
    low, high = map(float, re.search(r"interval ([\d.]+) to ([\d.]+)", told).groups())  # type: ignore[union-attr]
    assert low < value < high
    assert f"nearest sample {sample['Cu']:.4g} ppm, 0 m" in told


def test_a_click_on_a_figure_lands_on_its_ground(reported: Path, browser: Browser) -> None:
    browser.open((reported / "report.html").as_uri())
    left, bottom, right, top = open_results(reported).maps["kriging", "Cu"].grid.bounds
    told = str(browser.run(
        "(() => { const i = document.querySelector('#answer_Cu img');"
        "const b = i.getBoundingClientRect();"
        "const p = JSON.parse(i.dataset.panels)[1];"
        "i.dispatchEvent(new MouseEvent('click', {clientX: b.left + b.width * (p[0] + p[2]) / 2,"
        "clientY: b.top + b.height * (p[1] + p[3]) / 2}));"
        "return i.closest('.ground').querySelector('.read').textContent })()"
    ))  # fmt: skip
    easting, northing = map(int, re.match(r"(\d+) E, (\d+) N", told).groups())  # type: ignore[union-attr]
    assert easting == pytest.approx((left + right) / 2, abs=30)
    assert northing == pytest.approx((bottom + top) / 2, abs=30)


def test_zoom_points_terms_contents_and_downloads(reported: Path, browser: Browser) -> None:
    browser.open((reported / "report.html").as_uri())
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    drawn = (
        "(() => { const c = document.querySelector('.swipe canvas');"
        "return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter(v => v).length"
        "})()"
    )
    before = browser.run(drawn)
    browser.run("document.querySelector('.swipe input[value=samples]').click()")
    assert browser.run(drawn) > before > 0
    browser.run("document.querySelector('.swipe .zoom button').click()")
    moved = str(browser.run("document.querySelector('.stage img.under').style.transform"))
    assert moved.endswith("scale(2)")
    sentence = "document.querySelector('#term-skill').matches(':popover-open')"
    assert not browser.run(sentence)
    browser.run("document.querySelector('[popovertarget=term-skill]').click()")
    assert browser.run(sentence)
    browser.run("document.querySelector('#warnings').scrollIntoView({behavior: 'instant'})")
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert browser.run("document.querySelectorAll('nav [aria-current]').length") == 1
    table = "[...document.querySelectorAll('table')].find(t => t.dataset.title === 'Validation')"
    held = pd.read_csv(StringIO(str(browser.run(f"csvOf({table})"))))
    scores = pd.read_csv(reported / "tables" / "scores.csv")
    first = scores[(scores["element"] == "Cu") & ~scores["comparison"].str.contains("layer")]
    assert held["skill"].tolist() == pytest.approx(first["skill"].tolist(), nan_ok=True)


def test_the_page_stays_below_ten_megabytes(reported: Path) -> None:
    assert (reported / "report.html").stat().st_size < 10e6


def test_the_first_screen_holds_map_targets_coordinates_and_verdict(
    reported: Path, browser: Browser
) -> None:
    browser.open((reported / "report.html").as_uri())
    browser.ask(
        "Emulation.setDeviceMetricsOverride", width=1400, height=1000, deviceScaleFactor=1,
        mobile=False,
    )  # fmt: skip
    seen = str(browser.run(
        "[...document.querySelectorAll('#Cu p, #Cu td, #Cu img')].filter(e =>"
        "e.getBoundingClientRect().top < innerHeight).map(e => e.alt || e.innerText).join('|')"
    ))  # fmt: skip
    table = pd.read_csv(reported / "tables" / "anomalies.csv")
    opened = open_run(reported)
    first = table[(table["product"] == opened.best("Cu")) & (table["rank"] == 1)].iloc[0]
    assert "numbers are targets" in seen
    assert f"{first['peak_easting']:.0f} E, {first['peak_northing']:.0f} N (EPSG:32638)" in seen
    assert f"{first['peak_latitude']:.5f}° N" in seen
    assert opened.manifest.verdicts["Cu"].sentence in seen


def test_the_unfolded_report_is_at_most_twelve_screens(reported: Path, browser: Browser) -> None:
    browser.open((reported / "report.html").as_uri())
    browser.ask(
        "Emulation.setDeviceMetricsOverride", width=1400, height=900, deviceScaleFactor=1,
        mobile=False,
    )  # fmt: skip
    assert browser.run("document.documentElement.scrollHeight") <= 12 * 900
