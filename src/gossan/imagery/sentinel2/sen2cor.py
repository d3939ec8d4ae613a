"""Call an installed Sen2Cor on a Level-1C product and go on with the Level-2A that it makes.

Sen2Cor (ESA) is free of charge but may not be passed on, so it is no dependency. Its program
``L2A_Process`` is looked for in ``PATH``.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from gossan.errors import ImageryError, MissingDependencyError, must
from gossan.imagery.sentinel2.metadata import read_metadata
from gossan.imagery.sentinel2.products import product_paths

PROGRAM = "L2A_Process"
HOURS = 6
"""Hours after which a run counts as stuck; a tile takes about half an hour."""


def level_2a_of(product: Path, store: Path) -> Path:
    """Return a product's Level 2A: itself, one made before, or one that Sen2Cor makes now.

    Parameters
    ----------
    product
        SAFE folder of Level 1C or 2A.
    store
        Folder that keeps what Sen2Cor makes, one folder for each product.

    Raises
    ------
    MissingDependencyError
        Sen2Cor is not installed.
    ImageryError
        The product is a zip, or Sen2Cor fails.
    """
    metadata = read_metadata(product)
    if metadata.level == "L2A":
        return product
    folder = store / "sen2cor" / metadata.name
    done = _made(folder)
    return done or _run(product, folder)


def _made(folder: Path) -> Path | None:
    """Find a finished Level-2A product."""
    if not (folder / "finished").exists():
        return None
    found = [path for path in product_paths(folder) if "MSIL2A" in path.name]
    return found[0] if found else None


def require_program() -> str:
    """Find Sen2Cor's program.

    Raises
    ------
    MissingDependencyError
        It is not in ``PATH``.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        cure = "Install Sen2Cor from ESA and put its bin folder into PATH, or download L2A"
        raise MissingDependencyError(must("Sen2Cor", f"installed ({PROGRAM})", "no program", cure))
    return program


def _run(product: Path, folder: Path) -> Path:
    program = require_program()
    if not product.is_dir():
        cure = "Unpack it: Sen2Cor reads folders"
        raise ImageryError(must(f"scene {product.name}", "a SAFE folder", "a zip", cure))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [program, "--output_dir", str(folder), str(product.resolve())]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=HOURS * 3600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(product, str(error).splitlines()[0]) from error
    if done.returncode == 0:
        (folder / "finished").touch()
    found = _made(folder)
    if found is None:
        output = (done.stderr or done.stdout or f"exit code {done.returncode}").strip()
        raise _failed(product, output.splitlines()[-1][:200])
    return found


def _failed(product: Path, output: str) -> ImageryError:
    cure = f"Run {PROGRAM} by hand to see why, or download the L2A product"
    return ImageryError(must(f"Sen2Cor on {product.name}", "successful", output, cure))
