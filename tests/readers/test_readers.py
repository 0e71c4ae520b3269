"""Texts, pasted texts, files that are no tables, and the report."""

import pytest

from labelling.readers import ReadError, Table, make_dataset, read_pasted, read_table, report


def column(table: Table, name: str = "text") -> list:
    return table.frame[name].tolist()


def test_txt_is_a_text_a_line():
    table = read_table('one\r\n\r\n  two, "x\u2028y\x0c \n \nthree'.encode(), "a.txt")
    assert column(table) == ["one", '  two, "x\u2028y\x0c ', "three"]
    assert table.notes == ("2 blank lines skipped.",)


def test_pasted_lines():
    assert column(read_pasted("\ufeffone, two\n\nthree, four\n")) == ["one, two", "three, four"]
    assert column(read_pasted("Hi, all\nBye, all")) == ["Hi, all", "Bye, all"]
    with pytest.raises(ReadError, match="Nothing was pasted"):
        read_pasted(" \n")


@pytest.mark.parametrize(
    "text",
    [
        'text\tlabel\none, two\tx\n"a\nb"\ty',
        'text,label\n"one, two",x\n"a\nb",y',
        "text;label\none, two;x\na\nb;y",
    ],
)
def test_pasted_tables(text):
    table = read_pasted(text)
    if ";" in text:  # Rows of different lengths: then it is lines.
        assert column(table)[1:] == ["one, two;x", "a", "b;y"]
    else:
        assert column(table) == ["one, two", "a\nb"]
        assert column(table, "label") == ["x", "y"]


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "a.csv", "empty"),
        (b" \r\n\t\n", "a.txt", "empty"),
        (b"\xef\xbb\xbf\n", "a.csv", "empty"),
        (b"text,label\n", "a.csv", r"only a header \(text, label\)"),
        (b"text\n\n\n", "a.csv", "only a header"),
        (b"\n\n", "a.jsonl", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.csv", "PNG image"),
        (b"%PDF-1.7\n", "a.txt", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.xlsx", r"\.xls.*password.*save it as \.xlsx"),
        (b"\x1f\x8b\x08\0", "a.csv.gz", "packed with gzip.*unpack it first"),
        (bytes(range(256)) * 10, "a.csv", "binary"),
        (b"\0\0\0\x01" * 50, "a.dat", "binary"),
        (b"<!DOCTYPE html><html>", "a.csv", "web page"),
        (b"PK\x03\x04 cut off", "a.xlsx", "Excel workbook can't be read"),
        (b"PAR1 cut off PAR1", "a.parquet", "Parquet file can't be read"),
        (b"text\na\n", "a.parquet", "not a Parquet file"),
        (bytes(range(1, 256)) * 4, "a.what", "encoding can't be found out: line 2, byte 0x80"),
    ],
)
def test_bad_files(data, name, said):
    with pytest.raises(ReadError, match=said):
        read_table(data, name)


def test_files_too_big():
    with pytest.raises(ReadError, match=r"has 2\.0 MB; up to 1\.0 MB"):
        read_table(b"a" * 2_000_000, "a.csv", max_bytes=1_000_000)


def test_a_file_name_is_never_a_path(tmp_path):
    assert column(read_table(b"text\nhello you\n", f"{tmp_path}/../../etc/passwd")) == ["hello you"]


def test_report():
    table = read_table(b"text,n\none two,1\n,2\n ,3\none two,4\n", "a.csv")
    assert report(make_dataset(table, "text"), table) == [
        "4 rows read as CSV (UTF-8, comma).",
        "2 rows have no text: they stay in the file and in the export, but are not on the map.",
        "1 row repeats an earlier text: all are kept; each text is embedded once.",
    ]
