"""Which columns are suggested."""

import pandas as pd
import pytest

from labelling.readers import guess_label_column, guess_text_column, make_dataset, read_pasted, read_table, report
from tests.readers.helpers import DATA

SENTENCES = [
    "My card has not come, and I need it",
    "Where is it?",
    "I paid twice; give me one back",
    "Thanks | bye",
]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"id": ["1", "2", "3"], "text": ["hi", "yes it is", "no"], "label": ["a", "b", "a"]}, "text"),
        ({"label": ["World", "World", "Sci"], "title": ["A b", "C d", "E f"], "x": SENTENCES[:3]}, "x"),
        ({"title": ["Short one", "Another", "Third"], "body": SENTENCES[:3]}, "body"),
        ({"when": ["2024-01-01 10:00", "2024-01-02 10:00"], "url": ["https://a.b/c", "https://a.b/d"]}, None),
        ({"id": ["A-1", "B-2"], "mail": ["a@b.c", "d@e.f"], "n": [1, 2]}, None),
        ({"doc": ['{"a": "b c d"}', '{"a": "e f g"}'], "note": ["yes", "no"]}, "note"),
        ({"内容": ["今天天气很好", "我还没有收到我的卡"], "id": ["1", "2"]}, "内容"),
        ({"empty": ["", ""], "n": ["1", "2"]}, None),
        ({"内容": ["这个手机用了3个月就坏了", "快递2天就到了很快"], "id": ["1", "2"]}, "内容"),
        ({"本文": ["3日で届きました", "5点です"], "番号": ["1", "2"]}, "本文"),
        ({"ข้อความ": ["รอ3วันแล้วยังไม่ได้", "ของดีมาก10/10"], "n": ["1", "2"]}, "ข้อความ"),
        ({"text": ["[deleted]", "[removed]"], "id": ["1", "2"]}, "text"),
        ({"text": ["#late", "@shop #cold"], "note": ["a long note of words", "another long note"]}, "text"),
        ({"Text ": ["https://a.b/c", "https://d.e/f"], "id": ["1", "2"]}, "Text "),
        ({"text": ["1", "2"], "n": ["5", "6"]}, "text"),
        ({"text": [1, 2], "n": [5, 6]}, "text"),
        ({"text": [None, "NaN", " "], "k": [1, 2, 3]}, "text"),
        ({"text": [" ", ""], "body": ["a b", "c d"]}, "body"),
        ({"text": ['{"en": "a b"}', '{"en": "c d"}'], "body": ["a b", "c d"]}, "body"),
        ({"sentence": ["x1", "x2"], "text": ["y1", "y2"]}, "text"),
        ({"tweet": ["#a", "@b"], "id": ["1", "2"]}, "tweet"),
        ({"anything": ["1", "2"]}, "anything"),
        ({"anything": [" ", ""]}, None),
        ({"doc": ['{"a": 1}', "[1]"]}, None),
        ({}, None),
        ({"Kundennachricht": SENTENCES, "Kategorie": ["a b", "a b", "c d", "c d"]}, "Kundennachricht"),
    ],
)
def test_guess_text_column(columns, expected):
    assert guess_text_column(pd.DataFrame(columns)) == expected


def test_guess_label_column():
    frame = pd.DataFrame({"text": SENTENCES, "Label": ["a", "", "b", "a"], "intent": list("abcd"), "x": [1, 1, 1, 1]})
    assert guess_label_column(frame, "text") == "Label"
    assert guess_label_column(frame, "Label") is None
    assert guess_label_column(frame.drop(columns="Label"), "text") is None


@pytest.mark.parametrize(("name", "n_texts"), [("zh_digits_text.csv", 8), ("reddit.txt", 4), ("nulls.jsonl", 5)])
def test_the_cases_in_which_no_column_was_found(name: str, n_texts: int) -> None:
    table = read_table((DATA / name).read_bytes(), name)
    dataset = make_dataset(table, guess_text_column(table.frame))
    assert dataset.text_column == "text"
    assert (~dataset.empty).sum() == n_texts


@pytest.mark.parametrize(
    "lines", ["#a\n#b", "5\n6", "https://a.b\nhttps://c.d", "[deleted]\n[removed]", "第3天\n第4天"]
)
def test_the_lines_of_a_text_file_are_always_texts(lines: str) -> None:
    for table in (read_table(lines.encode(), "a.txt"), read_pasted(lines)):
        dataset = make_dataset(table, guess_text_column(table.frame))
        assert dataset.texts == lines.split("\n")
        assert report(dataset, table)[0].startswith("2 rows")
