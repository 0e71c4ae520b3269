"""What is taken home holds all that was uploaded, and reads back as the same texts."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelling.export import answered_frame, labelled_frame, to_csv, to_jsonl, to_parquet
from labelling.readers import Dataset, guess_answer_columns, make_dataset, read_answers, read_table

ODD = [
    "", " ", "  lead and trail  ", "a\r\nb", "a\rb", "\r", "\n", "\r\r\n", "tab\t", '"', '""', 'say "hi"',
    "'", "''", "=1+1", "'=1+1", "''=1+1", "-5", "'-5", "+3.2e4", "-x", "@x", "\t=x", "\0", "a\0b",
    "＝1", "😀", "\ufeff", "NA", "null", "007", "a,b;c|d", "\u2028", "\x1a", "\\", '\\"', "#", "{}", "text",
]  # fmt: skip
# Mostly the characters that break things, in texts short enough to try many.
ODD_TEXT = st.text(st.sampled_from("\"',;|\t\r\n\0=+-@'＝ a5.\\\ufeff😀\u2028{[<"), max_size=8) | st.text(
    st.characters(exclude_categories=["Cs"])
)


def dataset(**columns: list) -> Dataset:
    return Dataset(pd.DataFrame(columns), next(iter(columns)))


def labelled(data: Dataset, **options: bool) -> pd.DataFrame:
    n = len(data)
    times = np.array(["2025-01-31T09:30:00"] * n, dtype="datetime64[us]")
    return labelled_frame(data, ["x", None, "=z"][:n] + [None] * (n - 3), times, ["lasso"] * n, **options)


@pytest.mark.parametrize(("write", "name"), [(to_csv, "a.csv"), (to_jsonl, "a.jsonl"), (to_parquet, "a.parquet")])
def test_odd_texts_come_back(write, name):
    frame = labelled(dataset(text=ODD))
    table = read_table(write(frame), name)
    assert table.frame["text"].tolist() == ODD
    assert list(table.frame.columns) == ["text", "label", "labelled_at", "source"]
    assert table.frame["label"].fillna("").tolist()[:3] == ["x", "", "=z"]
    assert not table.notes


@given(
    st.lists(ODD_TEXT, min_size=1, max_size=5),
    ODD_TEXT.filter(lambda name: name.strip() and name not in ("label", "labelled_at", "source")),
)
def test_any_text_and_column_name_come_back(texts, name):
    frame = labelled(dataset(**{name: texts}))
    for write, ending in ((to_csv, "csv"), (to_jsonl, "jsonl"), (to_parquet, "parquet")):
        back = read_table(write(frame), f"a.{ending}").frame
        assert back.columns.tolist() == frame.columns.tolist()
        assert back[name].tolist() == texts


def test_csv_is_safe_in_a_spreadsheet():
    data = to_csv(labelled(dataset(**{"=text": ["=cmd()", "-5", "'=x"], "n": [-1, 2, 3]})))
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row[:2] for row in rows] == [["'=text", "n"], ["'=cmd()", "-1"], ["-5", "2"], ["''=x", "3"]]
    assert [row[2] for row in rows] == ["label", "x", "", "'=z"]


@pytest.mark.parametrize(
    "data",
    [
        b"text,label,labelled_at,source\n'=x,a,b,c\n",  # no byte order mark
        "text,label,source,labelled_at\n'=x,a,b,c\n".encode("utf-8-sig"),
        "text,label,labelled_at,source,more\n'=x,a,b,c,d\n".encode("utf-8-sig"),
        "text;label;labelled_at;source\n'=x;a;b;c\n".encode("utf-8-sig"),
    ],
)
def test_apostrophes_of_other_files_stay(data):
    assert read_table(data, "a.csv").frame["text"].tolist() == ["'=x"]


def test_everything_uploaded_comes_out_in_its_order():
    data = dataset(text=["b", "a", "c"], label=["old", "", "new"], n=[3, 1, 2], original_label=["p", "q", "r"])
    frame = labelled(data)
    assert list(frame.columns) == [
        "text", "original_original_label", "n", "original_label", "label", "labelled_at", "source"
    ]  # fmt: skip
    assert frame["original_original_label"].tolist() == ["old", "", "new"]
    assert frame["text"].tolist() == ["b", "a", "c"]
    assert frame["labelled_at"].tolist() == ["2025-01-31T09:30:00Z"] * 3
    assert list(data.frame.columns) == ["text", "label", "n", "original_label"]  # the dataset is untouched


def test_an_export_can_be_uploaded_and_exported_again():
    first = labelled(dataset(text=["=a", "b", "'=c"]))
    table = read_table(to_csv(first), "a.csv")
    second = labelled(make_dataset(table, "text", "label"))
    back = read_table(to_csv(second), "a.csv").frame
    assert back["text"].tolist() == ["=a", "b", "'=c"]
    assert back["original_label"].tolist() == ["x", "", "=z"]
    assert back.columns.tolist()[-3:] == ["label", "labelled_at", "source"]


def test_only_labelled_rows_keep_their_numbers():
    frame = labelled(dataset(text=["a", "b", "c"]), only_labelled=True)
    assert frame.index.tolist() == [0, 2]
    assert len(read_table(to_csv(frame), "a.csv").frame) == 2


def test_times_are_utc_whatever_comes():
    data = dataset(text=["a", "b", "c"])
    given_times = ["2025-01-31T10:30:00+01:00", None, "2025-01-31T09:30:00.123456Z"]
    frame = labelled_frame(data, ["x", None, "y"], given_times, [None] * 3)
    assert frame["labelled_at"].fillna("").tolist() == ["2025-01-31T09:30:00Z", "", "2025-01-31T09:30:00Z"]
    assert labelled_frame(data, ["x"] * 3, None, [None] * 3)["labelled_at"].isna().all()
    assert labelled_frame(data, [None] * 3, [None] * 3, [None] * 3, only_labelled=True).empty


def test_values_keep_their_types():
    data = dataset(
        text=["a", None, "c"],
        n=pd.array([1, None, 2**60 + 1], dtype="Int64"),
        f=[0.1, np.nan, np.inf],
        b=[True, False, True],
        when=pd.to_datetime(["2024-01-02", None, "2024-01-02T03:04:05"], format="ISO8601"),
    )
    rows = [json.loads(line) for line in to_jsonl(labelled(data)).decode().splitlines()]
    assert rows[1]["text"] is None
    assert [row["n"] for row in rows] == [1, None, 2**60 + 1]
    assert [row["f"] for row in rows] == [0.1, None, None]
    assert [row["b"] for row in rows] == [True, False, True]
    assert [row["when"] for row in rows] == ["2024-01-02T00:00:00", None, "2024-01-02T03:04:05"]
    back = read_table(to_parquet(labelled(data)), "a.parquet").frame
    assert back["n"].dropna().tolist() == [1, 2**60 + 1]
    assert back["when"].tolist()[2] == pd.Timestamp("2024-01-02T03:04:05")
    assert read_table(to_csv(labelled(data)), "a.csv").frame["n"].tolist() == ["1", "", str(2**60 + 1)]


def test_one_value_a_row():
    data = dataset(text=["a", "b"])
    with pytest.raises(ValueError, match="label must have one value for each of the 2 rows, got 1"):
        labelled_frame(data, ["x"], None, ["lasso", None])
    with pytest.raises(ValueError, match="source must have"):
        labelled_frame(data, ["x", None], None, [])


def test_reading_and_writing_csv_loads_nothing_heavy():
    code = (
        "import sys; from labelling import export, readers; readers.read_table(b'text\\na b\\n', 'a.csv');"
        "print([m for m in ('torch', 'sklearn', 'umap', 'openpyxl', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- yes, no and unknown for each label

ANSWERS = pd.DataFrame({"a": [1.0, 0.0, np.nan], "=b": [1.0, np.nan, np.nan]})


def answered(data: Dataset, *, nested: bool) -> pd.DataFrame:
    return answered_frame(data, ANSWERS, [None] * 3, ["lasso", "box", None], nested=nested)


def test_answers_as_columns_and_nested() -> None:
    data = dataset(text=["x", "y", "z"])
    flat = answered(data, nested=False)
    assert flat.columns.tolist() == ["text", "label: a", "label: =b", "label", "labelled_at", "source"]
    assert flat["label: a"].fillna("").tolist() == ["yes", "no", ""]
    assert flat["label"].fillna("").tolist() == ["a; =b", "", ""]
    assert answered(data, nested=True)["cats"].tolist() == [{"a": 1, "=b": 1}, {"a": 0}, {}]


@pytest.mark.parametrize(
    ("write", "ending", "nested"), [(to_csv, "csv", False), (to_jsonl, "jsonl", True), (to_parquet, "parquet", False)]
)
def test_answers_come_back_as_they_were(write, ending, nested) -> None:
    data = dataset(text=["x y", "y z", "z x"], cats=['{"a": 1}', "", ""], **{"label: a": ["kept", "as", "it is"]})
    frame = read_table(write(answered(data, nested=nested)), f"a.{ending}").frame
    back = read_answers(frame, guess_answer_columns(frame) if not nested else ["cats"])
    pd.testing.assert_frame_equal(back[["a", "=b"]], ANSWERS, check_dtype=False)
    assert frame["text"].tolist() == ["x y", "y z", "z x"]
    kept = "label: a" if nested else "original_label: a"
    assert frame[kept].tolist() == ["kept", "as", "it is"]
