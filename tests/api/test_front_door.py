"""README's lines run as they stand, and ``import gossan`` is light, complete and lazy."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio

import gossan as gs

README = Path(__file__).resolve().parents[2] / "README.md"
HEAVY = (
    "numpy", "scipy", "numba", "sklearn", "pandas", "geopandas", "rasterio", "pyproj", "shapely",
    "xarray", "rioxarray", "matplotlib", "pydantic", "typer", "rich", "jinja2", "pyhdf",
)  # fmt: skip


def readme_lines() -> str:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    (found,) = [block for block in blocks if "import gossan as gs" in block]
    return found


def test_the_lines_of_the_readme_run(
    district_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(district_folder)
    names: dict[str, object] = {}
    exec(readme_lines(), names)
    ds, scene = names["ds"], names["scene"]
    assert set(ds.data_vars) == {"median", "lower90", "upper90"}
    assert ds.rio.crs.to_epsg() == 32645 and ds["median"].attrs["units"] == "ppm"
    assert bool((ds.lower90 <= ds["median"]).all() & (ds["median"] <= ds.upper90).all())
    assert "Geostatistical()" in capsys.readouterr().out
    with rasterio.open("cu.tif") as file:
        assert file.crs.to_epsg() == 32645 and file.shape == scene.grid.shape
        assert file.descriptions == ("median", "lower90", "upper90")


def loaded_by(statement: str) -> set[str]:
    """Modules at the root of packages that a fresh Python loads for a statement."""
    code = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_gossan_loads_nothing_heavy() -> None:
    assert not loaded_by("import gossan; dir(gossan)") & set(HEAVY)


def test_errors_load_nothing_heavy_either() -> None:
    assert not loaded_by("import gossan; gossan.GossanError") & set(HEAVY)


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert gs.__version__ == version("gossan")


@pytest.mark.parametrize("name", sorted(gs.__all__))
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert (getattr(gs, name).__doc__ or "").strip()
    assert name in dir(gs)


def test_the_public_names_are_few_and_unique() -> None:
    assert len(gs.__all__) == len(set(gs.__all__)) <= 35


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Krige'"):
        gs.Krige  # noqa: B018
