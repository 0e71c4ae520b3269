"""Files as people and programs really write them: what is in the file, and what must come of it."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from labelling.readers import ReadError, ReadOptions, Table, guess_text_column, read_pasted, read_table
from labelling.readers.layout import likeness
from labelling.readers.tables import MAX_COLUMNS

CASES = Path(__file__).parents[1] / "data" / "cases"
TEXTS = [
    "The parcel came late, and it was wet",
    "I want my money back; now",
    "Great shop, thank you",
    "The app does not open on my phone",
    "Where is my parcel?",
    "You charged me 12,50 twice",
    "Cannot log in since Monday",
    "Very kind staff, quick answer",
]
HEADER = "id,text,topic\n"
ROWS = "".join(f'{number},"{text}",{"ab"[number % 2]}\n' for number, text in enumerate(TEXTS))


def read(text: str, name: str = "a.csv", **options) -> Table:
    return read_table(text.encode(), name, ReadOptions(**options))


def rows_of(table: Table) -> list[list[str]]:
    return table.frame.to_numpy().tolist()


@pytest.mark.parametrize(
    ("name", "columns", "header", "said"),
    [
        ("sep_semicolon.csv", ["id", "text", "topic"], 2, ["first line, sep=, only says"]),
        ("title.csv", ["id", "text", "topic"], 2, ["1 line above the table left out: 'Customer survey, spring 2024'"]),
        ("space_after_comma.csv", ["id", "text", "topic"], 1, ["Blanks after the delimiter"]),
        ("no_header.csv", ["column_1", "column_2", "column_3"], 0, ["There is no header"]),
        ("row_names.csv", ["row", "text", "topic"], 1, ["one cell less than the rows"]),
        ("trailing_comma.csv", ["id", "text", "topic"], 1, ["8 rows end in empty cells beyond the 3 columns"]),
        ("double_bom.csv", ["text", "label"], 1, []),
        ("cat.csv", ["text", "label"], 1, ["1 byte order mark inside", "stands 1 time more, in line 10: left out"]),
    ],
)
def test_cases(name, columns, header, said):
    table = read_table((CASES / name).read_bytes(), name)
    assert list(table.frame.columns) == columns
    assert table.header == header
    n_files = 2 if name == "cat.csv" else 1
    texts = table.frame["column_2" if header == 0 else "text"].tolist()
    assert texts == TEXTS * n_files
    assert set(table.frame[columns[-1]]) == {"a"}
    for part in said:
        assert any(part in note for note in table.notes)
    if not said:
        assert not table.notes


def test_case_of_a_page_that_is_named_a_workbook():
    with pytest.raises(ReadError, match=r"web page \(HTML\) with a table.*named .xls.*save it as .xlsx or CSV"):
        read_table((CASES / "report.xls").read_bytes(), "report.xls")


WHAT_STANDS_ABOVE = {
    "hint in quotes": ('"sep=,"\r\n', 2),
    "hint in capitals": ("SEP=,\n", 2),
    "a hint that is wrong": ("sep=;\n", 2),
    "a mark and a hint": ("\ufeffsep=,\n", 2),
    "hint and title": ("sep=,\nMy report\n\n", 3),
    "title": ("Customer survey\n", 2),
    "title with a comma": ("Customer survey, spring 2024\n", 2),
    "title of two lines": ("Customer survey\nSpring 2024\n\n", 3),
    "title from a spreadsheet": ("Customer survey,,\n,,\n", 3),
    "comments": ("# made by us, on 2024-01-01, at home\n# version 3\n", 3),
    "comments apart": ("# made by us\n\n# version 3\n\n", 3),
    "blank lines": ("\n\n", 1),
    "nothing": ("", 1),
}


@pytest.mark.parametrize("above", WHAT_STANDS_ABOVE)
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_what_stands_above_the_header_is_left_out(above, delimiter):
    lines, header = WHAT_STANDS_ABOVE[above]
    table = read((lines + HEADER + ROWS).replace(",", delimiter))
    assert list(table.frame.columns) == ["id", "text", "topic"]
    assert table.header == header
    assert table.frame["text"].tolist() == [text.replace(",", delimiter) for text in TEXTS]
    assert bool(table.notes) == bool(lines)


def test_title_above_two_columns_and_above_one():
    two = read("Umfrage 2024\n\nKommentar;Thema\n" + "".join(f'"{text}";x\n' for text in TEXTS))
    assert (list(two.frame.columns), two.header, two.frame["Kommentar"].tolist()) == (["Kommentar", "Thema"], 2, TEXTS)
    one = read("# made by us\ntext\nHello you\nBye\n")
    assert (list(one.frame.columns), one.header, rows_of(one)) == (["text"], 2, [["Hello you"], ["Bye"]])
    without = read("Umfrage 2024\n\n" + ROWS)
    assert (without.header, without.frame["column_2"].tolist()) == (0, TEXTS)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("text,label\n#metoo is big,a\n#foo bar,b\n#baz,a\n", "#metoo is big"),
        ("text\n#metoo is big\n#foo bar\n", "#metoo is big"),
        ("#id,text\n0,Hello you\n1,Bye\n", "0"),
        ("# id,text\n0,Hello you\n1,Bye\n", "0"),
        ("text\nOne,two\nThree,four\n5,6\n", "One,two"),
    ],
)
def test_nothing_is_taken_for_a_title_that_is_none(text, first):
    table = read(text)
    assert table.header == 1
    assert table.frame.iloc[0, 0] == first
    assert not table.notes


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("country,2019,2020\nFrance is big,1,2\nSpain,3,4\nPeru,9,8\n", ["country", "2019", "2020"]),
        ("country,2020\nFrance is big,1\nSpain,3\n", ["country", "2020"]),
        ("0,1\nHello there you,1\nBye,0\nWell,1\n", ["0", "1"]),
        (",0\n0,Hello there\n1,Bye you\n", ["column_1", "0"]),
        ("text,0\nHello there,1\nBye you,0\nWell,0\n", ["text", "0"]),
        ("text,0,1,2\nHello there,0.1,0.9,3\nBye you,0.2,2,1\nWell,1,1,0.5\n", ["text", "0", "1", "2"]),
        ("text,refund,delay\nHello there,1,0\nBye you,0,1\nWell,0,0\n", ["text", "refund", "delay"]),
        ("id,What did you like?\n1,The colour and the shape of it\n2,No\n", ["id", "What did you like?"]),
        ("vorname;nachname\nAnna;Berg\nOtto;Klein\n", ["vorname", "nachname"]),
        ("v1,v2,,\nham,Go until jurong point,,\nspam,Free entry in a comp,,\nham,Ok lar,,\n", ["v1", "v2"]),
        ("本文,分類\nこの携帯電話は三か月で壊れました,苦情\n配達はとても速かったです,称賛\n", ["本文", "分類"]),
    ],
)
def test_a_header_stays_one(text, names):
    table = read(text)
    assert (list(table.frame.columns), table.header) == (names, 1)


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        '0,Thanks,a\n1,"The parcel came late, and it was wet",a\n2,Hello there you,b\n',
        "ham\tGo until jurong point, crazy\nspam\tFree entry in 2 a wkly comp\nham\tOk lar\nham\tU dun say so\n",
        '"3","Wall St. Bears Claw Back","Reuters - Short-sellers, the ultra-cynics, are seeing green again."\n'
        '"4","Carlyle Looks Ahead","Reuters - Private investment firm, known for well-timed moves, goes on."\n'
        '"3","Oil Clouds Stocks","Reuters - Soaring crude prices, with worries about the economy, go on."\n',
        "Great shop thank you,5\nBad service,1\nNever again,2\nGood stuff,5\n",
        "0,The parcel came late\n1,I want my money back\n2,Great shop\n",
        "2024-01-01,The parcel came late\n2024-01-03,I want my money back\n2024-01-09,Great shop\n",
        "#metoo is big,a\n#foo bar,b\n#baz,a\n",
        "M0342,The parcel came late\nM0343,I want my money back\nM0351,Great shop\n",
        f"{'I bought the shelf in May. ' * 20},2024-05-01\nBye,2024-05-02\nI want my money back now,2024-05-03\n",
    ],
)
def test_no_header(text):
    table = read(text)
    width = table.frame.shape[1]
    assert (table.header, list(table.frame.columns)) == (0, [f"column_{k}" for k in range(1, width + 1)])
    delimiter = table.delimiter or ""
    assert rows_of(table) == list(csv.reader(io.StringIO(text), delimiter=delimiter))
    assert table.notes == (
        "The first row is like those below it, so it is kept as a row. "
        f"There is no header: the columns are called column_1 to column_{width}.",
    )


def test_likeness_of_a_row_with_nothing_below():
    assert likeness(["a", "1"], []) == 0


def test_a_person_says_where_the_header_is():
    text = "Survey\n\n" + HEADER + ROWS
    assert read(text, header=2).frame["text"].tolist() == TEXTS
    third = read(text, header=3)
    assert (list(third.frame.columns), third.header) == (["0", TEXTS[0], "a"], 3)
    assert "2 lines above the table left out, the first is 'Survey'." in third.notes
    none = read(HEADER + ROWS, header=0)
    assert (list(none.frame.columns), none.header, len(none.frame)) == (["column_1", "column_2", "column_3"], 0, 9)
    forced = read(ROWS, header=1)
    assert (list(forced.frame.columns), forced.header) == (["0", TEXTS[0], "a"], 1)
    assert read("sep=,\n" + HEADER + ROWS, header=2).frame["text"].tolist() == TEXTS
    for header in (-1, 99):
        with pytest.raises(ReadError, match=r"There is no row.*the file has 10 rows that are not blank"):
            read(text, header=header)


def test_a_person_says_where_the_header_of_lines_is():
    lines = "A title\nwords\nHello\n\nBye\n"
    assert read(lines, "a.txt").header == 0
    table = read(lines, "a.txt", header=2)
    assert (list(table.frame.columns), table.header, rows_of(table)) == (["words"], 2, [["Hello"], ["Bye"]])
    assert "1 line above the table left out: 'A title'." in table.notes
    with pytest.raises(ReadError, match="no line below"):
        read(lines, "a.txt", header=4)
    assert read_pasted("words\nHello", ReadOptions(header=1)).frame["words"].tolist() == ["Hello"]
    assert read_pasted("Hi there\tx\nBye now\tx\nOh\ty\n").header == 0


def wrapped(text: str, end: str = "") -> str:
    return "".join('"{}"{}\n'.format(line.replace('"', '""'), end) for line in text.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        wrapped(HEADER + ROWS),
        wrapped(HEADER + ROWS, ";;"),
        HEADER + wrapped(ROWS),
        HEADER + ROWS.split("\n", 1)[0].replace('"', "").replace("late, and", "late and") + "\n"
        + wrapped(ROWS.split("\n", 1)[1]),
        wrapped((HEADER + ROWS).replace(",", "|")).replace("|", ","),
    ],
)  # fmt: skip
def test_whole_lines_in_quotes(text):
    table = read(text)
    assert table.frame["text"].tolist()[1:] == TEXTS[1:]
    assert list(table.frame.columns) == ["id", "text", "topic"]
    assert any("Whole lines stood in quotes" in note for note in table.notes)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('"text"\n"Hello, you"\n"Bye, all"\n', [["Hello, you"], ["Bye, all"]]),
        ('"Name, first"\n"Smith, John"\n"Doe, Jane"\n', [["Smith, John"], ["Doe, Jane"]]),
        ('text,label\n"Hello, you"\n"Bye",a\n', [["Hello, you", ""], ["Bye", "a"]]),
        ('text,label\n"a,""b""",\n"Bye",a\n', [['a,"b"', ""], ["Bye", "a"]]),
    ],
)
def test_quotes_of_cells_are_not_those_of_lines(text, rows):
    assert rows_of(read(text)) == rows


def test_blanks_after_the_delimiter():
    assert rows_of(read("id, text, topic\n0, Hello there, a\n1, Bye, b\n2, So long, a\n"))[0] == [
        "0",
        "Hello there",
        "a",
    ]
    assert rows_of(read('id; text\n0; "Hello; there"\n1; " Bye"\n')) == [["0", "Hello; there"], ["1", " Bye"]]
    late = "id,text\n" + "".join(f"{k},Hello {k}\n" for k in range(20_000)) + '20000, "Hi, you"\n'
    assert rows_of(read(late))[-1] == ["20000", "Hi, you"]
    names = read("id, text, topic\n0,Hello there,a\n1,Bye,b\n")
    assert list(names.frame.columns) == ["id", "text", "topic"]
    assert names.notes == ("Blanks round the columns' names are left out.",)
    # Where it isn't the file's habit, a blank belongs to the cell.
    table = read('id,text\n0, Hello\n1,Bye\n2,"x, ""y"""\n')
    assert (rows_of(table), table.notes) == ([["0", " Hello"], ["1", "Bye"], ["2", 'x, "y"']], ())
    assert rows_of(read("text\nHello you, my friend\nBye, all\nSo, long\n"))[0] == ["Hello you, my friend"]


@pytest.mark.parametrize(
    ("text", "rows", "said"),
    [
        (
            "a,text\n0,Hello you,,\n1,Bye\n2,So,\n",
            [["0", "Hello you"], ["1", "Bye"], ["2", "So"]],
            "2 rows end in empty cells beyond the 2 columns, left out: lines 2, 4.",
        ),
        (
            "a,text\n0,Hello you,\n1,Bye\n",
            [["0", "Hello you"], ["1", "Bye"]],
            "1 row ends in empty cells beyond the 2 columns, left out: line 2.",
        ),
        (
            "a,text,\n0,Hello you,\n1,Bye,\n",
            [["0", "Hello you"], ["1", "Bye"]],
            "The last column has no name and no values: left out.",
        ),
        (
            "a,text,,\n0,Hello you\n1,Bye\n",
            [["0", "Hello you"], ["1", "Bye"]],
            "The last 2 columns have no names and no values: left out.",
        ),
        ("a,text,\n0,Hello you,x\n1,Bye,\n", [["0", "Hello you", "x"], ["1", "Bye", ""]], "Column 3 has no name"),
    ],
)
def test_empty_cells_at_the_end(text, rows, said):
    table = read(text)
    assert rows_of(table) == rows
    assert said in table.notes[0]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('"x"\n"1","The parcel came late"\n"2","Bye"\n"3","Hi you"\n', ["row", "x"]),
        ('"text","row"\n"mine","Hello, you","x"\n"yours","Bye","y"\n"theirs","Bye","y"\n', ["row_2", "text", "row"]),
        ("text\ttopic\n1\tHello, you\tx\n2\tBye\ty\n", ["row", "text", "topic"]),
    ],
)
def test_row_names(text, names):
    table = read(text)
    assert list(table.frame.columns) == names
    assert repr(names[0]) in table.notes[-1]


@pytest.mark.parametrize(
    "text",
    [
        "text,label\nHello, you,a\nBye, you,b\nSo, you,b\n",
        "text,label\nHello,you,a\nBye,you,b\nHello,me,b\n",
        "id,text,topic\n0,Hello you,a,,x\n1,Bye,b\n",
    ],
)
def test_cells_too_many_are_no_row_names(text):
    with pytest.raises(ReadError, match=r"Line 2 has \d cells, but the header has"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROWS + HEADER + ROWS,
        HEADER + ROWS + "\ufeff" + HEADER + ROWS,
        "\ufeff" + HEADER + ROWS + "\ufeff" + HEADER + ROWS,
        "\ufeff" + HEADER + ROWS + "\ufeff" + ROWS,
        "sep=,\n" + HEADER + ROWS + "sep=,\n" + HEADER + ROWS,
        "My report\n\n" + HEADER + ROWS + "My report\n\n" + HEADER + ROWS,
    ],
)
def test_files_put_together(text):
    table = read(text)
    assert table.frame["text"].tolist() == TEXTS * 2
    assert set(table.frame["id"]) == set("01234567")
    line = text[len(HEADER + ROWS) :].count("\n")
    assert any("left out" in note for note in table.notes), line


def test_files_put_together_without_a_header():
    table = read("\ufeff" + ROWS + "\ufeff" + ROWS)
    assert table.frame["column_2"].tolist() == TEXTS * 2
    assert table.frame["column_1"].tolist()[8] == "0"


def test_a_text_like_the_header_stays():
    assert rows_of(read("thanks\nhello\nthanks\n")) == [["thanks"], ["hello"], ["thanks"]]
    assert rows_of(read("aa,bb\ncc,dd\naa,bb\nee,ff\n")) == [["aa", "bb"], ["cc", "dd"], ["aa", "bb"], ["ee", "ff"]]
    assert rows_of(read("text,label\ntext,a\nfoo bar,label\n")) == [["text", "a"], ["foo bar", "label"]]


def test_marks_inside_json_and_lines():
    for mark in ("", "\ufeff"):
        assert read(mark + '{"text": "a b"}\n\ufeff{"text": "c"}\n', "a.jsonl").frame["text"].tolist() == ["a b", "c"]
    assert read("\ufeffone two\n\ufeffthree\n", "a.txt").frame["text"].tolist() == ["one two", "three"]
    # A text may begin with one: then no other file begins there.
    assert read("text,label\n\ufeffHello you,a\nBye,b\n").frame["text"].tolist() == ["\ufeffHello you", "Bye"]


def numbered_rows(delimiter: str, texts: dict[int, str], end: str = "\n") -> tuple[str, list[str]]:
    """A file whose quotes are part of its texts, and these texts."""
    shown = [texts.get(k, f"Ordinary sentence number {k} about the weather") for k in range(40)]
    lines = ["index,sentence,label".replace(",", delimiter)]
    lines += [delimiter.join([str(k), text, str(k % 3)]) for k, text in enumerate(shown)]
    return end.join(lines) + end, shown


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "texts",
    [
        {7: '"We never said that', 21: 'and that was it"'},
        {7: '"We never said that', 8: 'and that was it"'},
        {7: '"We never', 9: 'was it"', 20: '"Oh', 25: 'no"'},
        {0: '"We never', 39: 'was it"'},
        {7: '"We never', 9: 'was it"', 30: '"Well"'},
    ],
)
def test_rows_swallowed_by_a_quote_come_back(delimiter, end, texts):
    text, shown = numbered_rows(delimiter, texts, end)
    table = read(text)
    assert table.frame["sentence"].tolist() == shown
    assert table.frame["label"].tolist() == [str(k % 3) for k in range(40)]
    n_lost = sum(b - a for a, b in zip(*[iter([k for k in texts if k != 30])] * 2, strict=True))
    line = min(texts) + 2
    assert f"ine{'s' if len(texts) == 4 else ''} {line}" in table.notes[0]
    assert f"would swallow {n_lost} row" in table.notes[0]


def test_rows_swallowed_among_cells_that_need_their_quotes():
    text, shown = numbered_rows(",", {7: '"We never', 21: 'was it"', 30: '"Well, yes"'})
    assert read(text).frame["sentence"].tolist() == [*shown[:30], "Well, yes", *shown[31:]]
    case = read_table((CASES / "swallow.tsv").read_bytes(), "swallow.tsv")
    assert case.frame["index"].tolist() == [str(k) for k in range(40)]
    assert case.frame["sentence"][7] == '"We never said that'
    assert case.frame["sentence"][21] == 'and that was the end of it"'


def test_rows_swallowed_elsewhere_than_in_one_column():
    shown = "".join(f"{k},Ordinary sentence number {k},{k % 3}\n" for k in range(20))
    for old, new in (("5,Ordinary sentence number 5,2", '"5,Hm,2'), ("9,Ordinary sentence number 9,0", '9,"Oh,0')):
        text = "index,sentence,label\n" + shown.replace(old, new).replace("15,Ordinary sentence number 15,", '15,no",')
        assert len(read(text).frame) == 20


def test_rows_that_may_be_swallowed_are_said():
    text, _ = numbered_rows(",", {7: '"We never', 21: 'was it"', 30: '"Well,\nyes"'})
    table = read(text)
    assert len(table.frame) == 26
    assert any("The row in line 9 has a cell that reaches to line 23" in note for note in table.notes)


@pytest.mark.parametrize(
    "text",
    [
        "id,text,topic\n" + "".join(f'{k},"Hello,\nyou {k},\n\nbye",a\n' for k in range(20)),
        "topic,text\n" + "".join(f'a,"Dear\nsir, {k}"\n' for k in range(20)),
        'topic,text\nx,"Dear\nsir, me"\n' + "".join(f"a,Hi you {k}\n" for k in range(20)),
        "name,text\n" + "".join(f'{"abcdefghijklmno"[k]}x,"Dear\nBerlin,Germany\nB,me"\n' for k in range(15)),
        'id\ttext\n0\t"a\tb\nc\td"\n1\tBye\n',
        "id,text,topic\n" + ROWS + '8,"A table:\n1,2,3\n4,5,6\nthe end",a\n',
    ],
)
def test_texts_of_several_lines_stay_and_nothing_is_said_of_them(text):
    table = read(text)
    expected = list(csv.reader(io.StringIO(text), delimiter="\t" if "\t" in text else ","))
    assert rows_of(table) == expected[1:]
    assert not table.notes


def test_lines_of_one_column_that_may_be_swallowed_are_said():
    table = read('text\n"We never\nsaid that"\nHe said "no" to me\n')
    assert len(table.frame) == 2
    assert table.notes[0].startswith("The row in line 2 reaches to line 3")
    for text in ('text\n"We never\nsaid that"\nHe said no\n', 'text\n"We never\nsaid"\n"He said ""no"" to me"\n'):
        assert not read(text).notes


def test_a_name_that_is_missing_in_the_header():
    with pytest.raises(ReadError, match=r"Line 2 has 3 cells, but the header has 2\. So has every row: a name may be"):
        read("text,label\nHello you,x,1\nBye,y,2\nHello you,z,3\n")


def test_a_table_as_wide_as_can_be_read():
    names = ",".join(f"name {k}" for k in range(MAX_COLUMNS))
    row = ",".join(["12.5"] * MAX_COLUMNS)
    assert read("\n".join([names, *[row] * 50])).header == 1


def test_every_character_of_private_use():
    private = "".join(map(chr, [*range(0xE000, 0xF900), *range(0xF0000, 0xFFFFE), *range(0x100000, 0x10FFFE)]))
    assert read(f"text,n\n{private}\rx,1\nb,2\n").frame["text"].tolist() == [f"{private}\rx", "b"]
    assert read(f"text\n{private}\rx\nb\n").frame["text"].tolist() == [f"{private}\rx", "b"]


CELLS = st.text(st.sampled_from("\"',;|\t\r\n #=a5.é😀\u2028-"), max_size=8)


@settings(deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\r\n", "\n"]),
)
@example([('x,"', "", "")], ",", csv.QUOTE_MINIMAL, "\n")
@example([("id", "text", "label"), ("#", "", "")], ",", csv.QUOTE_MINIMAL, "\n")
def test_what_the_csv_module_writes_comes_back(rows, delimiter, quoting, end):
    assume(end == "\r\n" or not any("\r" in cell for row in rows for cell in row))  # It writes that without quotes.
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    names = ["id", "text", "label"]
    writer.writerow(names)
    writer.writerows(rows)
    table = read(out.getvalue())
    assert table.delimiter == delimiter
    assert [tuple(row) for row in rows_of(table)] == [row for row in rows if list(row) != names]


@settings(deadline=None)
@given(st.lists(CELLS.filter(str.strip), min_size=1, max_size=6))
def test_one_column_that_the_csv_module_writes_comes_back(texts):
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["text"], *([text] for text in texts)])
    table = read(out.getvalue())
    assert table.frame["text"].tolist() == [text for text in texts if text != "text"]


@pytest.mark.parametrize("seed", range(5))
def test_texts_come_back_from_a_file_with_none_of_these_oddities(seed):
    rows = [[str(k), TEXTS[(k * seed) % 8], "ab"[k % 2]] for k in range(30)]
    out = io.StringIO()
    csv.writer(out).writerows([["nr", "words", "kind"], *rows])
    table = read(out.getvalue())
    assert (rows_of(table), table.header, table.notes) == (rows, 1, ())
    assert guess_text_column(table.frame) == "words"


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("1,refund late\n2,I was charged twice for it\n3,where is it\n4,it broke at once\n5,no answer yet\n", "1"),
        (
            "Lost card,card\nI was charged twice for one thing,charge\nMy card is gone,card\nToo much,charge\n",
            "Lost card",
        ),
        ("pos,Great\nneg,It broke after two days of use\npos,I like it a lot\nneg,Never again from this shop\n", "pos"),
        (
            "2024-01-02,Late again\n2024-01-03,It came on a Sunday and was wet\n2024-01-04,Nobody answers\n",
            "2024-01-02",
        ),
    ],
)
def test_one_cell_that_is_a_value_is_enough_to_tell_that_there_is_no_header(content, first):
    table = read(content)
    assert table.header == 0
    assert table.frame.iloc[0, 0] == first
    assert len(table.frame) == content.count("\n")


def test_a_text_that_says_what_its_lone_column_is_called_stays():
    assert read("text\nhello you\ntext\nmore of it\n").frame["text"].tolist() == ["hello you", "text", "more of it"]


# Patterns that went over the same blanks or comments again and again took minutes for these.
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "content", ["<!---->" * 2_000 + "x,y\n1,2\n", "a,b\n1,2\n" + " " * 200_000 + 'x"y,3\n'], ids=["comments", "blanks"]
)
def test_what_patterns_would_go_over_again_and_again(content):
    assert len(read(content).frame) >= 1


def test_a_pasted_list_of_json_is_read_as_such():
    pasted = '[\n{"text": "a first one", "n": 1},\n{"text": "a second one", "n": 2}\n]'
    assert read_pasted(pasted).frame["text"].tolist() == ["a first one", "a second one"]


def test_a_wide_table_that_ends_like_our_exports_has_the_same_limit():
    names = [f"c{k}" for k in range(MAX_COLUMNS)] + ["label", "labelled_at", "source"]
    with pytest.raises(ReadError, match="2,003 columns; up to 2,000"):
        read(",".join(names) + "\n" + ",".join("x" for _ in names) + "\n")
