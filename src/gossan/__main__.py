"""Run the command line with ``python -m gossan``."""

from __future__ import annotations

from gossan.cli import main

main()
