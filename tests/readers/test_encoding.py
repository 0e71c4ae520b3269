"""Bytes in the encodings that people save tables in."""

import pytest

from labelling.readers import ReadError, Table, read_table


def column(table: Table, name: str = "text") -> list:
    return table.frame[name].tolist()


@pytest.mark.parametrize(
    ("codec", "shown"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8 with BOM"), ("utf-16", "UTF-16"), ("utf-32", "UTF-32")],
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl"])
def test_unicode_encodings(codec, shown, name):
    text = {"a.csv": "text,n\nÜber 😀,1\n", "a.txt": "Über 😀\n", "a.jsonl": '{"text": "Über 😀"}\n'}[name]
    table = read_table(text.encode(codec), name)
    assert (column(table), table.encoding) == (["Über 😀"], shown)
    assert "text" in table.frame.columns


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
def test_utf_16_with_its_mark(codec):
    text = "\ufefftext,n\nÜber alles,1\n"
    assert column(read_table(text.encode(codec), "a.csv")) == ["Über alles"]


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1252", "Le café est très bon, déjà vu à l’hôtel"),
        ("cp1252", "naïve café"),
        ("cp1252", "She said “yes” – it’s £5"),
        ("cp1251", "Привет, как дела? Мне очень понравилось «кафе»"),
        ("cp932", "こんにちは、世界。今日はいい天気ですね。商品が届きませんでした"),
        ("gb18030", "你好，世界。今天天气很好，我还没有收到我的卡"),
        ("cp949", "안녕하세요 세계 오늘은 날씨가 좋네요"),
        ("cp1250", "Zażółć gęślą jaźń, proszę o pomoc"),
    ],
)
def test_legacy_encodings(codec, text):
    table = read_table(f"id\ttext\n1\t{text}\n2\tplain\n".encode(codec), "a.csv")
    assert (column(table), table.encoding) == ([text, "plain"], codec)
    assert any(codec in note for note in table.notes)


def test_mixed_encodings_name_the_first_bad_line():
    data = "text\nplain\ncafé\n".encode() + "naïve\n".encode("cp1252") + "déjà\n".encode()
    with pytest.raises(ReadError, match=r"mixes encodings.*line 4, byte 0xEF.*cp1252.*Save the whole file as UTF-8"):
        read_table(data, "a.csv")


def test_broken_utf_8_after_its_mark():
    with pytest.raises(ReadError, match=r"line 2, byte 0xE9"):
        read_table(b"\xef\xbb\xbftext\ncaf\xe9\n", "a.csv")
