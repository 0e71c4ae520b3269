"""The label of each row: from every format, however it is written."""

import ast
import io
import json

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelling.labels.label import names_to_import
from labelling.readers import ReadError, guess_label_column, read_labels, read_table
from labelling.readers.names import nested
from tests.readers.helpers import DATA

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def jsonl(values: list) -> bytes:
    return "\n".join(json.dumps({"text": "a b", "label": value}) for value in values).encode()


def workbook(values: list) -> bytes:
    book = openpyxl.Workbook()
    for row in [["text", "label"], *(["a b", value] for value in values)]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet(values: list) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"text": ["a b"] * len(values), "label": pa.array(values)}), out)
    return out.getvalue()


def pandas_parquet(values: list) -> bytes:
    out = io.BytesIO()
    pd.DataFrame({"text": "a b", "label": values}).to_parquet(out)
    return out.getvalue()


def csv(values: list) -> bytes:
    return pd.DataFrame({"text": "a b", "label": values}).to_csv(index=False).encode()


def csv_of_excel(values: list) -> bytes:
    cells = ["" if value is None else str(value).upper() if isinstance(value, bool) else value for value in values]
    return csv(cells)


FORMATS = {
    "jsonl": (jsonl, "a.jsonl"),
    "xlsx": (workbook, "a.xlsx"),
    "parquet": (parquet, "a.parquet"),
    "parquet of pandas": (pandas_parquet, "a.parquet"),
    "csv": (csv, "a.csv"),
    "csv of Excel": (csv_of_excel, "a.csv"),
}


def labels_of(data: bytes, name: str) -> list[str | None]:
    found = read_labels(read_table(data, name).frame, "label")
    assert names_to_import(found) == ["" if label is None else label for label in found], "they stay so in the log"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 1, 2, 1], ["0", "1", "2", "1"]),
        ([0, 1, None, 1], ["0", "1", None, "1"]),
        ([-1, 1, None], ["-1", "1", None]),
        ([0.0, 1.0, 2.0], ["0", "1", "2"]),
        ([0.0, 1.0, None], ["0", "1", None]),
        ([0.5, 1.5, None], ["0.5", "1.5", None]),
        ([1.0, 1.5, None], ["1.0", "1.5", None]),
        ([True, False, True], ["True", "False", "True"]),
        ([True, None, False], ["True", None, "False"]),
        ([f"  {COMPOSED}", DECOMPOSED, f"{DECOMPOSED}\u00a0"], [COMPOSED] * 3),
        (["a", "", " ", None, "nan"], ["a", None, None, None, "nan"]),
        (["1.0", "1.1"], ["1.0", "1.1"]),
        (["1.50", "2.00"], ["1.50", "2.00"]),
        (["007", "1"], ["007", "1"]),
        (["1.0", "n/a"], ["1.0", "n/a"]),
        (["true", "False", "TRUE"], ["True", "False", "True"]),
        (["true", "perhaps"], ["true", "perhaps"]),
        (["[URGENT]", "[deleted]", "{x}"], ["[URGENT]", "[deleted]", "{x}"]),
        (['["late"]', "[]", '["late", "late"]'], ["late", None, "late"]),
        (["['late']", "[]", "[None]", "['']"], ["late", None, None, None]),
        (["[1]", "[1.0]", "[true]", "[null]"], ["1", "1", "True", None]),
        (['{"choices": ["late"]}', "late", "{'choices': []}"], ["late", "late", None]),
    ],
)
def test_a_label_has_one_name_in_every_format(values: list, labels: list, kind: str) -> None:
    write, name = FORMATS[kind]
    assert labels_of(write(values), name) == labels


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([["late"], ["money"], [], None], ["late", "money", None, None]),
        ([[1], [2], []], ["1", "2", None]),
        ([[None], ["late", None], ["late", "late"], [" late "]], [None, "late", "late", "late"]),
        ([[f"a name that is longer than a button is wide {k}"] for k in range(3)], None),
        ([["a" * 70], ["b" * 70]], ["a" * 70, "b" * 70]),
        ([[DECOMPOSED], [COMPOSED]], [COMPOSED] * 2),
    ],
)
def test_lists_of_one_name(values: list, labels: list | None) -> None:
    labels = [value[0] for value in values] if labels is None else labels
    for write, name in ((jsonl, "a.jsonl"), (parquet, "a.parquet"), (csv, "a.csv")):
        assert labels_of(write(values), name) == labels


def test_lists_as_numpy_prints_them() -> None:
    assert labels_of(csv(["['late']", "['it is late']"]), "a.csv") == ["late", "it is late"]
    with pytest.raises(ReadError, match=r"late, it's cold"):
        labels_of(csv(["['late' \"it's cold\"]"]), "a.csv")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([["a"], ["a", "b"]], r"row 2 holds several labels \(a, b\).*kind \"Yes, no or unknown for each label\""),
        ([["a"], [["a", "b"]]], "row 2 holds no label of a whole text"),
        ([[[0, 5, "PER"]], []], r"row 1 holds no label of a whole text.*\[0, 5, \"PER\"\].*none"),
        ([[{"start": 0, "labels": ["PER"]}]], "marked parts"),
        ([{"a": 1, "b": 0}], 'row 1 holds answers.*kind "Yes, no or unknown'),
        ([{"choices": ["a", "b"]}], "several labels"),
    ],
)
def test_what_is_no_single_label_is_said(values: list, said: str) -> None:
    with pytest.raises(ReadError, match=said):
        labels_of(jsonl(values), "a.jsonl")


def test_the_cases() -> None:
    assert labels_of((DATA / "list_labels.jsonl").read_bytes(), "a.jsonl")[:3] == ["late", "money", "praise"]
    expected = ["0", "1", "2", None, "1", "2", "0", None]
    for name in ("labels_float.csv", "labels_float.parquet"):
        assert labels_of((DATA / name).read_bytes(), name) == expected


@pytest.mark.parametrize(
    ("values", "guessed"), [([["a"], ["b"], ["a"], []], True), ([["a", "b"], ["a"], ["b"]], False), ([[], []], False)]
)
def test_only_a_column_of_single_labels_is_suggested(values: list, guessed: bool) -> None:
    frame = read_table(jsonl(values), "a.jsonl").frame
    assert guess_label_column(frame, "text") == ("label" if guessed else None)


def test_a_list_is_read_where_pythons_parser_fails_for_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    literal_eval, failures = ast.literal_eval, [SystemError("AST constructor recursion depth mismatch")] * 3

    def sometimes(written: str) -> object:
        if failures:
            raise failures.pop()
        return literal_eval(written)

    monkeypatch.setattr(ast, "literal_eval", sometimes)
    assert nested("['late', 'cold']") == ["late", "cold"]
    assert not failures
