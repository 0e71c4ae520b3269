"""The texts page: a table that was read is never a dead end, and what is read of it can be changed."""

import io
from collections.abc import Sequence

import openpyxl
import pytest
from streamlit.testing.v1 import AppTest

from labelling.readers.names import MULTI_LABEL
from labelling.ui.texts import reading
from labelling.ui.texts.columns import ONE
from labelling.workspace import Workspace
from tests.ui.helpers import CSV, open_page, press, said, upload
from tests.ui.tab import of_tab

pytestmark = pytest.mark.slow

NASTY = ["**bold**", ":material/delete: x", "<img src=x onerror=alert(1)>", "$x$ and $y$", ":red[x] `code` [a](b)"]
TITLE = "$x$ and `code` <img src=x>"  # of a sheet
TITLED = b"Survey of spring\nMade by Ann\nid,text,topic\n1,the card was lost,a\n2,the refund is late,b\n"


def workbook(sheets: dict[str, Sequence[Sequence[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def found(at: AppTest) -> reading.Found:
    result: reading.Found = of_tab(at, reading.Upload).found
    return result


def columns(at: AppTest) -> list[str]:
    """Of the first rows, as they are shown."""
    return list(at.dataframe[0].value.columns)


def names_row(at: AppTest, row: int) -> AppTest:
    next(each for each in at.number_input if each.label == "Names of the columns: in row").set_value(row)
    return at.run()


def read_sheet(at: AppTest, title: str) -> AppTest:
    return next(each for each in at.selectbox if each.label == "Sheet").select(title).run()


def no_names(at: AppTest, *, none: bool = True) -> AppTest:
    box = next(each for each in at.checkbox if each.label == "there are none")
    (box.check if none else box.uncheck)()
    return at.run()


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def errors(at: AppTest) -> str:
    return "\n".join(str(error.value) for error in at.error).replace("\\", "")


def plain(at: AppTest) -> str:
    return said(at).replace("\\", "")


# ---------------------------------------------------------------- guesses


def test_a_table_without_a_guess_is_shown_and_one_chooses(workspace: Workspace) -> None:
    at = upload(open_page("texts"), "mine.csv", b"a,b\n1,2\n3,4\n3,5\n")
    assert not at.exception
    assert not at.error
    assert columns(at) == ["a", "b"]
    assert at.selectbox[0].value is None
    assert "Which column holds the texts?" in said(at)
    assert "Make the map" not in labels(at)
    at.selectbox[0].select("b").run()
    assert "Which column holds the texts?" not in said(at)
    press(at, "Make the map")
    (info,) = workspace.projects()
    assert workspace.open(info.id).dataset.texts == ["2", "4", "5"]


def test_the_error_of_a_choice_stands_beside_it_and_the_choice_stays() -> None:
    at = upload(open_page("texts"), "mine.csv", b"text,note\nthe card was lost,\nthe refund is late,\n")
    at.selectbox[0].select("note").run()
    assert "has no text in any of its 2 rows" in errors(at)
    assert at.selectbox[0].value == "note"
    assert columns(at) == ["text", "note"]
    assert "Make the map" not in labels(at)
    at.selectbox[0].select("text").run()
    assert not at.error
    assert "Make the map" in labels(at)


def test_a_file_of_the_same_name_keeps_what_was_chosen_and_is_still_there() -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    at.selectbox(key="label column of mine.csv").select("kind").run()
    at = upload(at, "mine.csv", CSV + b"5,one more of them,a\n")
    assert at.selectbox(key="label column of mine.csv").value == "kind"
    at = upload(at, "mine.csv", CSV.replace(b"kind", b"topic"))
    assert at.selectbox(key="label column of mine.csv").value is None
    assert not at.exception


# ---------------------------------------------------------------- the row with the names


def test_the_row_with_the_names_is_changed_and_changed_back() -> None:
    at = upload(open_page("texts"), "mine.csv", TITLED)
    assert columns(at) == ["id", "text", "topic"]
    assert found(at).table.header == 3
    at.selectbox(key="label column of mine.csv").select("topic").run()
    at = names_row(at, 4)
    assert columns(at) == ["1", "the card was lost", "a"]
    assert not at.exception
    assert at.selectbox(key="label column of mine.csv").value is None, "a column that is no longer there"
    at = no_names(at)
    assert found(at).table.header == 0
    assert "Survey of spring" in str(at.dataframe[0].value)
    at = no_names(at, none=False)
    at = names_row(at, 3)
    assert columns(at) == ["id", "text", "topic"]
    assert at.selectbox[0].value == "text", "the guess comes back"
    assert not at.error


def test_a_row_that_is_not_there_is_refused_and_what_was_read_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    before = found(at)
    at = names_row(at, 99)
    assert not at.exception
    refused = errors(at)
    assert refused
    assert found(at) is before
    assert columns(at) == ["id", "text", "kind"]
    assert "Make the map" in labels(at)
    monkeypatch.setattr(reading.Found, "read", None, raising=False)
    at.run()
    assert errors(at) == refused, "said again, not read again"
    at = names_row(at, 1)
    assert not at.error


def test_pasted_cells_have_a_row_of_names_too() -> None:
    at = open_page("texts")
    at.button_group[0].set_value("Pasted texts").run()
    at.text_area(key="pasted").input("id\tmessage\n1\tthe card was lost\n2\tthe refund is late")
    press(at, "Read")
    assert columns(at) == ["id", "message"]
    at = no_names(at)
    assert len(at.dataframe[0].value) == 3
    assert not at.error


def test_a_format_without_a_row_of_names_has_no_such_control() -> None:
    at = upload(open_page("texts"), "mine.jsonl", b'{"text": "the card was lost"}\n{"text": "where is it"}\n')
    assert not any(each.label == "there are none" for each in at.checkbox)


def test_the_reading_of_one_file_is_not_that_of_the_next() -> None:
    at = no_names(upload(open_page("texts"), "mine.csv", CSV))
    assert found(at).table.header == 0
    at = upload(at, "mine.csv", CSV + b"5,one more,a\n")
    assert found(at).table.header == 1
    assert columns(at) == ["id", "text", "kind"]


# ---------------------------------------------------------------- sheets


def test_another_sheet_is_read_with_a_row_of_names_of_its_own() -> None:
    other = [["Survey", None], ["", None], ["id", "text"], [1, "the card was lost"], [2, "the refund is late"]]
    data = workbook({"One": [["text", "n"], ["where is it", 1], ["how is it", 2]], TITLE: other, "Empty": []})
    at = upload(open_page("texts"), "mine.xlsx", data)
    sheet = next(each for each in at.selectbox if each.label == "Sheet")
    assert sheet.options == ["One", TITLE, "Empty"]
    first = sheet.value
    assert first == found(at).table.sheet
    wanted = "One" if first != "One" else TITLE
    read_sheet(at, wanted)
    assert found(at).table.sheet == wanted
    read_sheet(at, TITLE)
    assert columns(at) == ["id", "text"]
    read_sheet(at, "One")
    assert columns(at) == ["text", "n"]
    read_sheet(at, "Empty")
    assert not at.exception
    assert "empty" in errors(at).lower()
    assert columns(at) == ["text", "n"], "what was read before stays"
    read_sheet(at, "One")
    assert not at.error


# ---------------------------------------------------------------- ways to read it all the same

MIXED = (
    "id,text\n"
    + "".join(f"{row},the café of day {row}\n" for row in range(60))
).encode() + "60,<b>naïve</b> **one**\n".encode("cp1252")  # fmt: skip


@pytest.mark.parametrize(
    ("offer", "text"), [("replace", "<b>na\ufffdve</b> **one**"), ("cp1252", "<b>naïve</b> **one**")]
)
def test_a_file_that_was_refused_is_read_as_it_is_offered(offer: str, text: str) -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    at = upload(at, "mixed.csv", MIXED)
    assert "mixes encodings" in errors(at)
    assert "Still loaded: mine.csv" in plain(at)
    assert columns(at) == ["id", "text", "kind"]
    assert any("ve</b> **one**" in code.value for code in at.code), "the line itself, as text"
    next(button for button in at.button if offer in button.label).click().run()
    assert not at.error
    assert not at.code
    assert found(at).name == "mixed.csv"
    assert found(at).table.frame["text"].iloc[-1] == text
    at = no_names(at)
    assert not at.error, "the row of names is changed in the encoding that was chosen"
    assert found(at).table.frame.iloc[-1, -1] == text


def test_an_error_goes_with_its_file() -> None:
    at = upload(open_page("texts"), "mixed.csv", MIXED)
    assert at.error
    at.button_group[0].set_value("Pasted texts").run()
    assert not at.error
    at.button_group[0].set_value("A file").run()
    assert not at.error


# ---------------------------------------------------------------- labels


def test_what_comes_in_with_the_texts_is_said_before() -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    at.selectbox(key="label column of mine.csv").select("kind").run()
    assert "3 of 4 rows have one of 2 labels: 'a', 'b'" in plain(at)
    at.selectbox(key="label column of mine.csv").select("id").run()
    assert "4 of 4 rows have one of 4 labels: '1', '2', '3', '4'" in plain(at)


def test_several_labels_in_a_row_are_explained_and_can_be_taken(workspace: Workspace) -> None:
    lines = ['{"text": "the card was lost", "label": ["card", "late"]}', '{"text": "where is it", "label": ["late"]}']
    at = upload(open_page("texts"), "a.jsonl", "\n".join([*lines, '{"text": "no label at all"}']).encode())
    assert at.radio[0].value == MULTI_LABEL
    assert "2 of 3 rows have an answer for one of 2 labels: 'card', 'late'" in plain(at)
    at.radio[0].set_value(ONE)
    at.run()
    at.selectbox(key="label column of a.jsonl").select("label").run()
    assert "several labels" in errors(at)
    assert "Make the map" not in labels(at)
    press(at, f"Take it as: {MULTI_LABEL.lower()}")
    assert not at.error
    assert at.radio[0].value == MULTI_LABEL
    assert at.multiselect[0].value == ["label"]
    press(at, "Make the map")
    (info,) = workspace.projects()
    assert workspace.open(info.id).open_log().label_values(0)[0] == 1


def test_a_column_that_can_not_be_labels_is_refused_beside_it() -> None:
    at = upload(open_page("texts"), "a.csv", b"text,kind\nthe card is lost,x\nthe train is late," + b"y" * 99 + b"\n")
    at.selectbox(key="label column of a.csv").select("kind").run()
    assert "can't be a label" in errors(at)
    assert at.selectbox(key="label column of a.csv").value == "kind"
    assert "Make the map" not in labels(at)
    assert not any("Take it as" in label for label in labels(at))
    at.selectbox(key="label column of a.csv").set_value(None).run()
    assert "Make the map" in labels(at)


# ---------------------------------------------------------------- rows without text, and other people's Markdown


def test_rows_without_text_are_said() -> None:
    rows = b'{"text": "a first one"}\n{"text": null}\n{"text": ""}\n{"text": "  "}\n{"text": "a second one"}\n'
    at = upload(open_page("texts"), "a.jsonl", rows)
    assert "3 rows have no text: they stay in the file and in the export, but are not on the map" in plain(at)


@pytest.mark.parametrize("nasty", NASTY)
def test_what_was_uploaded_is_never_markdown(nasty: str) -> None:
    cells = f'"the words {nasty} are many","{nasty}"\n"more of the words {nasty}","{nasty}"\n"once more","y"\n'
    at = upload(open_page("texts"), f"{nasty.replace('/', '')}.csv", f'text,"{nasty}"\n{cells}'.encode())
    assert not at.exception
    at.selectbox[1].select(nasty).run()
    assert not at.exception
    assert columns(at) == ["text", nasty]
    assert at.selectbox[0].options == ["text", nasty], "a select box draws plain text"
    kinds = [at.markdown, at.caption, at.error, at.info, at.warning, at.button, at.radio]
    drawn = [str(getattr(each, "label", None) or each.value) for kind in kinds for each in kind]
    drawn += [caption for radio in at.radio for caption in radio.proto.captions]
    assert any("rows have one of 2 labels: " in each for each in drawn)
    for each in drawn:
        assert nasty not in each
        assert nasty.replace("/", "") not in each


def test_two_projects_of_one_name_are_told_apart(workspace: Workspace) -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    press(at, "Make the map")
    at = upload(open_page("texts"), "mine.csv", CSV)
    press(at, "Make the map")
    newest, oldest = workspace.projects()
    at = upload(open_page("texts"), "more.csv", b"text\na new one of them\n")
    into = at.selectbox(key="project for more.csv")
    assert len(set(into.options)) == 3
    into.select_index(2).run()
    press(at, "Add the texts")
    assert workspace.open(oldest.id).n_rows == 5
    assert workspace.open(newest.id).n_rows == 4


def test_what_comes_next_for_a_file_stands_above_demos_and_projects(workspace: Workspace) -> None:
    at = open_page("texts")
    demo, make = "Open the easy demo", "Make the map"
    assert demo in [each.label for each in at.button]
    labels = [each.label for each in upload(at, "cards.csv", CSV).button]
    assert labels.index(make) < labels.index(demo)
