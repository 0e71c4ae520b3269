"""Each key is defined once: the buttons, the map's script, the labels' keys and both tables say the same."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from labelling.labels.label import KEYS
from labelling.ui import map
from labelling.ui.frame import keys
from tests.sources import parsed

ROOT = Path(__file__).parents[2]
NAMED = {name: value for name, value in vars(keys).items() if name.isupper() and name != "TABLE"}
WHILE_CHECKING = ("ALL_BELONG", "KEEP", "DONE")


def test_no_two_steps_of_the_label_page_have_the_same_key() -> None:
    times = Counter(value for name, value in NAMED.items() if name not in WHILE_CHECKING)
    assert max(times.values()) == 1, times.most_common(1)
    assert not set(times) & set(KEYS)


@pytest.mark.parametrize("path", sorted(ROOT.glob("labelling/ui/**/*.py")), ids=str)
def test_no_button_has_a_key_of_its_own(path: Path) -> None:
    given = [node.value for node in ast.walk(parsed(path)) if isinstance(node, ast.keyword) and node.arg == "shortcut"]
    assert not [value for value in given if isinstance(value, ast.Constant)]


def test_the_maps_script_takes_the_keys_that_are_said_to_be_its() -> None:
    script = (Path(map.__file__).parent / "shortcuts.js").read_text(encoding="utf-8")
    boxes = re.search(r"const BOXES = \{(.*)\}", script)
    assert boxes
    taken = re.findall(r'key === "(.)"', script) + re.findall(r'"?(\S)"?: "', boxes[1])
    said = (keys.SEARCH, keys.NEW_LABEL, keys.WORDS, keys.TO_SELECTION, keys.SHOW_ALL, keys.HELP)
    also = {"=", " "}  # + without shift, and the key that makes a drag move the map
    assert {key.upper() for key in taken} == {*said, keys.NEARER, keys.FARTHER} | also


def test_the_tables_show_all_keys() -> None:
    shown = {part for key, what in keys.TABLE for part in re.split(r"[ ,]+", f"{key} {what}")}
    assert {value for name, value in NAMED.items()} <= {part.rstrip(";:") for part in shown}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for key, what in keys.TABLE:
        assert f"| {key} | {what} |" in readme
