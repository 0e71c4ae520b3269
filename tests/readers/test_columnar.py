"""Parquet files and Excel workbooks, whole and damaged."""

import datetime
import io

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelling.readers import ReadError, Table, columnar, guess_text_column, make_dataset, read_table


def column(table: Table, name: str = "text") -> list:
    return table.frame[name].tolist()


def xlsx(rows: list[list], **sheets: list[list]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, more in sheets.items():
        sheet = book.create_sheet(title)
        for row in more:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


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


def test_a_nested_column_is_never_guessed_as_the_text():
    nested = pa.table({"doc": [{"body": "a long text of many words"}] * 3, "id": [1, 2, 3]})
    table = read_table(parquet(nested), "a.parquet")
    assert guess_text_column(table.frame) is None
    with pytest.raises(ReadError, match="no text column"):
        make_dataset(table, guess_text_column(table.frame))


def test_parquet_index_of_pandas_stays_as_a_column():
    out = io.BytesIO()
    pd.DataFrame({"text": ["a", "b"]}, index=pd.Index([7, 8], name="id")).to_parquet(out)
    table = read_table(out.getvalue(), "a.parquet")
    assert table.frame["id"].tolist() == [7, 8]
    assert table.frame.index.tolist() == [0, 1]


def test_xlsx():
    data = xlsx(
        [
            [None],
            ["text", "n", "when", None, 2024],
            ["a", 1, datetime.datetime(2024, 1, 2), True, None],
            [],
            [5, 2.5, datetime.datetime(2024, 1, 2, 3, 4), None, "x_x000D_y"],
        ],
        Other=[["text"], ["no"]],
    )
    table = read_table(data, "a.xlsx")
    assert list(table.frame.columns) == ["text", "n", "when", "column_4", "2024"]
    assert column(table) == ["a", "5"]
    assert column(table, "n") == [1, 2.5]
    assert column(table, "when") == ["2024-01-02", "2024-01-02T03:04:00"]
    assert column(table, "2024")[1] == "x\ry"
    notes = " ".join(table.notes)
    assert "'Other'" in notes
    assert "2 blank rows skipped" in notes
    assert any("named" in note for note in read_table(data, "a.csv").notes)


def test_damaged_workbooks():
    whole = xlsx([["text"], ["a"]])
    with pytest.raises(ReadError, match="can't be read"):
        read_table(whole[: len(whole) // 2], "a.xlsx")
    with pytest.raises(ReadError, match="only a header"):
        read_table(xlsx([["text"]]), "a.xlsx")
    with pytest.raises(ReadError, match="is empty"):
        read_table(xlsx([]), "a.xlsx")


def test_archives_that_unpack_to_too_much(monkeypatch):
    monkeypatch.setattr(columnar, "MAX_BYTES", 100)
    with pytest.raises(ReadError, match="unpacks to"):
        read_table(xlsx([["text"], ["a"]]), "a.xlsx", max_bytes=10**6)
