"""The picture in ARCHITECTURE.md, the rooms and who imports whom: `python -m tests.picture` draws it anew."""

import re
from pathlib import Path

from tests.helpers import FILES, imported_rooms, room

PAGE = Path(__file__).parents[1] / "ARCHITECTURE.md"
PLAIN = {"errors", "files", "palette", "dataset", "csv_injection", "app_folder", "__init__"}  # files, not rooms
PICTURE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def picture() -> str:
    """A Mermaid graph of the rooms; those that a room knows by way of others are left out."""
    knows: dict[str, set[str]] = {}
    for path in FILES:
        knows.setdefault(room(path), set()).update(imported_rooms(path) - PLAIN - {"streamlit"})
    knows = {name: found - {name} for name, found in knows.items() if name not in PLAIN}

    def reached(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        further = knows[name] - seen
        return further | {each for other in further for each in reached(other, seen | further | {name})}

    lines = ["graph TD"]
    for name, found in sorted(knows.items()):
        by_others = {each for other in found for each in reached(other, frozenset({name}))}
        lines += [f"  {name} --> {other}" for other in sorted(found - by_others)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(PICTURE.sub(lambda _: picture(), PAGE.read_text()))
