"""What is read in parts is the same table as the reader of all other files makes of it, or is left to that."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import fields

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelling import readers
from labelling.dataset import Table
from labelling.readers import plain, read_table

BEGINNING = [["id", "text", "more"], *([str(k), f"some words {k % 7}", "x"] for k in range(2_100))]
# Cells with all that CSV may trip over; the last ones are no CSV as they stand.
CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "a", "a, b", 'say "so"', '"', '""', "two\nlines", "1,x\n2,y", "a\r\nb", "é", "🙂", "NA", "id"]
    ),
    st.text(st.sampled_from('a,"\n é'), max_size=8),
)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=12)
LINES = st.lists(st.text(st.sampled_from('ab,"\r \n'), max_size=12), max_size=6)


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "PART", 60_000)  # the beginning and some more
        patch.setattr(plain, "LEAST", 50_000)
        yield


def written(
    rows: Sequence[Sequence[str]], end: str = "\n", delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL
) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, delimiter=delimiter, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


def read_whole(data: bytes) -> Table:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "read_plain", lambda *_: None)
        return read_table(data, "texts.csv")


def assert_same(found: Table, data: bytes) -> None:
    wanted = read_whole(data)
    pd.testing.assert_frame_equal(found.frame, wanted.frame)
    for name in (field.name for field in fields(Table) if field.name != "frame"):
        assert getattr(found, name) == getattr(wanted, name), name


@pytest.mark.parametrize(
    ("end", "quoting"), [("\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL)]
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_plain_file(end: str, quoting: int, delimiter: str, mark: bytes) -> None:
    rows = [*BEGINNING, *(["7", 'é, "quoted"', "a\nb\n\nc"] for _ in range(5_000)), ["NA", "null", ""], ["", "", ""]]
    data = mark + written(rows, end, delimiter, quoting).encode()
    assert len(data) > 2 * plain.PART
    found = plain.read_plain(data, "csv")
    assert found is not None
    assert found.frame.to_numpy().tolist() == rows[1:]
    assert_same(found, data)
    unended = data.removesuffix(end.encode())
    assert_same(read_table(unended, "texts.csv"), unended)


def test_names_that_have_to_be_made_unique() -> None:
    data = written([["", "text", "text"], *BEGINNING[1:], *BEGINNING[1:]]).encode()
    found = plain.read_plain(data, "csv")
    assert found is not None
    assert list(found.frame.columns) == ["column_1", "text", "text_2"]
    assert_same(found, data)


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_whatever_is_in_cells(rows: list[tuple[str, str, str]]) -> None:
    data = written([*BEGINNING, *rows, *BEGINNING[1:1000], *rows]).encode()
    found = plain.read_plain(data, "csv")
    if found is not None:
        assert_same(found, data)
    else:  # rows that could have been swallowed by a quote, which the other reader may say something of
        assert any("\n" in cell and "," in cell for row in rows for cell in row)


@settings(deadline=None, max_examples=60)
@given(ROWS, LINES)
def test_whatever_is_in_lines(rows: list[tuple[str, str, str]], lines: list[str]) -> None:
    data = (written([*BEGINNING, *rows]) + "\n".join(lines) + "\n" + written(BEGINNING[1:1000])).encode()
    found = plain.read_plain(data, "csv")
    if found is not None:
        assert_same(found, data)


@pytest.mark.parametrize(
    "tail",
    [
        b"1,2\n",  # a cell too few
        b"1,2,3,\n",  # one too many
        b"\n1,2,3\n",  # a blank line
        b'1,a "b" c,3\n',  # quotes in a cell without
        b'1,"a "b" c",3\n',
        b'1,"a,3\n4,b",3\n',  # what may be rows by themselves
        b"1,\xe9,3\n",  # another encoding
        b"1,a\0b,3\n",
        b"1,a\rb,3\n",
        b"\xef\xbb\xbf1,a,3\n",
        b"id,text,more\n",  # the header once more
    ],
)
def test_what_is_not_plain_is_left_to_the_other_reader(tail: bytes) -> None:
    data = written(BEGINNING).encode() + tail + written(BEGINNING[1:]).encode()
    assert plain.read_plain(data, "csv") is None


def test_other_kinds_and_small_files_are_left_to_the_other_reader() -> None:
    data = written(BEGINNING * 2).encode()
    assert plain.read_plain(data, "txt") is None
    assert plain.read_plain(data[: plain.LEAST - 1], "csv") is None
    assert plain.read_plain(b"text\n" + b"a line of words\n" * 9_000, "csv") is None  # of one column
    assert plain.read_plain(b"[1,2,3]\n" * 9_000, "csv") is None
    assert plain.read_plain(b'a,b\n1,"' + b"x" * 2 * plain.PART + b'"\n', "csv") is None  # a row larger than a part
