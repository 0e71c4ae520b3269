"""Who may import whom, and that nothing heavy is imported before it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import FILES, ROOT, imported_modules, imported_rooms, room

# What each room of the library may import, from the ground up: a room is in the list of another only further down.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "app_folder": set(),
    "files": set(),
    "palette": set(),
    "csv_injection": set(),
    "dataset": set(),
    "database": set(),
    "encoders": set(),
    "projections": set(),
    "selection": set(),
    "labels": {"database", "palette"},
    "readers": {"csv_injection", "dataset", "labels"},
    "formats": {"csv_injection", "dataset", "readers"},
    "learning": {"encoders", "palette", "projections"},
    "queues": {"learning"},
    "store": {"dataset", "encoders"},
    "workspace": {"database", "dataset", "encoders", "labels", "learning"},
}
# What stands above: ui and cli never know each other, neither do session and tasks; nothing below knows what is above.
ABOVE: dict[str, set[str]] = {
    "tasks": set(MAY_IMPORT),
    "session": {"encoders", "labels", "queues", "selection", "workspace"},
    "cli": {*MAY_IMPORT, "tasks"},
    "ui": {*MAY_IMPORT, "tasks", "session", "streamlit"},
    "pages": {*MAY_IMPORT, "ui", "tasks", "streamlit"} - {"session"},
    "app": {*MAY_IMPORT, "ui", "streamlit"},
    "__init__": set(MAY_IMPORT),  # the public names
}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_go_one_way(path: Path) -> None:
    assert imported_rooms(path) <= {**MAY_IMPORT, **ABOVE}[room(path)]


def test_the_walk_sees_every_room() -> None:
    assert {room(path) for path in FILES} == {*MAY_IMPORT, *ABOVE}


def test_no_room_knows_itself_by_way_of_others() -> None:
    knows: dict[str, set[str]] = {name: set() for name in {**MAY_IMPORT, **ABOVE}}
    for path in FILES:
        knows[room(path)] |= imported_rooms(path) - {"streamlit"}
    while free := [name for name, found in knows.items() if not found]:
        for name in free:
            del knows[name]
        for found in knows.values():
            found.difference_update(free)
    assert not knows


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=str)
def test_no_test_imports_from_another(path: Path) -> None:
    """What several tests need stands in a conftest or a module of helpers."""
    assert not [name for name in imported_modules(path.relative_to(ROOT)) if ".test_" in name]


def test_the_picture_of_the_rooms_is_that_of_the_imports() -> None:
    from tests.picture import PAGE, PICTURE, picture

    assert PICTURE.findall(PAGE.read_text()) == [picture()], "draw it anew: python -m tests.picture"


@pytest.mark.parametrize(
    "path", [*(ROOT / "labelling").rglob("*.py"), *(ROOT / "labelling").rglob("*.js")], ids=lambda path: path.name
)
def test_files_can_be_read_in_one_go(path: Path) -> None:
    """No file of Python has more than 400 lines, none of JavaScript more than 300, or its top says why."""
    lines = path.read_text(encoding="utf-8").splitlines()
    mark, most = ("#", 400) if path.suffix == ".py" else ("//", 300)
    assert len(lines) <= most or any(line.startswith(f"{mark} Long because ") for line in lines[:10])


def test_nothing_heavy_is_imported_with_the_pages_modules() -> None:
    heavy = ["torch", "transformers", "sentence_transformers", "umap", "numba"]
    code = (
        "import sys, labelling.session, labelling.ui.texts.load, labelling.ui.label.map_and_panel;"
        "import labelling.ui.tune.tuning;"
        "import labelling.ui.separation.separation, labelling.learning.classifiers, labelling.learning.tuners;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
