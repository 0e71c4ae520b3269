"""Cells that a spreadsheet would run as a formula, made harmless, and exactly back again.

OWASP's page "CSV Injection" lists the starts = + - @, tab and carriage return. Line feed, NUL and the full-width
forms are our own caution.
"""

import re

# The last columns of every export, in this order. CSV with them at its end is ours: its cells are guarded.
EXPORT_COLUMNS = ("label", "labelled_at", "source")

_DANGEROUS = re.compile(r"'*[=+\-@\t\r\n\0＝＋－＠]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n\0＝＋－＠]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def guard(cell: str) -> str:
    """Put an apostrophe before a cell that starts like a formula; plain numbers such as ``-5`` stay.

    A cell that already has apostrophes before such a start gets one more, so ``unguard(guard(cell)) == cell``
    for every string.
    """
    if _DANGEROUS.match(cell) and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def unguard(cell: str) -> str:
    """Take off the apostrophe that `guard` put on."""
    return cell[1:] if _GUARDED.match(cell) else cell
