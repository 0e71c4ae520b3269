"""Tables in zip archives: one, or the shards of one; nothing that leads out of a folder, or unpacks without end."""

import io
import zipfile

import pytest

from labelling.readers import ReadError, read_table
from tests.readers.helpers import packed, parquet

CSV = b"text,n\nhello you,1\ngood bye,2\n"


def test_the_one_table_is_read() -> None:
    others = {"README.md": b"# a", ".hidden/b.csv": CSV, "__MACOSX/._a.csv": b"", "data/settings.json": b"{}"}
    for name in ("a.zip", "a.csv", "a"):
        table = read_table(packed({**others, "data/a.csv": CSV}), name)
        assert table.frame["text"].tolist() == ["hello you", "good bye"]
        assert table.notes[-1] == "The file was a zip archive, which holds 'data/a.csv': read."


def test_shards_are_put_together_in_their_order() -> None:
    shards = {f"data/train-0000{n}-of-00002.parquet": parquet(f"text {n}") for n in (1, 0)}
    frame = read_table(packed(shards), "a.zip").frame
    assert frame.to_dict("list") == {"text": ["text 0", "text 1"]}
    frame = read_table(packed({**shards, "data/test-00000-of-00001.parquet": parquet("text 2")}), "a.zip").frame
    assert frame.to_dict("list") == {"text": ["text 2", "text 0", "text 1"], "split": ["test", "train", "train"]}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"../a.csv": CSV}, r"leads out of its folder \('\.\./a\.csv'\)"),
        ({"/etc/a.csv": CSV}, "leads out"),
        ({"x/..\\a.csv": CSV}, "leads out"),
        ({"C:\\a.csv": CSV}, "leads out"),
        ({"a.csv": CSV, "b.csv": CSV}, "holds 2 files"),
        ({"README.md": b"a"}, "holds 1 file: 'README.md'"),
        ({"a.csv": b"text\n" + b"a" * 3_000_000}, r"unpacks to more than 2\.0 MB"),
        ({"a.csv": packed({"b.csv": CSV})}, "packed again"),
        (
            {
                "a-00000-of-00002.parquet": parquet("a b"),
                "a-00001-of-00002.parquet": parquet("a b", n=[1]),
            },
            "different columns",
        ),
    ],
)
def test_what_is_refused(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read_table(packed(files), "a.zip", max_bytes=2_000_000)


def test_an_archive_that_is_damaged_or_has_a_password() -> None:
    whole = packed({"a.csv": b"text\n" + bytes(range(33, 127)) * 50})
    damaged = whole[:60] + bytes(byte ^ 255 for byte in whole[60:90]) + whole[90:]
    with pytest.raises(ReadError, match="cut off or damaged"):
        read_table(damaged, "a.zip")
    locked = bytearray(packed({"a.csv": CSV}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(magic) + at] |= 1
    with pytest.raises(ReadError, match="password"):
        read_table(bytes(locked), "a.zip")


def test_an_archive_that_is_packed_in_an_unusual_way() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("a.csv", CSV)
    with pytest.raises(ReadError, match="unusual way"):
        read_table(out.getvalue(), "a.zip")


def test_doccano_with_a_file_for_each_annotator() -> None:
    line = '{"id": %d, "text": "%s", "label": %s, "Comments": []}\n'
    ann = line % (1, "a b", '["x"]') + line % (2, "c d", '["x"]') + line % (3, "e f", "[]")
    bob = line % (2, "c d", '["y"]') + line % (1, "a b", '["x"]') + line % (3, "e f", '["y"]')
    table = read_table(packed({"ann.jsonl": ann.encode(), "bob.jsonl": bob.encode()}), "export.zip")
    assert table.frame["text"].tolist() == ["a b", "c d", "e f"]
    assert table.frame["label"].fillna("").tolist() == ["x", "", "y"]
    assert table.frame["disagreement"].fillna("").tolist() == ["", "yes", ""]
    assert "A doccano data set: 3 texts, by 2 annotators." in table.notes
    with pytest.raises(ReadError, match=r"2 files: 'a\.jsonl', 'b\.jsonl'\. They are not doccano's"):
        read_table(packed({"a.jsonl": b'{"text": "a"}', "b.jsonl": b'{"text": "b"}'}), "a.zip")
