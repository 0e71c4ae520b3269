"""What is taken home holds all that was uploaded, and reads back as the same texts."""

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelling.csv_injection import guard
from labelling.formats import frames
from labelling.formats.delimited import read_csv, to_csv, to_excel_csv
from labelling.formats.frames import file_name, label_values_frame, labelled_frame
from labelling.formats.jsonl import read_jsonl, to_jsonl
from labelling.formats.parquet import read_parquet, to_parquet
from labelling.formats.registry import FORMATS
from labelling.readers import Dataset, guess_label_value_columns, read_label_values, read_table
from labelling.readers.exported import is_exports_name

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


WRITERS = [(to_csv, "csv"), (to_excel_csv, "csv"), (to_jsonl, "jsonl"), (to_parquet, "parquet")]


@pytest.mark.parametrize(("write", "ending"), WRITERS)
def test_odd_texts_come_back(write, ending):
    frame = labelled(dataset(text=ODD))
    table = read_table(write(frame), f"a.{ending}")
    assert table.frame["text"].tolist() == ODD
    assert list(table.frame.columns) == ["text", "label", "labelled_at", "source"]
    assert table.frame["label"].fillna("").tolist()[:3] == ["x", "", "=z"]
    assert not table.notes


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=50, database=None)
@given(
    st.lists(ODD_TEXT, min_size=1, max_size=5),
    ODD_TEXT.filter(lambda name: name.strip() and not is_exports_name(name)),
)
def test_any_text_and_column_name_come_back(texts, name):
    frame = labelled(dataset(**{name: texts}))
    for write, ending in WRITERS:
        back = read_table(write(frame), f"a.{ending}").frame
        assert back.columns.tolist() == frame.columns.tolist()
        assert back[name].tolist() == texts


@settings(derandomize=True, deadline=None, max_examples=50, database=None)
@given(st.lists(ODD_TEXT, min_size=1, max_size=5), ODD_TEXT.filter(str.strip))
def test_csv_for_programs_is_read_by_programs(texts, name):
    frame = labelled(dataset(text=texts, **{name: texts} if name != "text" else {}))
    data = to_csv(frame)
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    assert header == list(frame.columns)
    assert [row[0] for row in rows] == texts
    by_pandas = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
    assert by_pandas.columns.tolist() == header
    assert by_pandas.to_numpy().tolist() == rows


def test_csv_for_programs_is_plain():
    data = to_csv(labelled(dataset(**{"=text": ["=cmd()", "-5", "'=x"], "n": [-1, 2, 3]})))
    assert data.decode().split("\r\n") == [
        '"=text","n","label","labelled_at","source"',
        "=cmd(),-1,x,2025-01-31T09:30:00Z,lasso",
        "-5,2,,2025-01-31T09:30:00Z,lasso",
        "'=x,3,=z,2025-01-31T09:30:00Z,lasso",
        "",
    ]
    assert (
        to_csv(labelled(dataset(text=["ä"])))
        == "text,label,labelled_at,source\r\nä,x,2025-01-31T09:30:00Z,lasso\r\n".encode()
    )


@pytest.mark.parametrize("name", ["\ufefftext", "PAR1", "PK\x03\x04", "%PDF-1", "{", "<html>", "a\rb", "sep=;"])
def test_the_first_name_is_not_taken_for_another_kind_of_file(name):
    texts = ["'=a", "b\rc"]
    for write in (to_csv, to_excel_csv):
        table = read_table(write(labelled(dataset(**{name: texts}))), "a.csv")
        assert table.frame[name].tolist() == texts
        assert not table.notes


def test_texts_of_zeros_are_no_binary_file():
    texts = ["\0" * 500, "\0"]
    for write in (to_csv, to_excel_csv):
        assert read_table(write(labelled(dataset(text=texts))), "a.csv").frame["text"].tolist() == texts


def test_csv_for_excel_is_safe_in_a_spreadsheet():
    texts = ["=cmd()", "-5", "'=x", "a;=b"]
    data = to_excel_csv(labelled(dataset(**{"=text": texts, "n": [-1, 2, 3, 4]})))
    assert data.startswith(b'\xef\xbb\xbf"\'=text","n",')
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row[:2] for row in rows] == [["'=text", "n"], ["'=cmd()", "-1"], ["-5", "2"], ["''=x", "3"], ["a;'=b", "4"]]
    assert [row[2] for row in rows] == ["label", "x", "", "'=z", ""]
    saved = io.StringIO(newline="")  # as Excel saves it: with quotes only where they are needed
    csv.writer(saved).writerows(rows)
    assert read_table(saved.getvalue().encode("utf-8-sig"), "a.csv").frame["=text"].tolist() == texts


def test_only_what_an_export_has_put_on_is_taken_off():
    texts = ["'-5", "'=a;=b", "''", "'a", "it's"]  # none of them can come from an export for Excel
    data = pd.DataFrame({"text": texts, "label": "x", "labelled_at": "", "source": ""})
    for name in ("a.csv", "a.txt"):
        assert read_table(data.to_csv(index=False).encode("utf-8-sig"), name).frame["text"].tolist() == texts
    both = "'=a,=a,label,labelled_at,source\n'=x,y,a,b,c\n".encode("utf-8-sig")
    assert read_table(both, "a.csv").frame.columns.tolist()[:2] == ["'=a", "=a"]


def test_an_export_that_was_damaged_is_mended_as_other_csv_is():
    data = to_excel_csv(labelled(dataset(text=["=a", "b"]))) + b'"\'=c"\r\n'
    table = read_table(data, "a.csv")
    assert table.frame["text"].tolist() == ["=a", "b", "=c"]
    assert "too few cells" in table.notes[0]


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
    assert frame["labelled_at"].tolist() == [pd.Timestamp("2025-01-31T09:30:00Z")] * 3
    assert list(data.frame.columns) == ["text", "label", "n", "original_label"]  # the dataset is untouched


@pytest.mark.parametrize("write", [write for write, _ in WRITERS])
def test_what_is_written_in_parts_is_the_same(write, monkeypatch) -> None:
    n = len(ODD)
    columns = {"whole": range(n), "float": np.linspace(-1, 1, n), "yes": [True, False] * (n // 2) + [True] * (n % 2)}
    frame = labelled(dataset(text=ODD, gaps=[1.5, None] * (n // 2) + [2.0] * (n % 2), **columns))
    frame["Int64"] = pd.Series([1, None] * (n // 2) + [3] * (n % 2), dtype="Int64")
    whole = write(frame)
    monkeypatch.setattr(frames, "PART", 7)
    assert write(frame) == whole


def test_only_labelled_rows_keep_their_numbers():
    frame = labelled(dataset(text=["a", "b", "c"]), only_labelled=True)
    assert frame.index.tolist() == [0, 2]
    assert len(read_table(to_csv(frame), "a.csv").frame) == 2


def test_times_are_utc_whatever_comes():
    data = dataset(text=["a", "b", "c"])
    given_times = ["2025-01-31T10:30:00+01:00", None, "2025-01-31T09:30:00.123456Z"]
    frame = labelled_frame(data, ["x", None, "y"], given_times, [None] * 3)
    assert frame["labelled_at"].dtype == "datetime64[us, UTC]"
    assert read_csv(to_csv(frame))["labelled_at"].tolist() == [
        "2025-01-31T09:30:00Z",
        "",
        "2025-01-31T09:30:00Z",
    ]
    assert labelled_frame(data, ["x"] * 3, None, [None] * 3)["labelled_at"].isna().all()
    assert labelled_frame(data, [None] * 3, [None] * 3, [None] * 3, only_labelled=True).empty


def test_values_keep_their_types():
    data = dataset(
        text=["a", None, "c"],
        n=pd.array([1, None, 2**60 + 1], dtype="Int64"),
        big=["123456789012345678901234567890", None, "1"],
        f=[0.1, np.nan, np.inf],
        b=[True, False, True],
        maybe=pd.array([True, None, False], dtype="boolean"),
        when=pd.to_datetime(["2024-01-02", None, "2024-01-02T03:04:05"], format="ISO8601"),
        there=pd.to_datetime(["2024-01-02T03:04:05.678901+02:00"] * 3),
    )
    content = to_jsonl(labelled(data))
    assert b"NaN" not in content
    assert b"Infinity" not in content
    rows = [json.loads(line) for line in content.decode().splitlines()]
    assert rows[0] == {
        "text": "a", "n": 1, "big": "123456789012345678901234567890", "f": 0.1, "b": True, "maybe": True,
        "when": "2024-01-02T00:00:00", "there": "2024-01-02T03:04:05.678901+02:00",
        "label": "x", "labelled_at": "2025-01-31T09:30:00Z", "source": "lasso",
    }  # fmt: skip
    assert rows[1]["text"] is None
    assert [json.dumps(row["n"]) for row in rows] == ["1", "null", str(2**60 + 1)]
    assert [row["f"] for row in rows] == [0.1, None, None]
    assert [row["maybe"] for row in rows] == [True, None, False]
    assert [row["when"] for row in rows] == ["2024-01-02T00:00:00", None, "2024-01-02T03:04:05"]
    assert read_table(to_csv(labelled(data)), "a.csv").frame["n"].tolist() == ["1", "", str(2**60 + 1)]


def test_parquet_has_the_types():
    data = dataset(
        text=["a", None, "c"],
        n=pd.array([1, None, 2**60 + 1], dtype="Int64"),
        whole=[2**62 + 1, 2, 3],
        b=[True, False, True],
        maybe=pd.array([True, None, False], dtype="boolean"),
        f=[0.1, np.nan, np.inf],
        day=pd.to_datetime(["2024-01-02", None, "2024-01-02"]),
        there=pd.to_datetime(["2024-01-02T03:04:05.678901+02:00"] * 3),
    )
    table = pq.read_table(io.BytesIO(to_parquet(labelled(data))))
    types = {field.name: str(field.type).removeprefix("large_") for field in table.schema}
    assert types == {
        "text": "string", "n": "int64", "whole": "int64", "b": "bool", "maybe": "bool", "f": "double",
        "day": "timestamp[us]", "there": "timestamp[us, tz=+02:00]",
        "label": "string", "labelled_at": "timestamp[us, tz=UTC]", "source": "string",
    }  # fmt: skip
    assert table["n"].to_pylist() == [1, None, 2**60 + 1]
    assert table["whole"].to_pylist() == [2**62 + 1, 2, 3]
    assert table["maybe"].to_pylist() == [True, None, False]
    assert table["text"].to_pylist() == ["a", None, "c"]
    assert table["f"].to_pylist()[2] == np.inf
    assert table["labelled_at"].to_pylist()[0] == datetime(2025, 1, 31, 9, 30, tzinfo=UTC)
    back = read_table(to_parquet(labelled(data)), "a.parquet").frame
    assert back["n"].dtype == "Int64"
    assert back["day"].tolist()[2] == pd.Timestamp("2024-01-02")


@pytest.mark.slow
def test_no_answers_and_no_rows_are_written_in_every_format():
    nothing = dataset(text=[], n=pd.array([], dtype="Int64"))
    for form in FORMATS.values():
        assert len(form.read(form.write(labelled_frame(nothing, [], None, [])))) == 0
    data = dataset(text=["a", "b"])
    none = pd.DataFrame(index=range(2))
    unknown = pd.DataFrame({"x": [np.nan, np.nan]})
    for label_values in (none, unknown):
        for write, ending in WRITERS:
            for nested in (False, True):
                frame = label_values_frame(data, label_values, None, [None, None], nested=nested)
                back = read_table(write(frame), f"a.{ending}").frame
                assert back["text"].tolist() == ["a", "b"]
                assert read_label_values(back, guess_label_value_columns(back)).notna().to_numpy().sum() == 0


def test_what_is_shown_is_what_is_in_the_file():
    frame = answered(dataset(text=["=x", None, "z"], n=pd.array([1, None, 2], dtype="Int64")), nested=True)
    for write in (to_csv, to_excel_csv):
        shown = read_csv(write(frame))
        assert shown["text"].tolist() == [guard("=x") if write is to_excel_csv else "=x", "", "z"]
        assert shown["n"].tolist() == ["1", "", "2"]
    shown = read_jsonl(to_jsonl(frame))
    assert shown["n"].tolist()[::2] == ["1", "2"]
    assert shown["cats"].tolist() == ['{"a": 1, "=b": 1}', '{"a": 0}', "{}"]
    assert shown["text"].isna().tolist() == [False, True, False]
    assert read_parquet(to_parquet(frame))["n"].dropna().tolist() == [1, 2]


def test_one_value_a_row():
    data = dataset(text=["a", "b"])
    with pytest.raises(ValueError, match="label must have one value for each of the 2 rows, got 1"):
        labelled_frame(data, ["x"], None, ["lasso", None])
    with pytest.raises(ValueError, match="source must have"):
        labelled_frame(data, ["x", None], None, [])


@pytest.mark.parametrize(
    ("project", "name"),
    [
        ("reviews.csv", "reviews-labelled.csv"),
        ("Demo: support inbox", "Demo-support-inbox-labelled.csv"),
        ("v1.5 of the texts", "v1-5-of-the-texts-labelled.csv"),
        ("../../etc/passwd", "etc-passwd-labelled.csv"),
        ("C:\\con\\nul.jsonl", "C-con-nul-labelled.csv"),
        ('a"b\r\nc: d', "a-b-c-d-labelled.csv"),
        ("顧客の声", "顧客の声-labelled.csv"),
        ("...", "texts-labelled.csv"),
        ("\U00020000" * 300, "\U00020000" * 50 + "-labelled.csv"),
    ],
)
def test_the_name_of_the_file_is_safe(project, name):
    assert file_name(project, "labelled.csv") == name
    assert len(name.encode()) <= 255


def test_reading_and_writing_csv_loads_nothing_heavy():
    code = (
        "import sys; import labelling.formats.registry; from labelling import readers;"
        " readers.read_table(b'text\\na b\\n', 'a.csv');"
        "print([m for m in ('torch', 'sklearn', 'umap', 'openpyxl', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- yes, no and unknown for each label

ANSWERS = pd.DataFrame({"a": [1.0, 0.0, np.nan], "=b": [1.0, np.nan, np.nan]})


def answered(data: Dataset, *, nested: bool) -> pd.DataFrame:
    return label_values_frame(data, ANSWERS, [None] * 3, ["lasso", "box", None], nested=nested)


def test_answers_as_columns_and_nested() -> None:
    data = dataset(text=["x", "y", "z"])
    flat = answered(data, nested=False)
    assert flat.columns.tolist() == ["text", "label: a", "label: =b", "label", "labelled_at", "source"]
    assert flat["label: a"].fillna("").tolist() == ["yes", "no", ""]
    assert flat["label"].fillna("").tolist() == ["a; =b", "", ""]
    assert answered(data, nested=True)["cats"].tolist() == [{"a": 1, "=b": 1}, {"a": 0}, {}]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("write", "ending"), WRITERS)
def test_answers_come_back_as_they_were(write, ending, nested) -> None:
    data = dataset(text=["x y", "y z", "z x"], cats=['{"a": 1}', "", ""], **{"label: a": ["kept", "as", "it is"]})
    frame = read_table(write(answered(data, nested=nested)), f"a.{ending}").frame
    found = guess_label_value_columns(frame)
    assert found == (["cats"] if nested else ["label: a", "label: =b"])
    pd.testing.assert_frame_equal(read_label_values(frame, found), ANSWERS)
    assert frame["text"].tolist() == ["x y", "y z", "z x"]
    assert frame["original_cats"].tolist() == ['{"a": 1}', "", ""]
    assert frame["original_label: a"].tolist() == ["kept", "as", "it is"]


def test_columns_of_the_names_that_an_export_has_are_renamed_in_every_kind() -> None:
    names = [
        "text",
        "Label",
        " source",
        "CATS",
        "label: x",
        "labels",
        "label:x",
        "labelled",
        "my source",
        "original_label",
    ]
    data = dataset(**{name: ["a", "b", "c"] for name in names})
    renamed = [f"original_{name}" if name in ("Label", " source", "CATS", "label: x") else name for name in names]
    assert labelled(data).columns.tolist()[:-3] == renamed
    assert answered(data, nested=False).columns.tolist()[:-5] == renamed
    assert answered(data, nested=True).columns.tolist()[:-4] == renamed
