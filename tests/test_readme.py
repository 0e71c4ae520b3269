"""The README's Python runs as it stands, and what it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_python_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert names["points"].shape == (4, 2)  # type: ignore[attr-defined]


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_its_commands_are_there() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"make (run|test|screenshots)", README)) <= set(targets)


def test_the_demo_has_as_many_messages_as_it_says() -> None:
    from labelling.readers import read_table

    n_rows = len(read_table((ROOT / "data" / "demo.csv").read_bytes(), "demo.csv").frame)
    assert f"{n_rows} messages" in README
    assert f"{n_rows} messages" in (ROOT / "pages" / "texts.py").read_text(encoding="utf-8")
