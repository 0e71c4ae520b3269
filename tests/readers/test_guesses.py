"""Which columns are suggested."""

import pandas as pd
import pytest

from labelling.readers import guess_label_column, guess_text_column

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
