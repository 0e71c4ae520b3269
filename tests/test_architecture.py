"""Who may import whom, and that nothing heavy is imported before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sources import parsed

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path.relative_to(ROOT) for path in [ROOT / "app.py", *ROOT.glob("pages/*.py"), *ROOT.glob("labelling/**/*.py")]
)

LEAVES = {
    "readers", "encoders", "cache", "tuners", "projections", "umap_child",
    "selection", "labels", "formats", "jobs", "database", "formulas", "palette", "separation",
    "evaluation", "search", "keywords", "neighbours", "filters", "log", "quality", "migrations", "heads",
}  # fmt: skip
# The way through the house: a leaf may know another leaf only where its output is the other's input.
ALLOWED_BETWEEN_LEAVES = {
    "log": {"database", "labels", "quality", "palette"},
    "database": {"migrations"},
    "migrations": {"log"},  # for how rows are packed
    "readers": {"formulas", "dataset", "labels"},
    "formats": {"formulas", "readers", "dataset"},
    "cache": {"encoders"},
    "tuners": {"encoders"},  # those that train a whole encoder
    "heads": {"encoders", "tuners"},
    "evaluation": {"projections"},
    "filters": {"search"},
    "separation": {"projections", "palette"},  # stands above the tuners, like the session, and is handed one
}


def room(path: Path) -> str:
    """app, pages, ui, session, workspace, or the leaf's own name."""
    if path.parts[0] != "labelling":
        return path.parts[0].removesuffix(".py")
    return path.parts[1].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(parsed(ROOT / path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [
                f"{node.module}.{alias.name}" if node.module == "labelling" else node.module for alias in node.names
            ]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "labelling" and len(parts) > 1:
                rooms.add(parts[1])
            elif parts[0] in ("app", "pages", "streamlit"):
                rooms.add(parts[0])
    return rooms - {room(path), "errors", "files"}  # which all may raise, and write


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_go_one_way(path: Path) -> None:
    here, imports = room(path), imported_rooms(path)
    assert "app" not in imports
    assert "pages" not in imports
    if here in ("app", "pages"):
        assert "session" not in imports, "pages reach the session through ui"
    elif here != "ui":
        assert "ui" not in imports
    if here != "cli":
        assert "cli" not in imports
    if here not in ("app", "pages", "ui"):
        assert "streamlit" not in imports
    if here in LEAVES:
        assert imports <= ALLOWED_BETWEEN_LEAVES.get(here, set())
    if here in ("workspace", "upkeep"):
        assert not imports & {"session", "tasks"}
    if here in ("session", *LEAVES):
        assert "tasks" not in imports


def test_the_walk_sees_every_room() -> None:
    rooms = {room(path) for path in FILES}
    assert {"app", "pages", "ui", "session", "workspace", "__init__"} <= rooms
    above = {"app", "pages", "ui", "cli", "tasks", "session", "workspace", "upkeep", "__init__"}
    assert rooms - above <= LEAVES | {"dataset", "errors", "files"}


def test_nothing_heavy_is_imported_with_the_pages_modules() -> None:
    heavy = ["torch", "transformers", "sentence_transformers", "umap", "numba"]
    code = (
        "import sys, labelling.session, labelling.ui.upload, labelling.ui.workbench, labelling.ui.tuning;"
        "import labelling.ui.separation, labelling.heads, labelling.tuners;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
