"""24 cells: six surroundings by four kinds of gossan; in each the right map or the right message.

The executables are stubs, so that all cells take seconds; ``make test-plugin`` installs for real.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from gossan_qgis.core import install as installation
from gossan_qgis.core.environment import Proxy, child_environment
from gossan_qgis.core.install import InstallError, Plan, find_or_install, install, system_word
from gossan_qgis.core.locate import candidates, data_folder
from gossan_qgis.core.process import run
from gossan_qgis.core.protocol import CancelledError
from gossan_qgis.core.report import report_text

from .stub_gossan import write_stub
from .stub_uv import write_uv, write_wheelhouse
from .test_process import HOSTILE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stubs are scripts with #!")
SURROUNDINGS = ("clean", "hostile", "proxy", "wheelhouse", "blanks", "read-only profile")
KINDS = ("none", "right", "older", "broken")


def no_download(address: str) -> bytes:
    raise OSError(f"network: {address}: Host github.com not found")


def plan_for(tmp_path: Path, surrounding: str) -> tuple[Plan, dict[str, str]]:
    """What the plugin would install in some surroundings, and the environment of QGIS."""
    home = tmp_path / ("with blank 河流 Медь" if surrounding == "blanks" else "home")
    home.mkdir()
    parent = {"HOME": str(home), "PATH": str(home / "path")}
    if surrounding == "hostile":
        parent = {**HOSTILE, **parent}
    proxy = Proxy("refuse.lan", 8080) if surrounding == "proxy" else None
    network = "none" if surrounding == "wheelhouse" else "free"
    uv = write_uv(tmp_path / "tools" / "uv", tmp_path / "uv.log", network)
    house = None
    if surrounding == "wheelhouse":
        house = write_wheelhouse(home / "house.zip", uv, system_word())
    plan = Plan(
        data_folder(parent), "0.9.0", child_environment(parent, proxy, windows=False),
        tmp_path / "wheels", house, "" if house else str(uv),
    )  # fmt: skip
    return plan, parent


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("surrounding", SURROUNDINGS)
def test_the_right_map_or_the_right_message(tmp_path: Path, surrounding: str, kind: str) -> None:
    plan, parent = plan_for(tmp_path, surrounding)
    profile = tmp_path / "profile"
    profile.mkdir(mode=0o555)
    if kind != "none":
        write_stub(Path(parent["PATH"]) / "gossan", kind)
    commands = candidates("", plan.folder, parent)
    if surrounding == "proxy" and kind != "right":
        with pytest.raises(InstallError, match="user name and a password") as caught:
            find_or_install(commands, plan, no_download)
        assert caught.value.diagnosis.cause == "proxy"
        assert not list(plan.folder.glob("env-0.9.0"))
        return
    engine, probes = find_or_install(commands, plan, no_download)
    assert run(engine, ["run", "project"]).text == ["Cu: Trust kriging."]
    assert (plan.folder / "env-0.9.0").exists() == (kind != "right")
    assert [probe.kind for probe in probes] == [kind] * (kind != "none")
    assert not list(profile.iterdir())
    again, _ = find_or_install(candidates("", plan.folder, parent), plan, no_download)
    assert again.command == engine.command


def test_a_stopped_installation_goes_on_where_it_ended(tmp_path: Path) -> None:
    plan, _ = plan_for(tmp_path, "clean")
    gone = "error sending request: connection reset"
    write_uv(Path(plan.uv), tmp_path / "uv.log", failures=(gone,))
    with pytest.raises(InstallError, match="network could not be reached"):
        install(plan, no_download)
    install(plan, no_download)
    assert (tmp_path / "uv.log").read_text().split() == ["venv", "pip", "failed", "pip"]


def test_a_file_that_the_antivirus_holds_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation.time, "sleep", lambda _: None)
    plan, _ = plan_for(tmp_path, "clean")
    held = "failed to rename: being used by another process. (os error 32)"
    write_uv(Path(plan.uv), tmp_path / "uv.log", failures=(held, held))
    assert install(plan, no_download).version == "0.9.0"
    write_uv(Path(plan.uv), tmp_path / "two.log", failures=(held,) * 9)
    with pytest.raises(InstallError, match="antivirus"):
        install(replace(plan, folder=tmp_path / "other"), no_download)


@pytest.mark.parametrize(
    ("printed", "advice"),
    [
        ("failed to create directory: Permission denied (os error 13)", "cannot be written"),
        ("Access is denied. (os error 5)", "cannot be written"),
        ("Read-only file system (os error 30)", "cannot be written"),
        ("libc.so.6: version `GLIBC_2.28' not found", "too old"),
        ("numba has no wheels with a matching platform tag", "too old"),
        ("No space left on device (os error 28)", "disk is full"),
        ("invalid peer certificate: UnknownIssuer", "certificate"),
        ("The filename or extension is too long. (os error 206)", "too long"),
        ("dns error: failed to lookup address", "network could not be reached"),
        ("a word of which nobody has heard", "Copy report"),
    ],
)
def test_the_message_says_what_to_do(tmp_path: Path, printed: str, advice: str) -> None:
    plan, _ = plan_for(tmp_path, "clean")
    write_uv(Path(plan.uv), tmp_path / "uv.log", failures=(printed,))
    with pytest.raises(InstallError, match=advice):
        install(plan, no_download)


def test_no_network_and_no_uv_leads_to_the_wheelhouse(tmp_path: Path) -> None:
    plan, _ = plan_for(tmp_path, "clean")
    with pytest.raises(InstallError, match="wheelhouse"):
        install(replace(plan, uv=""), no_download)


def test_a_wheelhouse_of_another_system_is_refused(tmp_path: Path) -> None:
    plan, _ = plan_for(tmp_path, "wheelhouse")
    assert plan.wheelhouse is not None
    write_wheelhouse(plan.wheelhouse, Path(tmp_path / "tools" / "uv"), "win32-sparc")
    with pytest.raises(InstallError, match="too old or of a kind"):
        install(plan, no_download)
    plan.wheelhouse.write_bytes(b"no zip")
    with pytest.raises(InstallError):
        install(plan, no_download)


def test_uv_is_taken_only_with_its_published_sum(tmp_path: Path) -> None:
    plan, _ = plan_for(tmp_path, "clean")
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(plan.uv, "uv-target/uv")
    content = stream.getvalue()
    served = {True: hashlib.sha256(content).hexdigest().encode() + b"  uv.tar.gz", False: content}
    without = replace(plan, uv="")
    damaged = lambda address: served[address.endswith(".sha256")] * (1 + ("sha" not in address))  # noqa: E731
    with pytest.raises(InstallError):
        install(without, damaged)
    assert install(without, lambda address: served[address.endswith(".sha256")]).version == "0.9.0"


def test_stopping_an_installation_stops_uv(tmp_path: Path) -> None:
    plan, _ = plan_for(tmp_path, "clean")
    Path(plan.uv).write_text("#!/bin/sh\nsleep 300\n")
    with pytest.raises(CancelledError):
        install(plan, no_download, cancelled=lambda: True)
    assert not (plan.folder / "env-0.9.0").exists()


def test_the_report_tells_what_was_tried_and_no_password(tmp_path: Path) -> None:
    plan, parent = plan_for(tmp_path, "clean")
    write_stub(Path(parent["PATH"]) / "gossan", "broken")
    _, probes = find_or_install(candidates("", plan.folder, parent), plan, no_download)
    environment = child_environment(parent, Proxy("office", 80, "ann", "s3cret"), windows=False)
    text = report_text({"QGIS": "3.40"}, probes, environment, "http://ann:s3cret@office:80 failed")
    assert "DLL load failed" in text
    assert "QGIS: 3.40" in text
    assert "s3cret" not in text
