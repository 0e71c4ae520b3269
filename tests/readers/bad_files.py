"""Files that were made to break a reader: each a name for the upload and its content, by what is wrong with it.

`size` 1 is what the tests read in a minute; `tests/benchmarks/bad_files.py` reads them larger. ``make`` and ``read``
on the command line, and a folder, make them all and read them all: what came of it is in ``outcomes.json``.
"""

import gzip
import io
import json
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Make = Callable[[int], bytes]
WORKBOOK = '<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
LINKS = (
    '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="r2" Type="x/sharedStrings" Target="sharedStrings.xml"/>'
    '<Relationship Id="r3" Type="x/styles" Target="styles.xml"/></Relationships>'
)
HEAD = '<row r="1"><c r="A1" t="str"><v>text</v></c></row>'
TEXTS = ["late again", "on time", "no answer"]
GOOD_CSV = "\n".join(["text", *TEXTS * 50]).encode()


def workbook(
    rows: Iterator[str] | str,
    *,
    shared: Iterator[str] | str = "",
    styles: Iterator[str] | str = "",
    book: str = WORKBOOK,
) -> bytes:
    """A workbook with these rows, written in parts so that a bomb takes no memory here."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", book)
        archive.writestr("xl/_rels/workbook.xml.rels", LINKS)
        for name, root, parts in (
            ("xl/sharedStrings.xml", "sst", shared),
            ("xl/styles.xml", "styleSheet", styles),
            ("xl/worksheets/sheet1.xml", "worksheet", rows),
        ):
            with archive.open(name, "w", force_zip64=True) as part:
                part.write(f"<{root}>{'<sheetData>' if root == 'worksheet' else ''}".encode())
                for text in [parts] if isinstance(parts, str) else parts:
                    part.write(text.encode())
                part.write(f"{'</sheetData>' if root == 'worksheet' else ''}</{root}>".encode())
    return out.getvalue()


def repeated(text: str, n: int) -> Iterator[str]:
    """`text` n times, in parts of a megabyte."""
    at_once = max(1, 1_000_000 // len(text))
    for start in range(0, n, at_once):
        yield text * min(at_once, n - start)


def good_workbook() -> bytes:
    return workbook(HEAD + "".join(f'<row><c t="str"><v>{text}</v></c></row>' for text in TEXTS))


def parquet(table: pa.Table, **how: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **how)
    return out.getvalue()


def good_parquet() -> bytes:
    return parquet(pa.table({"text": TEXTS * 50}), compression="none")


def coded(values: list, n: int, kind: pa.DataType | None = None) -> pa.Array:
    """The first value, then the others in turn, n in all, as a dictionary: no memory is taken for them here."""
    indices = pa.array([k % len(values) for k in range(1_000)], "int32")
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, pa.array(values, kind))] * (n // 1_000))


def with_bytes(data: bytes, at: int, new: bytes) -> bytes:
    at %= len(data)
    return data[:at] + new + data[at + len(new) :]


def rezipped(change: Callable[[str, bytes], bytes | None], data: bytes | None = None) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data or good_workbook())) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def _wrong_crc(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good_workbook())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    data = out.getvalue()
    return with_bytes(data, data.index(b"late again"), b"LATE")


def _encrypted(size: int) -> bytes:
    data = bytearray(good_workbook())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + at] |= 1
            place = data.find(mark, place + 4)
    return bytes(data)


def _claimed_small(size: int) -> bytes:
    """The directory says that the sheet has 100 bytes, where it has megabytes."""
    data = bytearray(workbook(repeated("<row><c><v>1</v></c></row>", 100_000 * size)))
    place = data.rfind(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 100)
    return bytes(data)


def _twice_named(size: int) -> bytes:
    out = io.BytesIO(good_workbook())
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<worksheet><sheetData/></worksheet>")
    return out.getvalue()


def _paths(size: int) -> bytes:
    out = io.BytesIO(good_workbook())
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("../../../../tmp/corral_was_here", b"x")
        archive.writestr("/etc/corral_was_here", b"x")
    return out.getvalue()


def _linked_out(size: int) -> bytes:
    return rezipped(lambda name, data: data.replace(b"worksheets/sheet1.xml", b"../../../../etc/passwd"))


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def _deep_schema(size: int) -> bytes:
    kind, value = pa.string(), "x"
    for _ in range(60 * min(size, 10)):
        kind, value = pa.struct({"a": kind}), {"a": value}
    return parquet(pa.table({"text": pa.array([value] * 10, kind)}))


def _delta(size: int) -> bytes:
    """Each text begins like the one before it, which the encoding says in a few bytes."""
    texts = pa.table({"text": ["x" * 50_000 + str(k) for k in range(1_000)]})
    out = io.BytesIO()
    how = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}, "compression": "zstd"}
    with pq.ParquetWriter(out, texts.schema, **how) as writer:
        for _ in range(24):
            writer.write_table(texts)
    return out.getvalue()


def _a_text_coded(n_chars: int) -> Make:
    return lambda size: parquet(pa.table({"text": coded(["a" * n_chars, "b"], 1_000_000)}))


XLSX: dict[str, Make] = {
    "XLSX: cells in column XFD alone": lambda size: workbook(
        HEAD + "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(2, 2_000 * size))
    ),
    "XLSX: a million empty rows and more": lambda size: workbook(repeated("<row/>", 1_100_000 * size)),
    "XLSX: the last row alone": lambda size: workbook(HEAD + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'),
    "XLSX: a row that no sheet has": lambda size: workbook(HEAD + '<row r="99999999999"><c><v>1</v></c></row>'),
    "XLSX: a row below none": lambda size: workbook(HEAD + '<row r="-5"><c><v>1</v></c></row>'),
    "XLSX: one row of a million cells": lambda size: workbook(
        part for parts in (["<row>"], repeated("<c/>", 1_000_000 * size), ["</row>"]) for part in parts
    ),
    "XLSX: one cell said over and over": lambda size: workbook(
        part for parts in (["<row>"], repeated('<c r="A1"/>', 500_000 * size), ["</row>"]) for part in parts
    ),
    "XLSX: 2,500 full columns": lambda size: workbook(
        repeated("<row>" + "<c><v>1</v></c>" * 2_500 + "</row>", 50 * size)
    ),
    "XLSX: 42 million cells": lambda size: workbook(
        repeated("<row>" + "<c><v>1</v></c>" * 2_000 + "</row>", 21_000 if size > 1 else 50)
    ),
    "XLSX: one long text in all cells": lambda size: workbook(
        repeated('<row><c t="s"><v>0</v></c></row>', 100_000), shared=f"<si><t>{'a' * 32_767}</t></si>"
    ),
    "XLSX: empty shared texts without end": lambda size: workbook(
        HEAD + HEAD, shared=repeated("<si/>", 1_500_000 * size)
    ),
    "XLSX: one shared text of 200 MB": lambda size: workbook(
        HEAD + '<row><c t="s"><v>0</v></c></row>',
        shared=(p for ps in (["<si><t>"], repeated("a", 20_000_000 * size), ["</t></si>"]) for p in ps),
    ),
    "XLSX: styles without end": lambda size: workbook(
        HEAD + HEAD, styles=(p for ps in (["<cellXfs>"], repeated("<xf/>", 400_000 * size), ["</cellXfs>"]) for p in ps)
    ),
    "XLSX: elements in elements": lambda size: workbook(repeated("<a>", 300_000 * size)),
    "XLSX: entities in entities": lambda size: workbook(
        HEAD,
        book='<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(9))
        + "]>"
        + WORKBOOK.replace('"S"', '"&j;"'),
    ),
    "XLSX: an entity that is a file": lambda size: workbook(
        HEAD,
        book='<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + WORKBOOK.replace("<sheets>", "&a;<sheets>"),
    ),
    "XLSX: a text that there is not": lambda size: workbook(HEAD + '<row><c t="s"><v>7</v></c></row>'),
    "XLSX: a number of 100,000 digits": lambda size: workbook(HEAD + f"<row><c><v>{'9' * 100_000}</v></c></row>"),
    "XLSX: a column that there is not": lambda size: workbook(HEAD + '<row><c r="ZZZZZ2"><v>1</v></c></row>'),
    "XLSX: cut in half": lambda size: good_workbook()[: len(good_workbook()) // 2],
    "XLSX: a wrong checksum": _wrong_crc,
    "XLSX: a password on its parts": _encrypted,
    "XLSX: larger than its directory says": _claimed_small,
    "XLSX: a part twice": _twice_named,
    "XLSX: names that are paths": _paths,
    "XLSX: a sheet outside of it": _linked_out,
    "XLSX: no sheet in it": lambda size: rezipped(lambda name, data: None if "sheet1" in name else data),
    "XLSX: broken XML": lambda size: rezipped(lambda name, data: data.replace(b"</row>", b"<row>")),
    "XLSX: noise for a sheet": lambda size: rezipped(lambda n, data: bytes(range(256)) * 40 if "sheet1" in n else data),
    "XLSX: a shared text of less than nothing": lambda size: workbook(HEAD + '<row><c t="s"><v>-1</v></c></row>'),
    "XLSX: truths that are none": lambda size: workbook(HEAD + '<row><c t="b"><v>perhaps</v></c></row>'),
    "XLSX: a date in the year 3,000,000": lambda size: workbook(
        HEAD + '<row><c s="0"><v>1e9</v></c></row><row><c s="0"><v>-1e9</v></c></row>',
        styles='<cellXfs><xf numFmtId="14"/></cellXfs>',
    ),
    "XLSX: a number that is none": lambda size: workbook(HEAD + "<row><c><v>1e</v></c></row>"),
    "XLSX: a sheet of a million": lambda size: workbook(
        HEAD, book="<workbook><sheets>" + '<sheet name="S" sheetId="1"/>' * 100_000 * size + "</sheets></workbook>"
    ),
    "XLSX: a magic and no more": lambda size: b"PK\x03\x04" + b"\0" * 100,
}


def _wide(n: int) -> bytes:
    return parquet(pa.table({f"c{k}": ["x"] for k in range(n)}), store_schema=False)


def _arrow() -> bytes:
    out, table = io.BytesIO(), pa.table({"text": TEXTS})
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


PARQUET: dict[str, Make] = {
    "Parquet: one text of 10,000 for a million rows": _a_text_coded(10_000),
    "Parquet: one text of 1 MB for a million rows": _a_text_coded(1_000_000),
    "Parquet: the same, with its schema": lambda size: parquet(
        pa.table({"text": coded(["a" * 100_000, "b"], 1_000_000)}), store_schema=True
    ),
    "Parquet: one long text without a schema of Arrow": lambda size: parquet(
        pa.table({"text": coded(["a" * 100_000, "b"], 1_000_000)}), store_schema=False
    ),
    "Parquet: long texts in lists": lambda size: parquet(
        pa.table({"text": pa.chunked_array([pa.array([["a" * 1_000_000] * 5] * 10)] * 20)}), compression="zstd"
    ),
    "Parquet: 99 million numbers": lambda size: parquet(
        pa.table({"n": pa.chunked_array([pa.array([7] * 1_000_000, "int8")] * (99 if size > 1 else 45))})
    ),
    "Parquet: a list of 45 million": lambda size: parquet(
        pa.table({"n": pa.ListArray.from_arrays([0, 45_000_000], pa.nulls(45_000_000, "int8"))})
    ),
    "Parquet: texts that say what the last one said": _delta,
    "Parquet: 3,000 columns": lambda size: _wide(3_000 * min(size, 10)),
    "Parquet: fields in fields in fields": _deep_schema,
    "Parquet: cut in half": lambda size: good_parquet()[: len(good_parquet()) // 2],
    "Parquet: its end alone": lambda size: b"PAR1" + good_parquet()[-200:],
    "Parquet: a footer of 2 GB": lambda size: with_bytes(good_parquet(), -8, struct.pack("<I", 2**31 - 1)),
    "Parquet: a footer of less than nothing": lambda size: with_bytes(good_parquet(), -8, struct.pack("<i", -5)),
    "Parquet: noise for a footer": lambda size: with_bytes(good_parquet(), -200, b"\xff" * 150),
    "Parquet: noise for pages": lambda size: with_bytes(good_parquet(), 4, b"\xff" * 40),
    "Parquet: the magic of an encrypted one": lambda size: b"PARE" + good_parquet()[4:-4] + b"PARE",
    "Parquet: no columns": lambda size: parquet(pa.table({})),
    "Parquet: no rows": lambda size: parquet(pa.table({"text": pa.array([], "string")})),
    "Parquet: columns of one name": lambda size: parquet(pa.table([TEXTS, TEXTS], names=["text", "text"])),
    "Parquet: nothing but nulls": lambda size: parquet(pa.table({"text": pa.nulls(3)})),
    "Parquet: a map in each cell": lambda size: parquet(
        pa.table({"text": TEXTS, "m": pa.array([[("a", 1)]] * 3, pa.map_("string", "int8"))})
    ),
    "Parquet: a pickle": lambda size: b"\x80\x04cos\nsystem\n(S'touch /tmp/corral_was_here'\ntR.",
    "Parquet: Arrow's other format": lambda size: _arrow(),
    "Parquet: a magic and no more": lambda size: b"PAR1",
    "Parquet: texts that are no UTF-8": lambda size: good_parquet().replace(b"late again", b"late \xff\xfe\xfdin"),
    "Parquet: bytes for texts": lambda size: parquet(pa.table({"text": [b"late again", b"\xff\xfe"]})),
    "Parquet: dates in the year 300,000": lambda size: parquet(
        pa.table(
            {
                "text": TEXTS,
                "day": pa.array([0, 2**30, -(2**30)], "int32").cast("date32"),
                "when": pa.array([0, 2**60, -(2**60)], "int64").cast(pa.timestamp("us")),
            }
        )
    ),
}

TEXT: dict[str, tuple[str, Make]] = {
    "nothing": ("a.csv", lambda size: b""),
    "nothing, named .xlsx": ("a.xlsx", lambda size: b""),
    "nothing, named .parquet": ("a.parquet", lambda size: b""),
    "zeros": ("a.csv", lambda size: b"\0" * 1_000_000 * size),
    "zeros within texts": ("a.csv", lambda size: b"text,n\nla\0te,1\nco\0ld,2\n"),
    "CSV: a header of 300,000 columns": ("a.csv", lambda size: b"a," * 300_000 * size + b"b\n1,2\n"),
    "CSV: one line of 10 MB and more": ("a.csv", lambda size: b"text\n" + b"word " * 2_000_000 * size + b"\n"),
    "CSV: a quote that never ends": ("a.csv", lambda size: b'text,n\n"late,1\n' + b"cold,2\n" * 100_000 * size),
    "JSON: lists in lists": ("a.json", lambda size: _nested(100_000 * size).encode()),
    "JSON: lists in lists in a value": (
        "a.jsonl",
        lambda size: b'{"text": "a", "x": ' + _nested(900).encode() + b"}\n",
    ),
    "JSON: lists in lists in cells": ("a.csv", lambda size: ("text,x\n" + f"late,{_nested(20_000)}\n" * 20).encode()),
    "JSON: signs before a number in cells": ("a.csv", lambda size: ("text\n" + f"[{'-' * 9_000}1]\n" * 20).encode()),
    "JSON: sums in cells": ("a.csv", lambda size: ("text\n" + f"[{'1+' * 4_500}1]\n" * 20).encode()),
    "JSONL: a new name in each row": (
        "a.jsonl",
        lambda size: "\n".join(json.dumps({"text": "a", f"k{k}": 1}) for k in range(20_000 * size)).encode(),
    ),
    "JSONL: 20,000 columns": (
        "a.jsonl",
        lambda size: "\n".join([json.dumps({f"k{k}": "a" for k in range(20_000)})] * 5 * size).encode(),
    ),
    "JSONL: a number of 100,000 digits": ("a.jsonl", lambda size: b'{"text": ' + b"9" * 100_000 + b"}\n"),
    "JSON: empty objects without end": ("a.json", lambda size: b"[" + b"{}," * 300_000 * size + b"{}]"),
    "JSON: an object of lists without end": (
        "a.json",
        lambda size: b'{"a": [' + b"[]," * (14_000_000 if size > 1 else 100_000) + b"[]]}",
    ),
    "JSON: cut off": ("a.json", lambda size: b'[{"text": "a"}, {"te'),
    "JSON: a name of 10 MB": ("a.json", lambda size: b'[{"' + b"k" * 10_000_000 * size + b'": "late"}]'),
    "JSON: half a character": ("a.jsonl", lambda size: rb'{"text": "late \ud800"}' + b"\n"),
    "JSON: one name over and over": ("a.json", lambda size: b"[{" + b'"text": "late",' * 100_000 * size + b'"n": 1}]'),
    "JSON: no number": ("a.jsonl", lambda size: b'{"text": "late", "n": NaN}\n{"text": "cold", "n": -Infinity}\n'),
    "JSON: a number beyond all": ("a.jsonl", lambda size: b'{"text": "late", "n": 1e999999}\n'),
    "JSON: one number": ("a.json", lambda size: b"7"),
    "CSV: commas": ("a.csv", lambda size: b",,,,,,,,,\n" * 1_000 * size),
    "CSV: quotes": ("a.csv", lambda size: b'"' * 1_000_001 * size),
    "CSV: 3,000 columns of one name": ("a.csv", lambda size: b",".join([b"text"] * 3_000) + b"\n" + b"late," * 3_000),
    "CSV: a name of 5 MB": ("a.csv", lambda size: b"n" * 5_000_000 * size + b",text\n1,late\n"),
    "CSV: empty lines without end": ("a.csv", lambda size: b"text\n" + b"\n" * 1_000_000 * size + b"late\n"),
    "CSV: ours, short rows without end": ("a.csv", lambda size: b"text,labelled_at\n" + b"a,\n" * 4_000_000 * size),
    "TXT: short lines without end": ("a.txt", lambda size: b"a\n" * 4_000_000 * size),
    "TXT: ends of lines of all kinds": ("a.txt", lambda size: "late\rcold\u2028wet\x0bdry\x85slow\n".encode()),
    "UTF-16 with a byte too many": ("a.csv", lambda size: "text\nlate\n".encode("utf-16") + b"\0"),
    "UTF-16 with half a character": ("a.csv", lambda size: "text\nlate".encode("utf-16") + b"\x00\xd8\n\0"),
    "UTF-8 of half a character": ("a.csv", lambda size: b"text\nlate \xed\xa0\x80\n"),
    "gzip: a hundred times as large": (
        "a.csv.gz",
        lambda size: gzip.compress(b"late\n" * (60_000_000 if size > 1 else 20_000_000)),
    ),
    "gzip: cut off": ("a.csv.gz", lambda size: gzip.compress(GOOD_CSV)[:-20]),
    "gzip: a wrong checksum": ("a.csv.gz", lambda size: with_bytes(gzip.compress(GOOD_CSV), -8, b"\0\0\0\0")),
    "gzip in gzip": ("a.csv.gz", lambda size: gzip.compress(gzip.compress(GOOD_CSV))),
    "a PDF, named .csv": ("a.csv", lambda size: b"%PDF-1.7\n" + bytes(range(256)) * 10),
    "a program, named .txt": ("a.txt", lambda size: b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 10),
    "a database, named .csv": ("a.csv", lambda size: b"SQLite format 3\0" + bytes(4_080)),
    "a page, named .csv": ("a.csv", lambda size: b"<!DOCTYPE html><script>alert(1)</script><table><tr><td>a</table>"),
    "a PNG, named .csv": ("a.csv", lambda size: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10),
}

KINDS: dict[str, tuple[str, Make]] = {
    **{kind: ("a.xlsx", make) for kind, make in XLSX.items()},
    **{kind: ("a.parquet", make) for kind, make in PARQUET.items()},
    **TEXT,
}


def make_all(folder: Path) -> None:
    for number, (_, make) in enumerate(KINDS.values()):
        (folder / str(number)).write_bytes(make(1))


def read_all(folder: Path) -> None:
    import resource

    from labelling.readers import ReadError, read_table

    def used() -> tuple[float, int, int]:
        """Seconds of processor time here and in children, and the most memory of each in KiB."""
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        # Linux hands ru_maxrss on from the process that started this one; VmHWM is of this program alone.
        status = Path("/proc/self/status")
        lines = status.read_text().splitlines() if status.exists() else []
        peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), own.ru_maxrss)
        return seconds, peak, children.ru_maxrss

    outcomes = {}
    for number, (kind, (name, _)) in enumerate(KINDS.items()):
        data = (folder / str(number)).read_bytes()
        before = used()[0]
        try:
            outcome = {"shape": read_table(data, name).frame.shape}
        except ReadError as error:
            outcome = {"refused": str(error)}
        except BaseException as error:
            outcome = {"broke": repr(error)}
        seconds, parent, child = used()
        outcomes[kind] = {**outcome, "seconds": seconds - before, "parent": parent, "child": child}
    (folder / "outcomes.json").write_text(json.dumps(outcomes))


if __name__ == "__main__":
    {"make": make_all, "read": read_all}[sys.argv[1]](Path(sys.argv[2]))
