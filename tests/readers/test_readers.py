"""Texts, pasted texts, files that are no tables, and the report."""

import gzip
import io
import tracemalloc
import zipfile

import pandas as pd
import pytest

from labelling.readers import ReadError, ReadOptions, Table, make_dataset, read_pasted, read_table, report


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
        (b"\x1f\x8b\x08\0", "a.csv.gz", "packed with gzip, but is cut off or damaged.*unpack it first"),
        (b"BZh91AY&SY...", "a.csv.bz2", "packed with bzip2.*unpack it first"),
        (b"\xfd7zXZ\0...", "a.csv.xz", "packed with xz.*unpack it first"),
        (b"7z\xbc\xaf\x27\x1c...", "a.7z", "7-Zip archive.*unpack it first"),
        (b"Rar!\x1a\x07...", "a.rar", "RAR archive.*unpack it first"),
        (b"PK\x03\x04 cut off", "a.zip", "zip archive that is cut off or damaged"),
        (b"sep=;\n", "a.csv", "no rows, only lines above them"),
        (b"<table><tr><td>x</td></tr></table>", "a.xls", r"web page \(HTML\) with a table in it.*named .xls"),
        (b"<!-- by us -->\n<html><body><table>", "a.csv", r"web page \(HTML\) with a table in it"),
        ("<html><table>".encode("utf-16"), "a.xls", r"web page \(HTML\) with a table in it"),
        (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook>', "a.xls", "XML spreadsheet"),
        (b'<?xml version="1.0"?>\n<ss:Workbook xmlns:ss="x">', "a.xml", "XML spreadsheet.*save it as .xlsx or CSV"),
        (b'<?xml version="1.0"?>\n<office:document>', "a.fods", "flat OpenDocument file"),
        (b'<?xml version="1.0"?>\n<root/>', "a.xml", "The file is XML, not a table"),
        (b'<View>\n  <Choice value="a"/>\n</View>\n', "config.xml", "The file is XML, not a table"),
        (b"MIME-Version: 1.0\n\n<html><table>", "a.xls", "web archive"),
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


def test_tags_in_texts_make_no_web_page_of_them():
    assert len(read_table(b"<table> is a tag\n<b>x</b>\n", "a.txt").frame) == 2
    assert len(read_table(b"text\n<html><table>\n", "a.csv").frame) == 1


def test_text_that_is_named_a_workbook():
    table = read_table(b"id\ttext\n0\tHello you\n", "a.xls")
    assert column(table) == ["Hello you"]
    assert table.notes[-1] == "The file is named .xls, but is TSV: read as that."


CSV = b"id,text\n" + b"".join(b"%d,Hello you\n" % number for number in range(50))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.gz", "a.CSV.GZ", "a.csv", "a"])
def test_gzip_is_unpacked(name):
    table = read_table(gzip.compress(CSV), name)
    assert column(table) == ["Hello you"] * 50
    assert table.notes[0] == "The file was packed with gzip: unpacked."


def test_gzip_of_other_files():
    assert column(read_table(gzip.compress(b'{"text": "a b"}\n'), "a.jsonl.gz")) == ["a b"]
    assert column(read_table(gzip.compress(b"a b\n\nc\n"), "a.txt.gz")) == ["a b", "c"]
    parquet = pd.DataFrame({"text": ["a b"]}).to_parquet()
    assert column(read_table(gzip.compress(parquet), "a.parquet.gz")) == ["a b"]
    members = gzip.compress(CSV[:100]) + gzip.compress(CSV[100:]) + b"\0" * 9
    assert column(read_table(members, "a.csv.gz")) == ["Hello you"] * 50
    options = ReadOptions(header=0, encoding="cp1252")
    assert read_table(gzip.compress(CSV), "a.csv.gz", options).header == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(CSV)[:-3], "cut off or damaged"),
        (gzip.compress(CSV)[:-8] + b"12345678", "cut off or damaged"),
        (gzip.compress(CSV) + b"more", "cut off or damaged"),
        (gzip.compress(gzip.compress(CSV)), "packed with gzip twice"),
        (gzip.compress(b""), "The file is empty"),
        (gzip.compress(b"%PDF-1.7"), "a PDF"),
        (gzip.compress(b"x.csv" + b"\0" * 252 + b"ustar" + b"\0" * 250), "tar archive"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_gzip_that_is_no_table(data, said):
    with pytest.raises(ReadError, match=said):
        read_table(data, "a.csv.gz")


def test_gzip_stops_at_the_limit_before_memory_is_taken():
    bomb = gzip.compress(b"\0" * 200_000_000)
    tracemalloc.start()
    with pytest.raises(ReadError, match=r"unpacks to more than 1\.0 MB"):
        read_table(bomb, "a.csv.gz", max_bytes=1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    two = gzip.compress(b"a" * 600_000) * 2
    with pytest.raises(ReadError, match=r"unpacks to more than 1\.0 MB"):
        read_table(two, "a.csv.gz", max_bytes=1_000_000)


@pytest.mark.parametrize("name", ["a.zip", "a.xlsx", "a.csv"])
def test_a_zip_archive_says_what_is_in_it(name):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("data/", "")
        archive.writestr("data/a.csv", CSV)
        archive.writestr("data/b.csv", CSV)
        archive.writestr("__MACOSX/data/._a.csv", "")
    with pytest.raises(ReadError, match=r"zip archive, which holds 2 files: 'data/a\.csv', 'data/b\.csv'\. Unpack it"):
        read_table(data.getvalue(), name)


def test_a_file_name_is_never_a_path(tmp_path):
    assert column(read_table(b"text\nhello you\n", f"{tmp_path}/../../etc/passwd")) == ["hello you"]


def test_report():
    table = read_table(b"text,n\none two,1\n,2\n ,3\none two,4\n", "a.csv")
    assert report(make_dataset(table, "text"), table) == [
        "4 rows read as CSV (UTF-8, comma).",
        "2 rows have no text: they stay in the file and in the export, but are not on the map.",
        "1 row repeats an earlier text: all are kept; each text is embedded once.",
    ]


def test_a_zip_archive_of_very_many_files_is_not_listed():
    entry = b"PK\x01\x02" + b"\0" * 42
    data = b"PK\x03\x04" + entry * 10_001
    with pytest.raises(ReadError, match=r"zip archive of more than 10,000 files: unpack it"):
        read_table(data, "a.zip")
