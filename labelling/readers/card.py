"""The README of a Hugging Face folder: what the numbers in its label columns are called."""

import json
from dataclasses import replace
from typing import Any

import pandas as pd

from labelling.dataset import Table
from labelling.readers.columnar import class_names, named
from labelling.readers.tables import listed

MAX_BYTES = 500_000  # of a README that is parsed: a thousand labels take 30,000


def name_labels(table: Table, card: bytes) -> Table:
    """The table with names for the numbers in columns of ``class_label``, where the card's head tells them.

    As https://huggingface.co/docs/hub/datasets-cards has it. What its Parquet files say themselves was read before.
    """
    if len(card) > MAX_BYTES:
        return table
    frame = table.frame.copy(deep=False)
    given = []
    for column, names in _names(card).items():
        if column not in frame:
            continue
        values = _numbers(frame[column])
        if values is None:
            continue
        found, n_beyond = named(values, names)
        if n_beyond:
            continue  # names of another table
        cells = [json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell for cell in found]
        frame[column] = pd.Series(cells, dtype="str")
        given.append(column)
    if not given:
        return table
    note = f"A Hugging Face data set: the labels in {listed(given)} by their names, which its README tells."
    label = given[0] if len(given) == 1 else None
    return replace(table, frame=frame, notes=(*table.notes, note), label=label)


def _names(card: bytes) -> dict[str, list[str]]:
    """The names of each column's labels; none where the parts of a data set have different ones."""
    from huggingface_hub import DatasetCard

    try:
        info = DatasetCard(card.decode(), ignore_metadata_errors=True).data.to_dict().get("dataset_info")
    except Exception:  # whatever a YAML parser raises of a README that somebody has written by hand
        return {}
    found: dict[str, list[str] | None] = {}
    for part in info if isinstance(info, list) else [info]:
        features = part.get("features") if isinstance(part, dict) else None
        for feature in features if isinstance(features, list) else []:
            column = feature.get("name") if isinstance(feature, dict) else None
            names = class_names(_as_feature(feature)) if isinstance(column, str) else None
            if names:
                found[str(column)] = names if found.get(str(column), names) == names else None
    return {column: names for column, names in found.items() if names}


def _as_feature(value: Any) -> Any:
    """A feature as the library has it in Python, of how a card has it: ``{dtype: {class_label: {names: ...}}}``."""
    for key in ("dtype", "list", "sequence", "class_label"):
        inner = value.get(key) if isinstance(value, dict) else None
        if isinstance(inner, dict) and key == "class_label":
            names = inner.get("names")
            if isinstance(names, dict):
                by_number = {str(number): name for number, name in names.items()}
                names = [by_number.get(str(number)) for number in range(len(by_number))]
            whole = isinstance(names, list) and None not in names
            return {"_type": "ClassLabel", "names": names} if whole else None
        if isinstance(inner, dict):
            return _as_feature(inner)
    return None


def _numbers(values: pd.Series) -> list[Any] | None:
    """Whole numbers, or lists of them as JSON; None where the column holds anything else."""
    if values.dtype.kind in "iu":
        return [None if pd.isna(value) else int(value) for value in values]
    if not isinstance(values.dtype, pd.StringDtype):
        return None
    try:
        found = [None if pd.isna(cell) else json.loads(cell) for cell in values]
    except ValueError:
        return None
    lists = [each for each in found if each is not None]
    whole = all(isinstance(each, list) and all(type(number) is int for number in each) for each in lists)
    return found if lists and whole else None
