"""The texts of files, in blocks, and what can't be read."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelling.dataset import ReadError
from labelling.readers import read_table
from labelling.store import inputs
from labelling.store.inputs import Input

TEXTS = ["one", 'two "quoted", with a comma', "three\nlines\r\nof it", "", "NA", "007", " blank ", "ünï 😀", "x" * 300]


def all_texts(name: str | Path, column: str = "text", n_rows: int = 4) -> list[str]:
    blocks = list(Input(str(name), column).blocks(n_rows))
    assert [block.first for block in blocks] == [n_rows * number for number in range(len(blocks))]
    assert all(len(block.texts) == n_rows for block in blocks[:-1])
    assert all(0 < block.done <= 1 for block in blocks)
    assert not blocks or blocks[-1].done == 1
    return [text for block in blocks for text in block.texts.to_pylist()]


@pytest.fixture(params=["csv", "tsv", "semicolon.csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "bom.csv"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path, frame = tmp_path / f"texts.{request.param}", pd.DataFrame({"id": range(len(TEXTS)), "text": TEXTS})
    if "jsonl" in request.param:
        content = "\n".join(json.dumps({"id": n, "text": text}) for n, text in enumerate(TEXTS)).encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    elif request.param == "parquet":
        frame.to_parquet(path)
    else:
        encoding = "utf-8-sig" if "bom" in request.param else "utf-8"
        sep = {"tsv": "\t", "semicolon.csv": ";"}.get(request.param, ",")
        frame.to_csv(path, index=False, sep=sep, encoding=encoding)
    return path


def test_all_rows_in_blocks_as_the_readers_of_uploads_read_them(file: Path) -> None:
    assert all_texts(file) == TEXTS
    assert all_texts(file, n_rows=1) == TEXTS
    assert all_texts(file, n_rows=100) == TEXTS
    assert all_texts(file.as_uri()) == TEXTS
    table = read_table(file.read_bytes(), file.name).frame
    assert table["text"].fillna("").tolist() == TEXTS


def test_more_than_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "CHUNK", 2_000)
    texts = [f"text {n} " + "word " * (n % 40) for n in range(2_000)]
    pd.DataFrame({"text": texts}).to_csv(tmp_path / "a.csv", index=False)
    assert all_texts(tmp_path / "a.csv", n_rows=300) == texts
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=170)
    assert all_texts(tmp_path / "a.parquet", n_rows=300) == texts


def test_what_is_no_text_becomes_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": 7}\n\n{"id": 3}\n{"text": null}\n{"text": ["a", "ö"]}\n')
    assert all_texts(tmp_path / "a.jsonl") == ["7", "", "", '["a", "ö"]']
    pq.write_table(pa.table({"text": [1, None, 3]}), tmp_path / "a.parquet")
    assert all_texts(tmp_path / "a.parquet") == ["1", "", "3"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "There is no file .*none.csv"),
        ("a.xlsx", b"PK", "can't go into a store"),
        ("a.parquet.gz", b"", "can't go into a store"),
        ("a.csv", b"id,words\n1,a\n", "no column 'text' in .*There are: 'id', 'words'"),
        ("a.csv", b"id,text\n1,a\n2,b,c\n", "Expected 2 columns, got 3"),
        ("a.csv", b"id,text\n1,\xff\xfe\n", "UTF-?8"),
        ("a.csv", b"", "no column"),
        ("a.jsonl", b'{"text": "a"}\n{"text": "b', "Line 2 of .* is no JSON"),
        ("a.jsonl", b"[1]\n", "Line 1 of .* is no JSON object"),
        ("a.jsonl", b'{"words": 1}\n', "no column 'text' .*There are: 'words'"),
        ("a.jsonl", b'{"text": "\xff"}\n', "can't be read"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "a"}\n' * 999, mtime=0)[:40], "can't be read"),
        ("a.parquet", b"PAR1PAR1", "can't be read"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=message):
        all_texts(tmp_path / name)
