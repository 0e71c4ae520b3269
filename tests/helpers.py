"""The code in pages of the documentation, run; the files of the library, and which rooms they import."""

import ast
import re
from pathlib import Path
from typing import Any

from tests.sources import parsed

ROOT = Path(__file__).parents[1]


def run_python(text: str) -> dict[str, Any]:
    """Run the Python of a page from top to bottom; what it left behind."""
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(code, names)
    return names


FILES = sorted(
    path.relative_to(ROOT) for path in [ROOT / "app.py", *ROOT.glob("pages/*.py"), *ROOT.glob("labelling/**/*.py")]
)
ANYWHERE = {"__init__", "errors", "files"}  # the version; what all may raise, and write


def room(path: Path) -> str:
    """app, pages, or the name of the room in the library."""
    if path.parts[0] != "labelling":
        return path.parts[0].removesuffix(".py")
    return path.parts[1].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """All that a file imports, wherever it does."""
    modules = set()
    for node in ast.walk(parsed(ROOT / path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return modules


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for name in imported_modules(path):
        parts = name.split(".")
        if parts[0] == "labelling" and len(parts) > 1:
            there = ROOT / "labelling" / parts[1]
            rooms.add(parts[1] if there.is_dir() or there.with_suffix(".py").exists() else "__init__")
        elif parts[0] in ("app", "pages", "streamlit"):
            rooms.add(parts[0])
    return rooms - {room(path)} - ANYWHERE


def mapped(path: Path) -> int:
    """Bytes of this file that are in this process' memory by a mapping. Linux alone."""
    parts = Path("/proc/self/smaps").read_text().split(str(path))[1:]
    return sum(1024 * int(part.split("\nRss:")[1].split()[0]) for part in parts)
