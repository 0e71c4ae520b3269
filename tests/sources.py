"""The project's own code, read for rules about how it is written."""

import ast
from pathlib import Path

TRIES = 10


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file.

    Where another thread parses in between (a page's script does), Python up to 3.11 may raise SystemError for it
    (github.com/python/cpython/issues/106905), so that is tried again.
    """
    for _ in range(TRIES - 1):
        try:
            return ast.parse(path.read_text(encoding="utf-8"))
        except SystemError:
            continue
    return ast.parse(path.read_text(encoding="utf-8"))
