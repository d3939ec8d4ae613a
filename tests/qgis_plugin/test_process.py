"""Starting, following and stopping gossan."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from gossan_qgis.core.environment import Proxy, child_environment
from gossan_qgis.core.process import Engine, Listener, run
from gossan_qgis.core.protocol import CancelledError, FailedError, UnusableError

from .stub_gossan import write_stub

HOSTILE = {
    "PATH": "/qgis/bin", "PYTHONHOME": "/qgis/python", "PYTHONPATH": "/qgis", "PROJ_LIB": "/qgis",
    "PROJ_DATA": "/qgis", "GDAL_DATA": "/qgis", "GDAL_DRIVER_PATH": "/qgis", "QT_PLUGIN_PATH": "/q",
    "LD_LIBRARY_PATH": "/qgis/lib", "DYLD_LIBRARY_PATH": "/qgis/lib", "LD_PRELOAD": "/qgis/x.so",
    "VIRTUAL_ENV": "/qgis", "CONDA_PREFIX": "/qgis", "SSL_CERT_FILE": "/qgis/cert.pem",
    "Home": "/u/ann", "https_proxy": "http://env.proxy:1",
}  # fmt: skip


class Heard(Listener):
    """Writes down what a command says."""

    def __init__(self) -> None:
        self.printed: list[tuple[str, ...]] = []

    def step(self, title: str) -> None:
        self.printed.append(("step", title))

    def progress(self, percent: float) -> None:
        self.printed.append(("progress", f"{percent:.0f}"))

    def note(self, text: str) -> None:
        self.printed.append(("note", text))

    def finding(self, severity: str, text: str) -> None:
        self.printed.append((severity, text))

    def log(self, text: str) -> None:
        self.printed.append(("log", text))


def engine(tmp_path: Path, kind: str) -> Engine:
    path = write_stub(tmp_path / "with blank 河流 Медь" / "gossan", kind)
    return Engine((str(path),), child_environment(HOSTILE, windows=False))


def test_events_reach_the_listener_and_the_result_the_caller(tmp_path: Path) -> None:
    heard = Heard()
    result = run(engine(tmp_path, "right"), ["run", "p"], heard)
    assert heard.printed == [
        ("step", "Cu: kriging"),
        ("progress", "50"),
        ("note", "few samples"),
        ("warning", "18 samples"),
        ("log", "a line of some library"),
    ]
    assert (result.text, result.version) == (["Cu: Trust kriging."], "0.9.0")
    assert result.findings == [("warning", "18 samples")]


def test_nothing_of_qgis_reaches_gossan(tmp_path: Path) -> None:
    seen = run(engine(tmp_path, "right"), ["run"]).settings["environment"]
    assert not [name for name, value in seen.items() if "qgis" in value.lower()]
    assert seen["HOME"] == "/u/ann"
    assert seen["HTTPS_PROXY"] == "http://env.proxy:1"
    through = child_environment(HOSTILE, Proxy("office", 8080, excluded=("lan",)), windows=False)
    assert (through["HTTPS_PROXY"], through["NO_PROXY"]) == ("http://office:8080", "lan")


def test_windows_gets_what_it_needs_to_start_a_program() -> None:
    parent = {"SystemRoot": r"D:\Win", "PATH": r"C:\QGIS\bin", "UserProfile": r"C:\Users\河"}
    found = child_environment(parent, windows=True)
    assert found["PATH"].split(";")[0] == r"D:\Win\System32"
    assert "QGIS" not in " ".join(found.values())
    assert found["USERPROFILE"] == r"C:\Users\河"


@pytest.mark.parametrize(
    ("kind", "reason", "text"),
    [
        ("older", "older", "0.0.9 is older than"),
        ("newer_protocol", "older", "update the plugin"),
        ("no_json", "older", "knows no --json"),
        ("broken", "broken", "DLL load failed"),
    ],
)
def test_a_gossan_that_cannot_be_used_is_named(
    tmp_path: Path, kind: str, reason: str, text: str
) -> None:
    with pytest.raises(UnusableError, match=text) as caught:
        run(engine(tmp_path, kind), ["run"])
    assert caught.value.kind == reason


def test_an_absent_gossan_is_missing_and_a_text_file_broken(tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as caught:
        run(Engine((str(tmp_path / "none"),), {}), [])
    assert caught.value.kind == "missing"
    (tmp_path / "text").write_text("no program")
    with pytest.raises(UnusableError) as caught:
        run(Engine((str(tmp_path / "text"),), {}), [])
    assert caught.value.kind == "broken"


def test_what_gossan_says_of_a_failure_is_what_the_user_reads(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="survey must be a table") as caught:
        run(engine(tmp_path, "fails"), ["run"])
    assert caught.value.kind == "input"
    with pytest.raises(FailedError, match="ended from outside"):
        run(engine(tmp_path, "silent"), ["run"])


def test_a_polite_command_stops_by_itself(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(CancelledError, match="Finished steps are kept"):
        run(engine(tmp_path, "polite"), ["run"], heard, cancelled=lambda: bool(heard.printed))


@pytest.mark.skipif(os.name == "nt", reason="reads the table of processes of Linux")
def test_a_stubborn_command_is_killed_with_its_children(tmp_path: Path) -> None:
    heard = Heard()
    begun = time.monotonic()
    with pytest.raises(CancelledError):
        stubborn = engine(tmp_path, "endless")
        run(stubborn, ["run"], heard, cancelled=lambda: bool(heard.printed), grace=0.2)
    assert time.monotonic() - begun < 10
    child = Path("/proc") / heard.printed[0][1]
    for _ in range(50):
        if not child.exists() or "State:\tZ" in (child / "status").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the child of the stopped command lives on")
