from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from gossan.errors import InputError
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.io.run_folder import RunFolder
from gossan.report.build import build_report
from gossan.targets.anomalies import find_anomalies
from gossan.targets.anomaly_files import write_anomalies
from gossan.targets.product_numbers import product_numbers

from .browser import Browser, chromium

MakeRun = Callable[..., Path]


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


def add_anomalies(run: Path, threshold: float = 60.0) -> None:
    from .conftest import GRID, surface

    folder, found = RunFolder(run), {}
    for number, name in enumerate(("kriging", "sound")):
        layer = ArrayLayer(GRID, ("Cu",), surface(number))
        found[name] = find_anomalies(layer, threshold, element="Cu")
        write_anomalies(found[name], run / "anomalies", f"{name}_Cu")
    rows = [
        pd.DataFrame(v.table.drop(columns="geometry")).assign(product=k) for k, v in found.items()
    ]
    folder.write_table("product_numbers", product_numbers(found, "kriging"))
    if any(len(part) for part in rows):
        folder.write_table("anomalies", pd.concat(rows))


def test_the_report_is_one_file_that_asks_for_nothing_else(make_run: MakeRun) -> None:
    run = make_run(["kriging", "sound", "literal"])
    text = build_report(run).read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", text)
    assert "http://" not in re.sub(r"Content-Security-Policy", "", text)
    assert "https://" not in text
    for name in ("trusted_Cu", "products_Cu", "magnified_Cu", "error_Cu", "skill_Cu"):
        assert (run / "figures" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert (run / "figures" / f"{name}.pdf").read_bytes()[:4] == b"%PDF"


def test_the_verdict_names_the_product_with_proved_skill_and_its_interval(
    make_run: MakeRun,
) -> None:
    page = words(build_report(make_run(["kriging", "sound", "literal"])))
    assert "Trust literal: at 60 samples of the survey detailed" in page
    assert "0.20 (95 % interval 0.02 to 0.20)" in page


def test_text_of_the_user_cannot_become_markup(make_run: MakeRun) -> None:
    text = build_report(make_run(["kriging", "sound"])).read_text(encoding="utf-8")
    assert "<b>a note" not in text
    assert "&lt;district&gt;" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"products": ["kriging"]}, "Only one map of Cu was made"),
        ({"products": ["kriging", "sound"], "empty": True}, "hold no value"),
        ({"products": ["kriging", "sound"], "checks": False}, "There is no check survey"),
        ({"products": ["kriging", "sound"]}, "No known occurrences were given"),
        ({"products": ["kriging", "sound"]}, "Anomalies were not looked for"),
        ({"products": ["sound"], "tables": False}, "nothing is known of how far to trust"),
        ({"products": ["kriging"], "maps": False}, "No map of Cu was made"),
    ],
)
def test_what_a_run_lacks_is_said_in_words(
    make_run: MakeRun, options: dict[str, object], said: str
) -> None:
    assert said in words(build_report(make_run(**options)))


def test_no_anomaly_is_said_in_words(make_run: MakeRun) -> None:
    run = make_run(["kriging", "sound"])
    add_anomalies(run, threshold=1e6)
    assert "there is no anomaly" in words(build_report(run))


def test_a_map_that_is_all_anomaly_still_comes_out(make_run: MakeRun) -> None:
    run = make_run(["kriging", "sound"])
    add_anomalies(run, threshold=0.1)
    assert "Anomalies, ranked" in words(build_report(run))


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
    make_run: MakeRun, browser: Browser
) -> None:
    run = make_run(["kriging", "sound", "literal"])
    add_anomalies(run)
    browser.open(build_report(run).as_uri())
    assert browser.run("[...document.images].every(i => i.complete && i.naturalWidth > 50)")
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
def test_the_report_fits_a_phone_and_a_desk(
    make_run: MakeRun, browser: Browser, width: int
) -> None:
    browser.open(build_report(make_run(["kriging", "sound"])).as_uri())
    browser.ask(
        "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1,
        mobile=width < 500,
    )  # fmt: skip
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(UNSTRETCHED)


def test_a_tall_figure_of_many_maps_is_not_squeezed(make_run: MakeRun, browser: Browser) -> None:
    run = make_run(["kriging", *(f"sound{i}" for i in range(9))])
    browser.open(build_report(run).as_uri())
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


def test_where_imagery_was_used_has_a_legend_in_the_qgis_project(make_run: MakeRun) -> None:
    from .conftest import GRID

    run = make_run(["kriging", "sound"])
    flags = np.zeros((2, *GRID.shape), np.uint8)
    flags[:, 20:] = 1
    path = run / "layers" / "imagery_used.tif"
    write_array(path, GRID, ("aster.pc2", "s2.pc2"), flags)
    build_report(run)
    project = ElementTree.parse(run / "gossan.qgs")
    found = [m for m in project.iter("maplayer") if "imagery was used" in m.findtext("layername")]
    assert [layer.findtext("layername")[24:] for layer in found] == ["aster.pc2", "s2.pc2"]
    assert [r.get("band") for layer in found for r in layer.iter("rasterrenderer")] == ["1", "2"]
    (style,) = ElementTree.parse(path.with_suffix(".qml")).iter("rasterrenderer")
    assert style.get("type") == "paletted" and style.get("band") == "1"
    labels = {entry.get("value"): entry.get("label") for entry in style.iter("paletteEntry")}
    assert labels["0"] == "kriged only: imagery is masked" and set(labels) == {"0", "1", "2"}


def test_the_qgis_project_opens_with_all_layers_valid(make_run: MakeRun, tmp_path: Path) -> None:
    program = Path("/usr/bin/python3")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(tmp_path)}
    environment.pop("PYTHONPATH", None)
    asked = [str(program), "-c", "import qgis.core"]
    if (
        not program.exists()
        or subprocess.run(asked, capture_output=True, env=environment).returncode
    ):
        pytest.skip("QGIS is not installed (apt-get install qgis python3-qgis)")
    run = make_run(["kriging", "sound"])
    add_anomalies(run)
    build_report(run)
    moved = run.rename(run.with_name("moved elsewhere"))
    found = subprocess.run(
        [str(program), "-c", OPEN_IN_QGIS, str(moved / "gossan.qgs")],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    facts = json.loads(found.stdout.strip().splitlines()[-1])
    assert facts["read"]
    assert facts["crs"] == "EPSG:32645"
    assert facts["groups"] == ["Cu"]
    assert facts["invalid"] == []
    assert facts["layers"] == 7


OPEN_IN_QGIS = """
import json, sys
from qgis.core import QgsApplication, QgsProject
program = QgsApplication([], False)
program.initQgis()
project = QgsProject.instance()
read = project.read(sys.argv[1])
layers = project.mapLayers().values()
print(json.dumps({
    "read": read, "crs": project.crs().authid(), "layers": len(layers),
    "invalid": [one.name() for one in layers if not one.isValid()],
    "groups": [group.name() for group in project.layerTreeRoot().findGroups()],
}))
sys.stdout.flush()
program.exitQgis()
"""
