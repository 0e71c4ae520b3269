"""Excel workbooks, whole and damaged."""

import datetime
import io
import re
import zipfile

import openpyxl
import pandas as pd
import pytest
from openpyxl.chart import BarChart

from labelling.dataset import ReadOptions
from labelling.readers import ReadError, Table, read_labels, read_table
from labelling.readers.workbook import read_xlsx
from tests.readers.helpers import DATA

TABLE = [["text", "label"], ["the first text", "a"], ["the second text", "b"]]


def column(table: Table, name: str = "text") -> list:
    return table.frame[name].tolist()


def xlsx(rows: list[list], **sheets: list[list]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, more in sheets.items():
        sheet = book.create_sheet(title)
        for row in more:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_xlsx():
    data = xlsx(
        [
            [None],
            ["text", "n", "when", None, 2024],
            ["a", 1, datetime.datetime(2024, 1, 2), True, None],
            [],
            [5, 2.5, datetime.datetime(2024, 1, 2, 3, 4), None, "x_x000D_y"],
        ],
        Other=[["text"], ["no"]],
    )
    table = read_table(data, "a.xlsx")
    assert list(table.frame.columns) == ["text", "n", "when", "column_4", "2024"]
    assert column(table) == ["a", "5"]
    assert column(table, "n") == [1, 2.5]
    assert column(table, "when") == ["2024-01-02", "2024-01-02T03:04:00"]
    assert column(table, "2024")[1] == "x\ry"
    notes = " ".join(table.notes)
    assert "'Other'" in notes
    assert "2 blank rows skipped" in notes
    assert any("named" in note for note in read_table(data, "a.csv").notes)


@pytest.mark.slow
def test_damaged_workbooks():
    whole = xlsx([["text"], ["a"]])
    with pytest.raises(ReadError, match="can't be read"):
        read_table(whole[: len(whole) // 2], "a.xlsx")
    with pytest.raises(ReadError, match="only a header"):
        read_table(xlsx([["text"]]), "a.xlsx")
    with pytest.raises(ReadError, match="is empty"):
        read_table(xlsx([]), "a.xlsx")


def test_archives_that_unpack_to_too_much(monkeypatch):
    monkeypatch.setattr("labelling.readers.tables.MAX_UNPACKED", 100)
    with pytest.raises(ReadError, match="unpacks to"):
        read_xlsx(xlsx([["text"], ["a"]]))


# ---------------------------------------------------------------- sheets


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def book_of(*sheets: tuple[str, list[list], str]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows, state in sheets:
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        for row in rows:
            sheet.append(row)
    return book


COVER = [["Survey 2024"], ["by the team", "Lyon"], [None, "v2"]]
MANY = [["note", "kind"], *([f"remark number {k}", "x"] for k in range(20))]


@pytest.mark.parametrize(
    ("sheets", "read"),
    [
        ([("A", TABLE, "visible"), ("B", MANY, "visible")], "A"),
        ([("A", [], "visible"), ("B", TABLE, "visible")], "B"),
        ([("A", [["Read me"]], "visible"), ("B", TABLE, "visible")], "B"),
        ([("A", COVER, "visible"), ("B", MANY, "visible"), ("C", MANY, "visible")], "B"),
        ([("A", COVER, "visible"), ("B", [["Nachricht", "Art"], ["zu spät", "x"]], "visible")], "B"),
        ([("A", TABLE, "hidden"), ("B", TABLE, "veryHidden"), ("C", MANY, "visible")], "C"),
        ([("A", [["note"], ["one"], ["two"]], "visible")], "A"),
        ([("A", [["note"], ["one"], ["two"]], "visible"), ("B", [["x"], ["y"]], "visible")], "A"),
    ],
)
def test_which_sheet_is_read(sheets: list, read: str) -> None:
    data = saved(book_of(*sheets))
    table = read_xlsx(data)
    assert table.sheet == read
    assert table.sheets == tuple(title for title, *_ in sheets)
    others = [title for title, *_ in sheets if title != read]
    assert all(any(f"'{title}'" in note for note in table.notes) for title in others)
    for title, rows, _ in sheets:
        if len(rows) > 1:
            chosen = read_xlsx(data, ReadOptions(sheet=title))
            assert (chosen.sheet, len(chosen.frame)) == (title, len(rows) - 1)


def test_sheets_that_can_not_be_read() -> None:
    data = saved(book_of(("A", [], "visible"), ("B", TABLE, "hidden")))
    with pytest.raises(ReadError, match=r"'A' is empty.*Hidden: 'B'") as refused:
        read_xlsx(data)
    assert [read_xlsx(data, offer.options).sheet for offer in refused.value.offers] == ["B"]
    with pytest.raises(ReadError, match="no sheet 'C'; the workbook has: 'A', 'B'"):
        read_xlsx(data, ReadOptions(sheet="C"))


def test_a_sheet_of_charts_is_no_sheet_of_cells() -> None:
    book = book_of(("Data", TABLE, "visible"))
    book.create_chartsheet("Chart", 0).add_chart(BarChart())
    table = read_xlsx(saved(book))
    assert (table.sheet, table.sheets) == ("Data", ("Data",))


# ---------------------------------------------------------------- header


@pytest.mark.parametrize(
    ("rows", "header", "names"),
    [
        (TABLE, 1, ["text", "label"]),
        ([["Survey 2024"], *TABLE], 2, ["text", "label"]),
        ([["Survey 2024"], [], ["of the team"], *TABLE], 3, ["text", "label"]),
        ([["Person", None, "Answer"], ["id", "age", "note"], [1, 30, "so late"], [2, 31, "so cold"]], 2, None),
        ([["Kunde"], ["Nr", "Nachricht"], ["A1", "Das Paket kam viel zu spät bei mir an"]], 2, ["Nr", "Nachricht"]),
        ([["text", None], ["late again", "x"], ["on time", "y"]], 1, ["text", "column_2"]),
        ([[None, "note"], ["a b", "so late"], ["c d", "so cold"]], 1, ["column_1", "note"]),
        ([["note", "n"], ["so late", None], [None, 2]], 1, ["note", "n"]),
        ([["note"], ["so late"], ["so cold"]], 1, ["note"]),
    ],
)
def test_the_row_with_the_names(rows: list, header: int, names: list | None) -> None:
    table = read_xlsx(xlsx(rows))
    filled = [row for row in rows if row]
    assert table.header == header
    assert list(table.frame.columns) == (names or filled[header - 1])
    assert len(table.frame) == len(filled) - header
    said = " ".join(table.notes)
    assert all(cell is None or f"'{cell}'" in said for row in filled[: header - 1] for cell in row)


def test_the_case_of_two_rows_of_names() -> None:
    table = read_xlsx((DATA / "two_rows.xlsx").read_bytes())
    assert list(table.frame.columns) == ["id", "age", "text", "topic"]
    assert (table.header, len(table.frame)) == (2, 8)
    assert any("'Person', 'Answer'" in note for note in table.notes)


def test_a_person_says_where_the_names_are() -> None:
    data = xlsx([["Survey"], [], ["text", "label"], ["late", "a"]])
    table = read_xlsx(data, ReadOptions(header=0))
    assert list(table.frame.columns) == ["column_1", "column_2"]
    assert column(table, "column_1") == ["Survey", "text", "late"]
    assert table.header == 0
    assert column(read_xlsx(data, ReadOptions(header=1)), "Survey") == ["text", "late"]
    assert column(read_xlsx(data, ReadOptions(header=2))) == ["late"]
    with pytest.raises(ReadError, match="Row 3 can't hold the names: the sheet has 3 rows"):
        read_xlsx(data, ReadOptions(header=3))
    assert column(read_xlsx(xlsx([["only this"]]), ReadOptions(header=0)), "column_1") == ["only this"]


# ---------------------------------------------------------------- cells


def test_formulas_without_a_value_are_counted_and_no_row_is_lost() -> None:
    table = read_xlsx((DATA / "formulas_label.xlsx").read_bytes())
    assert read_labels(table.frame, "label") == ["short", "short", *[None] * 6]
    assert any("6 cells in 'label'" in note and "save it once" in note for note in table.notes)
    table = read_xlsx(xlsx([["text", "n"], ["late", 1], ["=A2", "=B2"], [], [None, "=1+1"]]))
    assert column(table)[0] == "late"
    assert len(table.frame) == 3
    assert any("1 cell in 'text', 2 cells in 'n'" in note for note in table.notes)
    assert any("1 blank row skipped" in note for note in table.notes)
    table = read_xlsx(xlsx([["text", "n", "sum"], ["late", 1, "=B2"]]))
    assert list(table.frame.columns) == ["text", "n", "sum"]
    assert table.frame["sum"].isna().all()


def with_cell(data: bytes, cell: str, xml: str) -> bytes:
    """The workbook with the XML of one cell of its sheet replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                content, n = re.subn(rf'<c r="{cell}".*?</c>'.encode(), xml.encode(), content)
                assert n == 1
            if name.endswith("workbook.xml"):
                content = content.replace(b' fullCalcOnLoad="1"', b"")
            new.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("xml", "value", "counted"),
    [
        ('<c r="B2"><f>1+1</f><v>2</v></c>', 2, False),
        ('<c r="B2" t="str"><f>IF(1,"x","")</f><v>x</v></c>', "x", False),
        ('<c r="B2" t="str"><f>IF(1,"","x")</f><v></v></c>', None, False),
        ('<c r="B2" t="str"><f>IF(1,"","x")</f></c>', None, False),
        ('<c r="B2"><f>1+1</f></c>', None, True),
        ('<c r="B2"><f>1+1</f><v/></c>', None, True),
        ('<c r="B2"><f t="shared" si="0"/><v></v></c>', None, True),
        ("<c><f>1+1</f></c>", None, True),
    ],
)
def test_which_formulas_have_no_value(xml: str, value: object, counted: bool) -> None:
    data = xlsx([["text", "n"], ["late", 1], ["late", 3 if not isinstance(value, str) else "y"]])
    table = read_xlsx(with_cell(data, "B2", xml))
    found = table.frame["n"][0]
    assert pd.isna(found) if value is None else found == value
    assert any("1 cell in 'n'" in note for note in table.notes) == counted
    assert len(table.frame) == 2


def test_values_that_a_program_left_to_excel_are_said() -> None:
    data = xlsx([["text", "n"], ["late", 1]])
    stored = with_cell(data, "B2", '<c r="B2"><f>1+1</f><v>0</v></c>')
    assert read_xlsx(stored).notes == ()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(stored)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"<calcPr ", b'<calcPr fullCalcOnLoad="1" '))
    assert any("in 1 cell" in note and "may be wrong" in note for note in read_xlsx(out.getvalue()).notes)


def test_errors_are_kept_and_counted() -> None:
    book = book_of(("A", [["text", "n"], ["late", 1], ["#N/A", "#REF!"], ["cold", "#N/A"]], "visible"))
    table = read_xlsx(saved(book))
    assert column(table, "n") == ["1", "#REF!", "#N/A"]
    assert any("1 cell in 'text', 2 cells in 'n'" in note for note in table.notes)


def test_values_of_every_kind() -> None:
    rows = [
        ["text", "whole", "float", "gap", "yes", "day", "time", "long"],
        ["a", 1.0, 1.5, 3, True, datetime.date(2024, 1, 2), datetime.time(3, 4), datetime.timedelta(hours=30)],
        ["b", 2, 2.0, None, False, datetime.datetime(2024, 1, 2, 3), None, datetime.timedelta(minutes=1)],
    ]
    frame = read_xlsx(xlsx(rows)).frame
    assert frame["whole"].tolist() == [1, 2]
    assert str(frame["whole"].dtype) == "int64"
    assert str(frame["gap"].dtype) == "Int64"
    assert frame["float"].tolist() == [1.5, 2.0]
    assert frame["yes"].tolist() == [True, False]
    assert frame["day"].tolist() == ["2024-01-02", "2024-01-02T03:00:00"]
    assert frame["time"][0] == "03:04:00"
    assert frame["long"].tolist() == ["1 day, 6:00:00", "0:01:00"]


def test_merged_cells_have_their_value_once() -> None:
    book = book_of(("A", [["text", "label"], ["late", "a"], ["cold", None]], "visible"))
    book["A"].merge_cells("B2:B3")
    assert read_labels(read_xlsx(saved(book)).frame, "label") == ["a", None]


# ---------------------------------------------------------------- other files


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name in names:
            new.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        ((DATA / "strict.xlsx").read_bytes(), "a.xlsx", 'Strict Open XML Spreadsheet.*"Excel Workbook'),
        (archive("mimetype", "content.xml"), "a.ods", r"OpenDocument file \(\.ods\).*save it as \.xlsx or CSV"),
        (archive("word/document.xml"), "a.docx", "Word document"),
        (archive("xl/workbook.bin"), "a.xlsb", "Binary Workbook.*save it in Excel"),
        (archive("Index/Document.iwa"), "a.numbers", "export it as Excel"),
        (archive("a.csv", "b.csv"), "a.zip", "zip archive, which holds 2 files: 'a.csv', 'b.csv'. Unpack it"),
    ],
)
def test_archives_of_another_kind(data: bytes, name: str, said: str) -> None:
    with pytest.raises(ReadError, match=said):
        read_table(data, name)


def test_a_row_beyond_every_sheet_is_damage() -> None:
    data = with_cell(xlsx([["text"], ["late"]]), "A2", '<c r="A2" t="str"><v>x</v></c></row><row r="99999999"><c/>')
    with pytest.raises(ReadError, match="more than 1,048,576 rows"):
        read_xlsx(data)


def test_a_sheet_without_a_row_of_names() -> None:
    rows = [("Where is my refund, please?", "late"), ("It broke at once, sadly", "bug"), ("No answer yet", "late")]
    book = openpyxl.Workbook()
    for row in [*rows, ("Your shop is great", "praise"), ("I can't log in", "bug")]:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    table = read_table(file.getvalue(), "a.xlsx")
    assert table.header == 0
    assert table.frame.iloc[0].tolist() == list(rows[0])
    assert len(table.frame) == 5
    assert any("no row with the names" in note for note in table.notes)
