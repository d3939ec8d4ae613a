"""A uv that behaves like the real one in a clean, refusing or absent network."""

from __future__ import annotations

import sys
import textwrap
import zipfile
from pathlib import Path

from .stub_gossan import BODIES

PYTHON = """\
#!{python} -IS
import json, os, sys
words = sys.argv[1:]
if "-c" in words:
    print(1)
    sys.exit()
words = words[words.index("gossan") + 1:]
def say(**event):
    print(json.dumps(event), flush=True)
if not os.path.exists(os.path.join(os.path.dirname(__file__), "installed")):
    sys.exit("No module named gossan")
"""
UV = """\
#!{python} -IS
import os, sys
words, here = sys.argv[1:], os.path.dirname(os.path.abspath(__file__))
def log(text):
    with open({log!r}, "a", encoding="utf-8") as stream:
        stream.write(text + "\\n")
log(words[0])
def fail(text):
    print("error: " + text)
    sys.exit(2)
offline = os.environ.get("UV_OFFLINE") == "1"
if words[0] == "venv":
    folder = os.path.join(words[-1], "bin")
    os.makedirs(folder)
    path = os.path.join(folder, "python")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write({interpreter!r})
    os.chmod(path, 0o755)
    sys.exit()
failures = {failures!r}
done = sum(line == "failed\\n" for line in open({log!r}, encoding="utf-8"))
if done < len(failures):
    log("failed")
    fail(failures[done])
if not offline and "refuse" in os.environ.get("HTTPS_PROXY", ""):
    fail("HTTP status client error (407 Proxy Authentication Required)")
if not offline and {network!r} == "none":
    fail("error sending request for url: dns error: Name or service not known")
if offline and "--no-index" not in words:
    fail("offline")
python = words[words.index("--python") + 1]
open(os.path.join(os.path.dirname(python), "installed"), "w").close()
"""


def write_uv(path: Path, log: Path, network: str = "free", failures: tuple[str, ...] = ()) -> Path:
    """Write a uv; ``failures`` are what its first tries to install say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    interpreter = PYTHON.format(python=sys.executable) + textwrap.dedent(BODIES["right"])
    text = UV.format(
        python=sys.executable, log=str(log), interpreter=interpreter, failures=failures,
        network=network,
    )  # fmt: skip
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def write_wheelhouse(path: Path, uv: Path, system: str) -> Path:
    """Write a wheelhouse that holds a uv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wheel = path.with_name("uv-1.0-py3-none-any.whl")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(uv, "uv-1.0.data/scripts/uv")
    manifest = f'{{"gossan": "0.9.0", "python": "3.12", "system": "{system}"}}'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("wheelhouse.json", manifest)
        archive.write(wheel, f"wheels/{wheel.name}")
    return path
