"""Files in parts: the rows that the reader of whole files gives, or a clear refusal."""

from pathlib import Path

import pandas as pd
import pytest

from labelling.dataset import ReadError
from labelling.readers import parts, read_table
from labelling.readers.parts import open_parts

HARD = ['a "quoted", text', "two\r\nlines", "", "  spaces ", "=1+1", "naïve ☃", "007", "NA", "last"]
FRAME = pd.DataFrame({"id": [f"{n:02}" for n in range(9)], "text": HARD}, dtype="str")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of four rows."""
    monkeypatch.setattr(parts, "ROWS", 4)


def frames(path: Path) -> list[pd.DataFrame]:
    opened = open_parts(path)
    found = list(opened)
    assert opened.done == opened.total
    assert [list(frame.index) for frame in found] == [list(range(len(frame))) for frame in found]
    assert [len(frame) for frame in list(opened)] == [len(frame) for frame in found], "it can be gone through again"
    return found


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.xlsx", "a.csv.gz"])
def test_they_are_the_rows_that_the_whole_file_has(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("jsonl"):
        FRAME.to_json(path, orient="records", lines=True)
    elif name.endswith("parquet"):
        FRAME.to_parquet(path, row_group_size=3)
    elif name.endswith("xlsx"):
        FRAME.to_excel(path, index=False)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if "tsv" in name else ",", lineterminator="\r\n")
    found = frames(path)
    assert [len(frame) for frame in found] == [4, 4, 1]
    whole = read_table(path.read_bytes(), name).frame
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), whole, check_dtype=False)
    if not name.endswith("xlsx"):
        assert whole["text"].tolist() == HARD


def test_a_column_may_come_late_and_change_its_kind(tmp_path: Path) -> None:
    lines = ['{"text": "a", "n": 1}'] * 4 + ["", '{"text": "b", "n": 1.5, "new": [1]}', '"alone"']
    first, second = frames(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert first["n"].tolist() == [1] * 4
    assert second.columns.tolist() == ["text", "n", "new"]
    assert second["new"].tolist()[0] == "[1]"
    assert second["text"].tolist() == ["b", "alone"]


def test_parquet_has_its_types_and_its_labels_by_name(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "text": list("abcdef"),
            "n": pd.array([1, None, 3, 4, 5, 6], "Int64"),
            "when": pd.to_datetime(["2026-01-02"] * 6),
        }
    )
    frame["kind"] = pd.Categorical(["x", "y"] * 3)
    frame.to_parquet(tmp_path / "a.parquet")
    first, second = frames(tmp_path / "a.parquet")
    assert first["n"].dtype == "Int64"
    assert first["n"].isna().tolist() == [False, True, False, False]
    assert second["kind"].tolist() == ["x", "y"]
    assert second["when"].dtype.kind == "M"


def test_the_header_is_found_and_left_out_where_it_comes_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id;text\n1;one\n\nid;text\n2;two\n3\n4;four;;\n")
    (found,) = frames(path)
    assert found["id"].tolist() == ["1", "2", "3", "4"]
    assert found["text"].tolist() == ["one", "two", "", "four"]


def test_an_export_for_excel_loses_its_guards(tmp_path: Path) -> None:
    from labelling.formats.delimited import to_excel_csv

    frame = pd.DataFrame({"=text": ["=1+1"], "label": ["-a"], "labelled_at": [None], "source": ["lasso"]})
    (found,) = frames(write(tmp_path / "a.csv", to_excel_csv(frame)))
    assert found["=text"].tolist() == ["=1+1"]
    assert found["label"].tolist() == ["-a"]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings(tmp_path: Path, codec: str) -> None:
    text = "id,text\n" + "".join(f"{n},die schöne Größe für Süßes über der Straße\n" for n in range(6))
    assert sum(len(frame) for frame in frames(write(tmp_path / "a.csv", text.encode(codec)))) == 6
    assert frames(tmp_path / "a.csv")[1]["text"].tolist() == ["die schöne Größe für Süßes über der Straße"] * 2
    assert [note[:42] for note in open_parts(tmp_path / "a.csv").notes] == (
        ["The encoding isn't UTF-8. It looks like cp"] if codec == "cp1252" else []
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"id,text\n1,a\n2,b\n3,c\n4,d\n5,e,f\n", "Line 6 has 3 cells"),
        ("a.csv", b"id,text\n" + b"1,a\n" * 5000 + b"5,e,f\n", "Line 5,002 of a.csv has 3 cells"),
        ("a.csv", b"id,text\n" + b"1,a\n" * 5000 + b'2,"b" c\n' + b"3,d\n" * 5, "line 5,002"),
        ("a.csv", b"id,text\n" + "1,é\n".encode() * 9 + b"2,\xe9\n", "mixes encodings"),
        ("a.csv", b"id,text\n" + b"1,a\n" * 9 + b"2,\xc3", "cut off"),
        ("a.jsonl", b'{"text": "a"}\n' * 6 + b"{broken\n", "Line 7, column 2"),
        ("a.jsonl", b'{"text": "a"}\n' * 6 + b"3\n", "Line 7 holds a number"),
        ("a.parquet", b"PAR1 nothing", "Parquet file"),
        ("a.parquet", b"text\na\n", "not a Parquet file"),
        ("a.csv", b"\xd0\xcf\x11\xe0" * 10, "mixes encodings|binary|can't be found out"),
    ],
)
def test_what_can_not_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, message: str
) -> None:
    monkeypatch.setattr(parts, "HEAD", 1_000)
    with pytest.raises(ReadError, match=message):
        list(open_parts(write(tmp_path / name, content)))


def test_csv_that_only_the_whole_reader_understands_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mysql = 'id,text\n1,"a \\"b\\" c"\n' * 3
    with pytest.raises(ReadError, match="Save it as UTF-8 CSV"):
        list(open_parts(write(tmp_path / "a.csv", mysql)))
    with pytest.raises(ReadError, match="can't be read: No such file"):
        open_parts(tmp_path / "nowhere.csv")


def test_the_head_ends_outside_of_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "HEAD", 60)
    text = "id,text\n" + "".join(f'{n},"line one\nline, two"\n' for n in range(9))
    found = frames(write(tmp_path / "a.csv", text))
    assert [cell for frame in found for cell in frame["text"]] == ["line one\nline, two"] * 9


def test_another_file_has_another_digest(tmp_path: Path) -> None:
    one, two = (open_parts(write(tmp_path / f"{text}.csv", f"text\n{text}\n")) for text in ("a", "b"))
    assert one.digest != two.digest
