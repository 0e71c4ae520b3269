"""Cells that a spreadsheet would run as a formula, made harmless, and exactly back again.

OWASP's page "CSV Injection" lists the starts = + - @, tab and carriage return, and says that a cell can also be
broken in two: a spreadsheet whose separator is the semicolon begins a new cell at one inside a text. Line feed, NUL
and the full-width forms are our own caution.
"""

import re

_START = "=+\\-@＝＋－＠"
# Where a formula could begin: at the start, or behind what some spreadsheet takes for the end of a cell.
_GUARD = re.compile(rf"^(?='*[{_START}\t\r\n\0])|(?<=[;|\t\r\n])(?='*[{_START}])")
_UNGUARD = re.compile(rf"^'(?='*[{_START}\t\r\n\0])|(?<=[;|\t\r\n])'(?='*[{_START}])")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def guard(cell: str) -> str:
    """Put an apostrophe before each place where a formula could begin; plain numbers such as ``-5`` stay.

    Where apostrophes already stand before such a place it gets one more, so ``unguard(guard(cell)) == cell`` for
    every string.
    """
    return cell if _NUMBER.fullmatch(cell) else _GUARD.sub("'", cell)


def unguard(cell: str) -> str:
    """Take off the apostrophes that `guard` put on. A cell that `guard` can't have made stays as it is."""
    if "'" not in cell:
        return cell
    plain = _UNGUARD.sub("", cell)
    return plain if guard(plain) == cell else cell
