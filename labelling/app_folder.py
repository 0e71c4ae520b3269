"""Where app.py, its pages, its settings and the demo texts are."""

from pathlib import Path

_INSTALLED = Path(__file__).parent / "_app"  # as the wheel has them
APP_FOLDER = _INSTALLED if _INSTALLED.exists() else Path(__file__).parents[1]
