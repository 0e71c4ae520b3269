"""CSV and TSV, good and bad, as people bring them."""

import pytest

from labelling.readers import ReadError, Table, read_table

SENTENCES = [
    "My card has not come, and I need it",
    "Where is it?",
    "I paid twice; give me one back",
    "Thanks | bye",
]


def column(table: Table, name: str = "text") -> list:
    return table.frame[name].tolist()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiter_is_found_among_the_others(delimiter):
    rows = [["text", "label"]] + [[f'"{text}"', "a"] for text in SENTENCES]
    table = read_table("\n".join(delimiter.join(row) for row in rows).encode(), "a.csv")
    assert table.delimiter == delimiter
    assert column(table) == SENTENCES


@pytest.mark.parametrize(
    "lines",
    [
        ["text", *SENTENCES],
        ["text", *[f"Hello {k}, how are you" for k in range(20)]],
        ["text", "one two", "three four"],
        ["I was charged, twice, please help me now.", *SENTENCES],
    ],
    ids=["mixed", "one comma a line", "spaces", "no header"],
)
def test_csv_of_one_column_is_not_split(lines):
    table = read_table("\n".join(lines).encode(), "a.csv")
    assert table.delimiter is None
    assert column(table) == (lines[1:] if lines[0] == "text" else lines)
    assert any("first line" in note for note in table.notes) == (lines[0] != "text")


def test_a_survey_question_is_a_header_unless_questions_follow():
    survey = read_table(b"What did you like about our new product?\nThe colour\nNothing\n", "a.csv")
    assert list(survey.frame.columns) == ["What did you like about our new product?"]
    questions = read_table(b"Where is my new card now?\nWhen does it come?\nWho has it?\n", "a.csv")
    assert len(questions.frame) == 3


def test_csv_cells_stay_as_they_stand():
    cells = [
        "NA",
        "null",
        "007",
        "1.0",
        " spaces ",
        "",
        "-5",
        "'=1+1",
        "=1+1",
        "nan",
        "TRUE",
        'say "hi"',
        "a\0b",
    ]
    data = "text,n\n" + "".join('"{}",x\n'.format(cell.replace('"', '""')) for cell in cells)
    assert column(read_table(data.encode(), "a.csv")) == cells


def test_csv_keeps_line_breaks_inside_cells():
    data = b'text,n\r\n"one\r\ntwo",1\r\n"three\nfour",2\r\n"five\rsix",3\r\n"\r\r\n",4\r\n'
    assert column(read_table(data, "a.csv")) == ["one\r\ntwo", "three\nfour", "five\rsix", "\r\r\n"]


def test_csv_lone_carriage_return_without_quotes_is_part_of_the_text():
    assert column(read_table(b"text,n\none\rtwo,1\nthree,2\n", "a.csv")) == ["one\rtwo", "three"]
    assert column(read_table(b'text,n\rone,1\r"two\nthree",2\r', "a.csv")) == ["one", "two\nthree"]


def test_csv_text_of_a_megabyte():
    text = "long, " * 200_000
    assert column(read_table(f'id,text\n1,"{text}"\n'.encode(), "a.csv")) == [text]


def test_csv_short_rows_are_filled_and_named():
    table = read_table(b'text,a,b\n"x\ny",1,2\nshort\n\nz,1\n', "a.csv")
    assert table.frame.to_numpy().tolist() == [["x\ny", "1", "2"], ["short", "", ""], ["z", "1", ""]]
    assert "line" in table.notes[-1]
    assert table.notes[-1].endswith("lines 4, 6.")
    assert "1 blank line skipped." in table.notes


def test_csv_long_row_says_where():
    with pytest.raises(ReadError, match=r"Line 4 has 3 cells, but the header has 2.*comma"):
        read_table(b'text,label\n"a\nb",x\nHello, you,y\n', "a.csv")


def test_csv_open_quote_says_where():
    with pytest.raises(ReadError, match=r"line 3.*must be doubled"):
        read_table(b'text,label\nfine,x\n"never closed,y\nfine,x\n', "a.csv")
    with pytest.raises(ReadError, match=r"line 3.*must be doubled"):
        read_table(b'text,label\nfine,x\n"early" end,y\n', "a.csv")


def test_csv_quotes_with_backslashes():
    table = read_table(b'text,n\n"He said \\"hi, you\\" to me",1\n"C:\\\\temp\\new",2\n', "a.csv")
    assert column(table) == ['He said "hi, you" to me', "C:\\temp\\new"]
    assert any("read as quotes" in note for note in table.notes)
    # A file that needs no such reading keeps its backslashes.
    assert column(read_table(b'text,n\n"C:\\",1\n"a ""b"" \\n",2\n', "a.csv")) == ["C:\\", 'a "b" \\n']


def test_quotes_are_part_of_the_text_where_they_enclose_nothing():
    for data in (b'text\n"Hello" he said\n"bye\n', b'text\tn\n"Hello" he said\t1\n"bye\t2\n'):
        table = read_table(data, "a.tsv")
        assert column(table) == ['"Hello" he said', '"bye']
        assert any("Quotes" in note for note in table.notes)


def test_header_names_are_made_unique():
    table = read_table(b"text,text,,text_2\na,b,c,d\n", "a.csv")
    assert list(table.frame.columns) == ["text", "text_3", "column_3", "text_2"]
    assert len(table.notes) == 2
