"""What an export of ours looks like: in whatever format, its last columns."""

from collections.abc import Iterable

EXPORT_COLUMNS = ("label", "labelled_at", "source")  # the last columns of every export, in this order
PREFIX = "label: "  # of the columns of yes and no, one a label, that stand before them
NESTED = "cats"  # or one of objects, as JSONL has it
# Beside a list of the labels that are yes, in the files for other tools: those that are surely no.
DENIED = "corral_no"


def is_exports_name(name: str) -> bool:
    """Whether an uploaded column of this name could be taken for one that an export adds, whatever its case."""
    plain = name.strip().lower()
    return plain in (*EXPORT_COLUMNS, NESTED) or name.lstrip().lower().startswith(PREFIX)


def columns_of_export(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """What an export has added at the end of a table: its columns of answers, then label, labelled_at and source.

    Both are empty where the table is no export of ours, or its columns were moved or renamed since.
    """
    *names, label, labelled_at, source = ["", "", "", *names]
    if (label, labelled_at, source) != EXPORT_COLUMNS:
        return [], []
    if names[-1] == NESTED:
        return [NESTED], [*EXPORT_COLUMNS]
    first = len(names)
    while names[first - 1].startswith(PREFIX):
        first -= 1
    return names[first:], [*EXPORT_COLUMNS]
