"""Bytes in the encodings that people save tables in."""

import codecs

import pytest

from labelling.readers import ReadError, ReadOptions, Table, read_table


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
        ("cp1252", "Où est mon colis ? Je l'ai commandé il y a très longtemps, ça ne marche pas, c’est très mauvais"),
        ("cp1257", "Kur yra mano siuntinys? Užsakiau jį labai seniai, prašau grąžinti pinigus, neveikia"),
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


GOOD = "id,text\n" + "".join(f"{number},Müller sagt nein {number}\n" for number in range(50))
CHINESE = "id,text\n0,这个手机用了3个月就坏了\n1,快递2天就到了一一一\n"
RUSSIAN = "id,text\n0,Привет как дела\n1,Мне очень понравилось\n"


def refused(data: bytes, name: str = "a.csv", **options) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read_table(data, name, ReadOptions(**options))
    return caught.value


def test_a_bad_byte_offers_two_ways_to_read_the_file():
    data = GOOD.encode() + "50,café au lait\n".encode("cp1252")
    error = refused(data, header=1)
    assert "50 lines with accents or other scripts as UTF-8, and 1 line that can't be UTF-8" in str(error)
    assert [offer.said for offer in error.offers] == [
        "Read it as UTF-8, replace 1 character in line 52",
        "Read all as cp1252",
    ]
    assert error.lines == ("Line 52: 50,caf\ufffd au lait",)
    replaced, legacy = (read_table(data, "a.csv", offer.options) for offer in error.offers)
    assert column(replaced)[-2:] == ["Müller sagt nein 49", "caf\ufffd au lait"]
    assert "1 character that can't be UTF-8 was replaced by \ufffd, in line 52." in replaced.notes
    assert (replaced.encoding, replaced.header) == ("UTF-8", 1)
    assert column(legacy)[-2:] == ["MÃ¼ller sagt nein 49", "café au lait"]
    assert error.offers[0].options.header == error.offers[1].options.header == 1
    assert column(read_table(data, "a.csv", ReadOptions(replace_bad_bytes=True))) == column(replaced)


def test_many_bad_bytes_are_counted_by_line():
    lines = GOOD.encode().splitlines(keepends=True)
    for number in (2, 5, 9, 20, 30, 40, 41):
        lines[number] = b"7,\xe9t\xe9 \xef\xbf\xbd " + b"long " * 100 + b"\n"
    error = refused(b"".join(lines))
    assert error.offers[0].said == "Read it as UTF-8, replace 14 characters in lines 3, 6, 10, 21, 31 and 2 more"
    assert len(error.lines) == 5
    assert all(len(line) < 220 and "\ufffdt\ufffd" in line for line in error.lines)
    assert len(read_table(b"".join(lines), "a.csv", error.offers[0].options).frame) == 50


def test_bytes_that_the_legacy_encoding_does_not_know_either():
    error = refused(GOOD.encode() + b"50,caf\x81\x8d\x8f\n")
    assert error.offers[0].said.startswith("Read it as UTF-8, replace 3 characters")
    assert "Read all as cp1252" not in [offer.said for offer in error.offers]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GOOD.encode("utf-8-sig") + b"50,caf\xe9\n", "Read it as UTF-8, replace 1 character in line 52"),
        (GOOD.encode("utf-16")[:-1], "Read it as UTF-16, replace 1 character in line 51"),
        (GOOD.encode("utf-32")[:-2], "Read it as UTF-32, replace 1 character in line 51"),
        (CHINESE.encode("utf-16-le")[:-1], "Read it as UTF-16 LE, replace 1 character in line 3"),
        (CHINESE.encode("utf-16-be")[:-1], "Read it as UTF-16 BE, replace 1 character in line 3"),
        (bytes(range(1, 256)) * 4, "Read it as UTF-8, replace 512 characters in lines 2, 3, 4, 5"),
    ],
)
def test_every_refusal_of_an_encoding_offers_one(data, said):
    error = refused(data)
    assert error.offers[0].said == said
    assert error.lines
    if b"text" in data.replace(b"\0", b""):
        table = read_table(data, "a.csv", error.offers[0].options)
        assert any("replaced by \ufffd" in note for note in table.notes)
        assert "text" in table.frame.columns


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [GOOD, CHINESE, RUSSIAN, "text\n" + "这个手机用了个月就坏了\n" * 50])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_unicode_without_its_mark(codec, text, end):
    table = read_table(text.replace("\n", end).encode(codec), "a.csv")
    expected = [line.split(",")[-1] for line in text.split("\n")[1:-1]]
    assert column(table) == expected
    assert table.encoding == codec.upper().replace("-LE", " LE").replace("-BE", " BE")
    assert any("no byte order mark" in note for note in table.notes)


@pytest.mark.parametrize("text", ["text,n\na\0b,1\nc\0,2\n", "text,n\n\0ab,1\n\0\0c,2\n", "text,n\né\0\n\0x,2\n"])
def test_nulls_do_not_make_utf_16_of_utf_8(text):
    table = read_table(text.encode(), "a.csv")
    assert table.encoding == "UTF-8"
    assert column(table) == [line.split(",")[0] for line in text.split("\n")[1:-1]]


@pytest.mark.parametrize(
    ("data", "encoding", "shown"),
    [
        ("text\ncafé\n".encode("cp1252"), "cp1252", "cp1252"),
        ("text\ncafé\n".encode("cp1252"), "latin-1", "iso8859-1"),
        ("text\ncafé\n".encode("mac_roman"), "mac_roman", codecs.lookup("mac_roman").name),
        ("text\ncafé\n".encode(), "UTF8", "UTF-8"),
        ("text\ncafé\n".encode("utf-8-sig"), "utf-8", "UTF-8 with BOM"),
        ("text\ncafé\n".encode("utf-8-sig"), "utf-8-sig", "UTF-8 with BOM"),
        (b"\xef\xbb\xbf" + "text\ncafé\n".encode("cp1252"), "cp1252", "cp1252"),
        ("text\ncafé\n".encode("utf-16"), "utf-16", "UTF-16"),
        ("\ufefftext\ncafé\n".encode("utf-16-be"), "utf-16-be", "UTF-16 BE"),
        ("text\ncafé\n".encode("utf-32-le"), "utf-32-le", "UTF-32 LE"),
    ],
)
def test_the_encoding_a_person_says_is_obeyed(data, encoding, shown):
    table = read_table(data, "a.csv", ReadOptions(encoding=encoding))
    assert (column(table), table.encoding) == (["café"], shown)


@pytest.mark.parametrize(
    "encoding",
    [
        "nonsense",
        "",
        "a\0b",
        "../x",
        "base64",
        "rot13",
        "zlib",
        "unicode_escape",
        "punycode",
        "utf-7",
        "undefined",
        "ÄÖ",
    ],
)
def test_an_encoding_that_there_is_not(encoding):
    error = refused("text\ncafé\n".encode(), encoding=encoding)
    assert f"There is no encoding {encoding!r} for text files" in str(error)
    assert [offer.said for offer in error.offers] == ["Read all as UTF-8"]
    assert column(read_table("text\ncafé\n".encode(), "a.csv", error.offers[0].options)) == ["café"]


def test_an_encoding_that_the_file_does_not_have():
    error = refused("text\ncafé\nx\n".encode(), encoding="ascii")
    assert "The file isn't all ascii: line 2, byte 0xC3 isn't." in str(error)
    assert [offer.said for offer in error.offers] == [
        "Read it as ascii, replace 2 characters in line 2",
        "Read all as UTF-8",
    ]
    assert column(read_table("text\ncafé\nx\n".encode(), "a.csv", error.offers[0].options)) == ["caf\ufffd\ufffd", "x"]


def test_a_null_among_legacy_bytes():
    data = b"text\n" + "Le café est très bon, déjà vu à l’hôtel\n".encode("cp1252") * 40 + b"a\0b\n"
    table = read_table(data, "a.csv")
    assert (column(table)[-1], table.encoding) == ("a\0b", "cp1252")
