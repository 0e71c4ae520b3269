"""Parquet files."""

import datetime
import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelling.readers import Table, guess_text_column, make_dataset, read_labels, read_table
from tests.readers.helpers import DATA

pytestmark = pytest.mark.slow


def column(table: Table, name: str = "text") -> list:
    return table.frame[name].tolist()


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_parquet_types():
    table = read_table(
        parquet(
            pa.table(
                {
                    "text": ["a", None, "c\0d"],
                    "n": pa.array([1, None, 2**60 + 1]),
                    "when": pa.array([datetime.datetime(2024, 1, 2), None, None]),
                    "day": pa.array([datetime.date(2024, 1, 2), None, None]),
                    "kind": pa.array(["x", "x", None]).dictionary_encode(),
                    "who": pa.array([{"name": "ü"}, None, {"name": "b"}]),
                    "tags": pa.array([["p"], [], None]),
                    "raw": pa.array([b"abc", b"\xff", None]),
                }
            )
        ),
        "a.parquet",
    )
    frame = table.frame
    assert frame["text"].fillna("").tolist() == ["a", "", "c\0d"]
    assert frame["n"].dropna().tolist() == [1, 2**60 + 1]
    assert frame["when"][0] == pd.Timestamp("2024-01-02")
    assert frame["day"][0] == "2024-01-02"
    assert frame["kind"].fillna("").tolist() == ["x", "x", ""]
    assert frame["who"][0] == '{"name": "ü"}'
    assert frame["tags"].fillna("").tolist() == ['["p"]', "[]", ""]
    assert frame["raw"].fillna("").tolist() == ["abc", "ff", ""]
    assert any("'who', 'tags'" in note and "field" in note for note in table.notes)


def test_texts_inside_objects_come_out():
    nested = pa.table({"doc": [{"body": "a long text of many words"}] * 3, "id": [1, 2, 3]})
    table = read_table(parquet(nested), "a.parquet")
    assert guess_text_column(table.frame) == "doc.body"
    assert make_dataset(table, "doc.body").texts == ["a long text of many words"] * 3


def test_parquet_index_of_pandas_stays_as_a_column():
    out = io.BytesIO()
    pd.DataFrame({"text": ["a", "b"]}, index=pd.Index([7, 8], name="id")).to_parquet(out)
    table = read_table(out.getvalue(), "a.parquet")
    assert table.frame["id"].tolist() == [7, 8]
    assert table.frame.index.tolist() == [0, 1]


CLASS = {"names": ["card", "refund"], "_type": "ClassLabel"}
OLD_CLASS = {"num_classes": 2, "names": ["card", "refund"], "names_file": None, "id": None, "_type": "ClassLabel"}


def of_datasets(values: pa.Array, feature: object) -> bytes:
    """A file as the datasets library writes it."""
    table = pa.table({"text": ["a b"] * len(values), "label": values})
    info = {"info": {"features": {"text": {"dtype": "string", "_type": "Value"}, "label": feature}}}
    return parquet(table.replace_schema_metadata({"huggingface": json.dumps(info)}))


@pytest.mark.parametrize("feature", [CLASS, OLD_CLASS])
@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.int8()])
def test_names_of_class_labels(feature: dict, kind: pa.DataType):
    frame = read_table(of_datasets(pa.array([0, 1, None, -1, 0], kind), feature), "a.parquet").frame
    assert read_labels(frame, "label") == ["card", "refund", None, None, "card"]


@pytest.mark.parametrize(
    "feature",
    [
        [CLASS],
        [OLD_CLASS],
        {"feature": CLASS, "_type": "List"},
        {"feature": CLASS, "_type": "LargeList"},
        {"feature": CLASS, "length": -1, "_type": "Sequence"},
        {"feature": OLD_CLASS, "length": -1, "id": None, "_type": "Sequence"},
    ],
)
def test_names_of_lists_of_class_labels(feature: object):
    for kind in (pa.list_(pa.int64()), pa.large_list(pa.int64()), pa.list_(pa.int8(), 1)):
        values = [[0], [1], [-1], None] if pa.types.is_fixed_size_list(kind) else [[0], [1], [], None]
        frame = read_table(of_datasets(pa.array(values, kind), feature), "a.parquet").frame
        assert read_labels(frame, "label") == ["card", "refund", None, None]


def test_numbers_that_have_no_name_are_kept_and_counted():
    table = read_table(of_datasets(pa.array([0, 7, -2]), CLASS), "a.parquet")
    assert read_labels(table.frame, "label") == ["card", "7", "-2"]
    assert any("2 numbers in 'label'" in note and "0 to 1" in note for note in table.notes)


@pytest.mark.parametrize(
    ("values", "feature", "kept"),
    [
        (pa.array([{"y": 0}]), {"y": CLASS}, '{"y": 0}'),
        (pa.array([0]), {"dtype": "int64", "_type": "Value"}, 0),
        (pa.array([0]), {"_type": "ClassLabel"}, 0),
        (pa.array(["x"]), CLASS, "x"),
    ],
)
def test_other_features_stay_as_they_are(values: pa.Array, feature: object, kept: object):
    assert column(read_table(of_datasets(values, feature), "a.parquet"), "label") == [kept]


def test_metadata_that_is_broken_is_no_metadata():
    for metadata in (b"{", b"[]", b'{"info": 5}', b'{"info": {"features": []}}'):
        table = pa.table({"text": ["a"], "label": [1]}).replace_schema_metadata({"huggingface": metadata})
        assert column(read_table(parquet(table), "a.parquet"), "label") == [1]


def test_names_of_categories():
    out = io.BytesIO()
    labels = pd.Categorical(["b", "a", None, "b"], categories=["a", "b", "c"])
    numbers = pd.Categorical([10, 20, None, 10])
    pd.DataFrame({"text": "x y", "label": labels, "n": numbers}).to_parquet(out)
    frame = read_table(out.getvalue(), "a.parquet").frame
    assert read_labels(frame, "label") == ["b", "a", None, "b"]
    assert read_labels(frame, "n") == ["10", "20", None, "10"]


def test_folders_of_datasets():
    frame = read_table((DATA / "formats/hf.parquet").read_bytes(), "a.parquet").frame
    assert read_labels(frame, "label") == ["card", "card", "refund", "refund", None, None, None, "card"]
