"""Executables that speak like a gossan of some kind: right, older, broken, slow."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

BODIES = {
    "right": """
        say(event="hello", protocol=1, gossan="0.9.0", pid=os.getpid(), arguments=words)
        if "--version" not in words:
            say(event="step", id=1, state="begin", title="Cu: kriging")
            say(event="progress", id=1, done=1, total=2)
            say(event="note", text="few samples")
            say(event="finding", severity="warning", text="18 samples")
            print("a line of some library", flush=True)
            say(event="step", id=1, state="end", title="Cu: kriging", seconds=0.1)
            say(event="news", text="an event of a later version")
        say(event="result", command="run", exit_code=0, files={"run": "r"}, tables={},
            text=["Cu: Trust kriging."], layers=[], settings={"environment": dict(os.environ)})
    """,
    "older": """
        say(event="hello", protocol=1, gossan="0.0.9", pid=os.getpid(), arguments=words)
        say(event="result", command="", exit_code=0, files={}, tables={}, text=[])
    """,
    "newer_protocol": """
        say(event="hello", protocol=2, gossan="9.0.0", pid=os.getpid(), arguments=words)
    """,
    "no_json": """
        sys.exit("Error: No such option: --json")
    """,
    "broken": """
        sys.exit("ImportError: DLL load failed while importing _base")
    """,
    "silent": """
        say(event="hello", protocol=1, gossan="0.9.0", pid=os.getpid(), arguments=words)
        os._exit(9)
    """,
    "fails": """
        say(event="hello", protocol=1, gossan="0.9.0", pid=os.getpid(), arguments=words)
        say(event="error", kind="input", exit_code=2, lines=["survey must be a table; got none."])
        sys.exit(2)
    """,
    "endless": """
        import signal, subprocess, time
        say(event="hello", protocol=1, gossan="0.9.0", pid=os.getpid(), arguments=words)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        say(event="note", text=str(child.pid))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(0.05)
    """,
    "polite": """
        import signal, time
        def stop(*_):
            say(event="error", kind="cancelled", exit_code=130, lines=["Stopped."])
            sys.exit(130)
        signal.signal(signal.SIGTERM, stop)
        say(event="hello", protocol=1, gossan="0.9.0", pid=os.getpid(), arguments=words)
        say(event="step", id=1, state="begin", title="a long step")
        while True:
            time.sleep(0.05)
    """,
}


def write_stub(path: Path, kind: str) -> Path:
    """Write an executable of a kind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"""\
#!{sys.executable} -IS
import json, os, sys
words = sys.argv[1:]
def say(**event):
    print(json.dumps(event), flush=True)
"""
    path.write_text(head + textwrap.dedent(BODIES[kind]), encoding="utf-8")
    path.chmod(0o755)
    return path
