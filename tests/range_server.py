"""A server of files on this machine that gives parts of them: ``range_server.py FOLDER LOG``.

It prints its port. It is a process of its own: GDAL waits for it without letting go of Python.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Ranges(SimpleHTTPRequestHandler):
    """Gives parts of files, as servers of cloud-optimised rasters do."""

    def log_message(self, format: str, *args: Any) -> None:
        with Path(sys.argv[2]).open("a", encoding="utf-8") as log:
            log.write(f"{self.command} {self.path}\n")

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        content = path.read_bytes()
        start, end = int(wanted[1]), int(wanted[2] or len(content) - 1)
        part = content[start : end + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=sys.argv[1]))
    print(server.server_port, flush=True)
    server.serve_forever()
