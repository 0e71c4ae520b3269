"""JSON and JSONL, of the shapes that people bring."""

import json

import pytest

from labelling.readers import ReadError, Table, guess_text_column, make_dataset, read_table, tables


def column(table: Table, name: str = "text") -> list:
    return table.frame[name].tolist()


def test_jsonl_objects_and_strings():
    data = '{"text": "a", "id": 1}\n\n{"text": "b\u2028c", "x": null, "id": 9007199254740993}\n"d"\n'
    table = read_table(data.encode(), "a.ndjson")
    assert column(table) == ["a", "b\u2028c", "d"]
    assert table.frame["id"].dropna().tolist() == [1, 9007199254740993]
    assert table.frame["id"].isna().tolist() == [False, False, True]
    assert table.format == "JSONL"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"text": "b"', r"Line 2, column 13 isn't valid JSON.*'\{\"text\": \"b\"'"),
        (b"[1, 2]", r"Line 2 holds a list: '\[1, 2\]'"),
        (b"null", "Line 2 holds null"),
        (b"5", "Line 2 holds a number"),
        (b"[" * 100_000, "Line 2 .*nested too deeply"),
        (b'{"text": ' + b"9" * 5000 + b"}", "Line 2 isn't valid JSON"),
    ],
)
def test_jsonl_error_names_line_and_what_was_found(line, said):
    with pytest.raises(ReadError, match=said):
        read_table(b'{"text": "a"}\n' + line + b'\n{"text": "c"}\n', "a.jsonl")


@pytest.mark.parametrize(
    "content",
    [
        [{"text": "a"}, {"text": "b"}],
        ["a", "b"],
        {"text": ["a", "b"]},
        {"text": ["a", "b"], "data": ["x", "y"]},
        {"data": ["a", "b"]},
        {"version": 1, "data": [{"text": "a"}, {"text": "b"}]},
        {"rows": [{"text": "a"}, {"text": "b"}]},
        {"text": {"0": "a", "1": "b"}, "n": {"0": 1, "1": 2}},
        {"r1": {"text": "a"}, "r2": {"text": "b"}},
    ],
)
def test_json_shapes(content):
    for indent in (None, 2):
        table = read_table(json.dumps(content, indent=indent).encode(), "a.json")
        assert (column(table), table.format) == (["a", "b"], "JSON")


@pytest.mark.parametrize("content", [5, "a", {"text": "a"}, {}, [1, 2], [["a"]], {"a": ["b"], "c": ["d", "e"]}, []])
def test_json_of_another_shape(content):
    with pytest.raises(ReadError, match="JSON"):
        read_table(json.dumps(content).encode(), "a.json")


def test_json_and_jsonl_named_as_each_other():
    assert column(read_table(b'{"text": "a"}\n{"text": "b"}\n', "a.json")) == ["a", "b"]
    assert column(read_table(b'[{"text": "a"}, {"text": "b"}]', "a.jsonl")) == ["a", "b"]
    assert column(read_table(b'{"text": "a"}\n{"text": "b"}\n', "a.csv")) == ["a", "b"]
    assert column(read_table(b'["a", "b"]', "a.txt")) == ["a", "b"]


def test_broken_json_says_where():
    with pytest.raises(ReadError, match="line 2, column"):
        read_table(b'[{"text": "a"},\n{"text" "b"}]', "a.json")


def test_json_values_of_every_kind():
    rows = [
        {"text": "a", "n": 1, "f": 1.5, "b": True, "nested": {"k": ["ü"]}, "mixed": 1, "big": 2**70},
        {"text": float("nan"), "n": 2, "f": 2, "b": None, "nested": None, "mixed": "two", "big": 1},
    ]
    table = read_table(json.dumps(rows).encode(), "a.json")
    frame = table.frame
    assert frame["text"].isna().tolist() == [False, True]
    assert frame["n"].tolist() == [1, 2]
    assert frame["f"].tolist() == [1.5, 2.0]
    assert frame["b"][0]
    assert frame["b"].isna()[1]
    assert frame["nested"][0] == '{"k": ["ü"]}'
    assert frame["mixed"].tolist() == ["1", "two"]
    assert frame["big"].tolist() == [str(2**70), "1"]
    assert any("'nested'" in note for note in table.notes)
    assert any("'mixed', 'big'" in note for note in table.notes)
    assert guess_text_column(frame) == "text"


def test_lone_surrogates_are_replaced_and_counted():
    data = rb'{"text": "a\ud800b \ud83d\ude00", "\udfff": {"x": "\ud800"}}' + b"\n"
    table = read_table(data, "a.jsonl")
    assert column(table) == ["a\ufffdb 😀"]
    assert list(table.frame.columns) == ["text", "\ufffd"]
    assert any("3 broken characters" in note for note in table.notes)
    make_dataset(table, "text").texts[0].encode()


def test_json_with_a_million_keys_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(tables, "MAX_CELLS", 1_000)
    with pytest.raises(ReadError, match=r"31 rows or more, of 33 columns"):
        read_table(json.dumps([{"text": "a", f"k{k}": 1} for k in range(100)]).encode(), "a.json")
