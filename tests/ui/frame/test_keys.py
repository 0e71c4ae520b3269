"""Each key is defined once: the buttons, the map's script, the labels' keys and both tables say the same."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from labelling.labels.label import KEYS, MAX_IMPORTED_LABELS, Label
from labelling.ui import map
from labelling.ui.frame import keys
from tests.sources import parsed

ROOT = Path(__file__).parents[3]
NOT_KEYS = ("TABLE", "CODES")
NAMED = {name: value for name, value in vars(keys).items() if name.isupper() and name not in NOT_KEYS}
WHILE_CHECKING = ("ALL_BELONG", "KEEP", "DONE", "MIXED", "SPLIT")  # or while proposals are answered


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
    said = (keys.SEARCH, keys.NEW_LABEL, keys.WORDS, keys.TO_SELECTION, keys.SHOW_ALL, keys.HELP, keys.MORE_LABELS)
    also = {"=", " "}  # + without shift, and the key that makes a drag move the map
    assert {key.upper() for key in taken} == {*said, keys.NEARER, keys.FARTHER} | also


def test_each_label_without_a_key_has_two_of_its_own_for_good() -> None:
    codes = [keys.code_of(Label(number, "x")) for number in range(MAX_IMPORTED_LABELS)]
    assert len(set(codes)) == MAX_IMPORTED_LABELS
    assert all(code and re.fullmatch("[a-z0-9]{2}", code) for code in codes)
    assert (codes[9], codes[12], codes[150]) == ("10", "13", "f1"), "the tenth label is number 10"
    assert keys.code_of(Label(3, "x", key="4")) is None


def test_a_label_has_one_number_everywhere() -> None:
    labels = [Label(7, "of late", key="3"), Label(2, "third", key="A"), Label(4, "fifth"), Label(20, "late")]
    codes = [keys.code_of(label, digits_are_taken=True) for label in labels]
    assert codes[0] == "03"
    assert codes[3] == "21"
    assert not {"03", "05"} & set(codes[1:]), "no other label's key"
    assert len(set(codes)) == 4


def test_the_tables_show_all_keys() -> None:
    shown = {part for key, what in keys.TABLE for part in re.split(r"[ ,]+", f"{key} {what}")}
    assert {value for name, value in NAMED.items()} <= {part.rstrip(";:") for part in shown}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for key, what in keys.TABLE:
        assert f"| {key} | {what} |" in readme
