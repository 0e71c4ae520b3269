"""Small files that unpack to gigabytes, and others that break readers: a ReadError or a right table."""

import datetime
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from labelling.dataset import ReadOptions
from labelling.readers import (
    ReadError,
    Table,
    apart,
    guess_label_column,
    guess_label_value_columns,
    guess_text_column,
    read_label_values,
    read_table,
    tables,
)
from labelling.readers.columnar import read_parquet
from labelling.readers.workbook import read_xlsx
from tests.readers import bad_files
from tests.readers.bad_files import HEAD, KINDS, TEXTS, coded, good_workbook, parquet, repeated, workbook
from tests.readers.helpers import DATA

pytestmark = pytest.mark.slow

resource = pytest.importorskip("resource")
# Of processor time; KiB, as the system counts memory. What a busy machine parses at once comes on top: 0.9 to 1.0 GB.
SECONDS, GB = 20, 1_200_000

# The kinds that hold a table which can be read, and its rows and columns; all others are refused.
READ = {
    "XLSX: cells in column XFD alone": (1_998, 2),
    "XLSX: the last row alone": (1, 1),
    "XLSX: 42 million cells": (50, 2_000),
    "XLSX: empty shared texts without end": (1, 1),
    "XLSX: one shared text of 200 MB": (1, 1),
    "XLSX: styles without end": (1, 1),
    "XLSX: a number of 100,000 digits": (1, 1),
    "XLSX: a row below none": (1, 1),
    "XLSX: names that are paths": (3, 1),
    "XLSX: truths that are none": (1, 1),
    "XLSX: a date in the year 3,000,000": (2, 1),
    "XLSX: a number that is none": (1, 1),
    "Parquet: columns of one name": (3, 2),
    "Parquet: nothing but nulls": (3, 1),
    "Parquet: a map in each cell": (3, 2),
    "Parquet: texts that are no UTF-8": (150, 1),
    "Parquet: bytes for texts": (2, 1),
    "Parquet: dates in the year 300,000": (3, 3),
    "Parquet: fields in fields in fields": (10, 1),
    "zeros within texts": (2, 2),
    "CSV: commas": (999, 1),
    "CSV: a name of 5 MB": (2, 1),
    "CSV: empty lines without end": (1, 1),
    "CSV: one line of 10 MB and more": (1, 1),
    "TXT: ends of lines of all kinds": (2, 1),
    "UTF-8 of half a character": (1, 1),
    "JSON: a name of 10 MB": (1, 1),
    "JSON: half a character": (1, 1),
    "JSON: one name over and over": (1, 2),
    "JSON: no number": (2, 2),
    "JSON: a number beyond all": (1, 2),
    "JSON: lists in lists in a value": (1, 2),
    "JSON: lists in lists in cells": (20, 2),
    "JSON: signs before a number in cells": (20, 1),
    "JSON: sums in cells": (20, 1),
    "JSON: an object of lists without end": (100_001, 1),
}


@pytest.fixture(autouse=True)
def read_here() -> None:
    """Not here: the children are what is tested."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Of each bad file what came of it and what it cost.

    They are made in one process and read in another, so that the memory of the second is that of reading alone.
    """
    folder = tmp_path_factory.mktemp("bad")
    for step in ("make", "read"):
        command = [sys.executable, "-W", "ignore", "-m", "tests.readers.bad_files", step, str(folder)]
        subprocess.run(command, cwd=Path(__file__).parents[2], check=True)
    return json.loads((folder / "outcomes.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_bad_files(kind: str, outcomes: dict) -> None:
    outcome = outcomes[kind]
    assert outcome["seconds"] < SECONDS
    assert outcome["parent"] < GB
    assert outcome["child"] < GB
    if kind in READ:
        assert outcome.get("shape") == list(READ[kind]), outcome
    else:
        assert outcome.get("refused", "").endswith((".", "...")), outcome


def test_nothing_of_them_is_left(outcomes: dict) -> None:
    assert not Path("/tmp/corral_was_here").exists()
    assert not Path("/etc/corral_was_here").exists()


# ---------------------------------------------------------------- the child


BINARY = [*DATA.glob("**/*.xlsx"), *DATA.glob("**/*.parquet")]


def outcome_of(read: Any, data: bytes) -> Any:
    try:
        return read(data)
    except ReadError as error:
        return str(error), error.offers, error.lines


def same(left: Any, right: Any) -> None:
    if not isinstance(left, Table) or not isinstance(right, Table):
        assert left == right
        return
    pd.testing.assert_frame_equal(left.frame, right.frame, check_exact=True)
    assert left.frame.dtypes.tolist() == right.frame.dtypes.tolist()
    for name in ("format", "encoding", "delimiter", "notes", "header", "sheet", "sheets"):
        assert getattr(left, name) == getattr(right, name)


@pytest.mark.parametrize("path", BINARY, ids=lambda path: path.name)
def test_a_table_comes_back_from_the_child_as_it_was_read(path: Path) -> None:
    reads = (read_xlsx, apart.read_xlsx) if path.suffix == ".xlsx" else (read_parquet, apart.read_parquet)
    same(*(outcome_of(read, path.read_bytes()) for read in reads))


def test_all_types_come_back_from_the_child() -> None:
    when = [datetime.datetime(2024, 1, 2, 3, 4, 5, 678), None, datetime.datetime(1, 1, 2)]
    table = pa.table(
        {
            "text": ["a", None, "c\0d 😀"],
            "whole": [1, 2, 2**60 + 1],
            "gap": pa.array([1, None, 2**60 + 1]),
            "small": pa.array([1, 2, 3], "int8"),
            "big": pa.array([1, None, 2**64 - 1], "uint64"),
            "yes": [True, False, True],
            "maybe": [True, None, False],
            "half": pa.array([1.5, None, -0.0], "float32"),
            "double": [1.5, None, float("inf")],
            "us": pa.array(when, pa.timestamp("us")),
            "tz": pa.array(when[:2] * 1 + [None], pa.timestamp("ms", "Europe/Paris")),
            "ns": pa.array([0, None, 1], pa.timestamp("ns")),
            "day": [datetime.date(2024, 1, 2), None, None],
            "none": pa.nulls(3),
            "list": [[1], None, []],
            "kind": pa.array(["x", None, "x"]).dictionary_encode(),
        }
    )
    data = parquet(table)
    same(read_parquet(data), apart.read_parquet(data))
    assert [str(kind) for kind in apart.read_parquet(data).frame.dtypes[:7]] == [
        "str", "int64", "Int64", "int64", "str", "bool", "boolean",
    ]  # fmt: skip


def test_a_refusal_comes_back_with_its_offers() -> None:
    with pytest.raises(ReadError, match="There is no sheet 'X'"):
        apart.read_xlsx(good_workbook(), ReadOptions(sheet="X"))
    hidden = bad_files.WORKBOOK.replace('name="S"', 'name="S" state="hidden"')
    with pytest.raises(ReadError, match="no visible sheet") as refused:
        apart.read_xlsx(workbook(HEAD + HEAD, book=hidden))
    assert [offer.options for offer in refused.value.offers] == [ReadOptions(sheet="S")]


def test_the_child_loads_nothing_heavy() -> None:
    code = (
        "import sys, labelling.readers.child;"
        "print([n for n in ('torch', 'streamlit', 'numba', 'sqlalchemy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def child(folder: Path, kind: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "labelling.readers.child", str(folder)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[2])
    asked = {"kind": kind, "options": {}, "seconds": 60}
    started.stdin.write(json.dumps(asked).encode() + b"\n")
    started.stdin.flush()
    return started


def test_the_child_ends_when_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file")  # opening it waits for a writer, who never comes
    started = child(tmp_path, "xlsx")
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(2)
    started.stdin.close()
    assert started.wait(10) == 1


def test_a_child_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "BASE_SECONDS", 1)
    with pytest.raises(ReadError, match=r"takes (far longer|more than)"):
        apart.read_xlsx(workbook(repeated('<row r="1"><c/></row>', 1_040_000)))


def test_a_child_that_dies_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"broke the program that read it \(status -11\)"):
        apart._answer(tmp_path, "Parquet file", -11)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no limit of memory elsewhere")
def test_the_child_takes_no_more_memory_than_it_may() -> None:
    texts = ["x" * 500_000 + str(k) for k in range(2_000)]
    data = parquet(
        pa.table({"text": [texts]}),
        use_dictionary=False, column_encoding={"text.list.element": "DELTA_BYTE_ARRAY"}, compression="zstd",
    )  # fmt: skip
    assert len(data) < 1_000_000
    with pytest.raises(ReadError, match="unpacks to far more"):
        apart.read_parquet(data)


# ---------------------------------------------------------------- what must still be read


def test_a_small_file_of_a_large_table_is_read() -> None:
    data = parquet(pa.table({"text": coded(["a" * 400, "b" * 399], 1_000_000), "n": coded([1, 2], 1_000_000)}))
    assert len(data) < 100_000
    frame = apart.read_parquet(data).frame
    assert frame["text"].str.len().sum() == 399_500_000
    assert frame["n"].tolist()[:3] == [1, 2, 1]


def test_texts_by_what_they_share_with_the_last_are_read() -> None:
    data = parquet(pa.table({"text": TEXTS}), use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"})
    assert read_parquet(data).frame["text"].tolist() == TEXTS


def test_rows_of_a_workbook_without_numbers_or_out_of_order_are_all_read() -> None:
    rows = HEAD + "".join(f'<row r="{n}"><c t="inlineStr"><is><t>{n}</t></is></c></row>' for n in (5, 3, 3))
    assert read_xlsx(workbook(rows)).frame["text"].tolist() == ["5", "3", "3"]


def test_an_escaped_underscore_is_no_control() -> None:
    shared = "<si><t>a_x005F_x000D_b</t></si><si><r><t>x</t></r><r><t>_xD83D__xDE00_</t></r><rPh><t>no</t></rPh></si>"
    shared += "<si><t>_xD800_</t></si>"
    rows = HEAD + "".join(f'<row><c t="s"><v>{k}</v></c></row>' for k in range(3))
    assert read_xlsx(workbook(rows, shared=shared)).frame["text"].tolist() == ["a_x000D_b", "x😀", "\ufffd"]


# ---------------------------------------------------------------- one bad cell


STYLES = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'


@pytest.mark.parametrize("serial", ["99999999999", "-700000", "1e300"])
def test_a_date_that_there_is_not_in_a_workbook(serial: str) -> None:
    rows = HEAD + "".join(f'<row><c s="1"><v>{cell}</v></c></row>' for cell in ("45000", serial))
    table = read_xlsx(workbook(rows, styles=STYLES))
    assert table.frame["text"].tolist() == ["2023-03-15", serial]
    assert any("1 cell in 'text'" in note and "dates" in note for note in table.notes)


def test_dates_that_there_are_not_in_parquet() -> None:
    days = pa.array([0, None, 2**30], "int32").cast("date32")
    whens = pa.array([0, None, 2**60], "int64").cast(pa.timestamp("us"))
    table = read_parquet(parquet(pa.table({"text": TEXTS, "day": days, "when": whens})))
    assert table.frame["day"].fillna("").tolist() == ["1970-01-01", "", str(2**30)]
    assert table.frame["when"].fillna("").tolist() == ["1970-01-01", "", str(2**60)]
    assert sum("1 value in" in note for note in table.notes) == 2


def test_bytes_that_are_no_text_in_parquet() -> None:
    data = parquet(pa.table({"text": TEXTS}), compression="none").replace(b"late again", b"late \xff\xfe\xfdin")
    table = read_parquet(data)
    assert table.frame["text"].tolist() == ["late \ufffd\ufffd\ufffdin", *TEXTS[1:]]
    assert any("1 value in 'text'" in note for note in table.notes)


@pytest.mark.parametrize(
    ("name", "data", "where"),
    [
        (
            "a.jsonl",
            '{"text": "a"}\n{"text": "b", "text": "c"}\n{"x": {"y": 1, "y": 2}}',
            "2 objects.*'text' in line 2",
        ),
        ("a.json", '[{"text": "a"}, {"text": "b", "text": "c"}]', "One object.*'text' in entry 2"),
        ("a.json", '{"data": [{"text": "a"}, {"text": "b", "text": "c"}]}', "One object.*'text' in the file"),
    ],
)
def test_a_name_twice_in_an_object(name: str, data: str, where: str) -> None:
    table = read_table(data.encode(), name)
    assert table.frame["text"].tolist()[:2] == ["a", "c"]
    assert pd.Series(table.notes).str.contains(where).any(), table.notes


# ---------------------------------------------------------------- once a table


@pytest.mark.parametrize("cell", ["late again, number {}", '["a", "b{}"]', '{{"a": 1, "b": 0}}', ""])
def test_guesses_take_no_longer_for_a_large_table(cell: str) -> None:
    values = pd.Series([cell.format(k) for k in range(100_000)], dtype="str")
    frame = pd.DataFrame({f"c{k}": values for k in range(2_000)})

    def took(rows: pd.DataFrame) -> float:
        start = time.process_time()
        guess_text_column(rows)
        guess_label_column(rows, "c0")
        guess_label_value_columns(rows)
        return time.process_time() - start

    # In the time of a table of a tenth of the rows, on a busy machine too: only some of each column is looked at.
    assert took(frame) < 2 * took(frame.head(10_000)) + 0.3


def test_a_label_for_each_of_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelling.readers.label_values.MAX_LABEL_VALUES", 1_000)
    frame = pd.DataFrame({"tags": pd.Series([json.dumps([f"t{k}"]) for k in range(100)], dtype="str")})
    with pytest.raises(ReadError, match=r"more than 10 labels in 100 rows; up to 1,000 answers"):
        read_label_values(frame, ["tags"])


def test_fields_of_objects_become_columns_only_where_there_is_room() -> None:
    fields = {f"f{k}": "some words of a text" for k in range(150)}
    frame = pd.DataFrame({f"c{k}": pd.Series([json.dumps(fields)] * 3, dtype="str") for k in range(40)})
    out = io.BytesIO()
    frame.to_parquet(out)
    assert len(read_table(out.getvalue(), "a.parquet").frame.columns) <= tables.MAX_COLUMNS


def test_columns_count_while_they_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_CHARS", 5_000)
    columns = tables.Columns()
    for _ in range(1_000):
        columns.add({"text": "x" * 10})
    with pytest.raises(ReadError, match="texts of the table"):
        columns.add({"text": "x"})
    gathered = tables.Columns()
    for row in ({"a": 1}, {}, {"b": 2}, {"a": 3}):
        gathered.add(row)
    assert gathered.done() == {"a": [1, None, None, 3], "b": [None, None, 2, None]}
    assert np.shape(list(gathered.done().values())) == (2, 4)
