"""An export that is uploaded again gives back the same texts and the same answers; a second one adds no column."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelling.dataset import Dataset
from labelling.formats import frames
from labelling.formats.registry import FORMATS, Format
from labelling.labels.label import NO, LabelError, clean_name, names_to_import
from labelling.readers import (
    Table,
    guess_label_value_columns,
    make_dataset,
    read_label_values,
    read_labels,
    read_table,
)
from labelling.workspace import Workspace
from tests.worker import Worker

pytestmark = pytest.mark.slow


@dataclass
class Labelled:
    """A project without its database. `answers` is 1.0 yes, 0.0 no, NaN unknown; or a list of names."""

    dataset: Dataset
    label_values: pd.DataFrame | list[str | None]
    at: list[str | None]
    source: list[str | None]

    def export(self, form: Format) -> bytes:
        if isinstance(self.label_values, list):
            return form.write(frames.labelled_frame(self.dataset, self.label_values, self.at, self.source))
        table = frames.label_values_frame(self.dataset, self.label_values, self.at, self.source, nested=form.nested)
        return form.write(table)

    def known(self) -> Any:
        """The answers; labels of which nothing is known are none."""
        if isinstance(self.label_values, list):
            return self.label_values
        return known_in(self.label_values)


def known_in(label_values: pd.DataFrame) -> dict[str, list[float | None]]:
    return {
        name: [None if value != value else value for value in column]
        for name, column in label_values.items()
        if column.notna().any()
    }


def choose(frame: pd.DataFrame, text_column: str, *, multi_label: bool) -> tuple[Dataset, Any]:
    """The dataset and its answers, the columns chosen as the upload page preselects them."""
    found = guess_label_value_columns(frame)
    if multi_label:
        return make_dataset(Table(frame, ""), text_column), read_label_values(frame, found)
    assert found == [], "else the page would preselect the other kind of project"
    names = [name or None for name in names_to_import(read_labels(frame, "label"))]
    return make_dataset(Table(frame, ""), text_column, "label"), names


def upload(content: bytes, form: Format, text_column: str, *, multi_label: bool) -> Labelled:
    dataset, label_values = choose(read_table(content, form.tail).frame, text_column, multi_label=multi_label)
    said = label_values.notna().any(axis=1) if multi_label else [name is not None for name in label_values]
    at, source = ([value if row else None for row in said] for value in ("2026-02-03T04:05:06+00:00", "imported"))
    return Labelled(dataset, label_values, at, source)


def columns(content: bytes, form: Format) -> list[str]:
    return list(read_table(content, form.tail).frame.columns)


# ---------------------------------------------------------------- any project


NAMES = [
    "label", "Label", " label", "LABEL ", "labels", "labelled_at", "source", "Source", "cats", "CATS",
    "label: x", "label: late", "Label: x", " label: y", "label: ", "label:x",
    "original_label", "original_original_label", "original_Label", "original_cats", "original_label: x", "original_x",
    "text", "tags", "x", "=x", "'=x", "@", "\ufefftext", "PAR1", "PK\x03\x04", "%PDF-1", "{", '{"a": 1}', "sep=;",
    "<html>", "a\rb", "a\nb", 'say "x"', "a,b;c|d", "a\0b",
]  # fmt: skip
LABELS = ["late", "x", '["x"]', "[]", '{"choices": ["x"]}', "true", "True", "X", "2", "2.0",
          "=1+1", "-5", "1", "1.0", "a; b", "a", "b", 'say "x"', "'=x", "Über", "🏳️‍🌈", "می‌خواهم",
          "label: x", "cats", "nan", "NA", "null", "{}", "yes", "a,b", "a|=b", "original_x"]  # fmt: skip
TEXT = st.text(st.sampled_from("\"',;|\t\r\n\0=+-@'＝ a5.\\\ufeff😀\u2028{["), max_size=8) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=12
)


def is_name(name: str) -> bool:
    try:
        return clean_name(name) == name
    except LabelError:
        return False


LABEL = st.sampled_from(LABELS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(is_name)
TIMES = ["2024-01-02", None, "2024-01-02T03:04:05.6", None]
COLUMN = st.sampled_from(NAMES) | TEXT.filter(str.strip)
VALUES = st.sampled_from(["text", "answers", "objects", "yes", "gaps", "times", "floats", "none"])


@dataclass
class Given:
    columns: dict[str, pd.Series]
    text_column: str
    labels: list[str]
    label_values: list[list[int]]  # of each row: the places of labels that are yes, and -1 - place of those that are no


@st.composite
def projects(draw: st.DrawFn) -> Given:
    n = draw(st.integers(1, 4))
    names = draw(st.lists(COLUMN, min_size=1, max_size=6, unique=True))
    texts = draw(st.lists(TEXT, min_size=n, max_size=n).filter(lambda texts: any(map(str.strip, texts))))
    text_column = draw(st.sampled_from(names))
    made = {}
    for name in names:
        kind = draw(VALUES)
        made[name] = {
            "text": lambda: pd.Series(draw(st.lists(TEXT, min_size=n, max_size=n)), dtype="str"),
            "answers": lambda: pd.Series(["late", "x", None, "late"][:n], dtype="str"),
            "objects": lambda: pd.Series(['{"x": 1}', '{"late": 0}', "{}", None][:n], dtype="str"),
            "yes": lambda: pd.Series(["yes", "no", "", "yes"][:n], dtype="str"),
            "gaps": lambda: pd.Series([2**62 + 1, None, -1, 0][:n], dtype="Int64"),
            "times": lambda: pd.Series(pd.to_datetime(TIMES[:n], format="ISO8601")),
            "floats": lambda: pd.Series([0.1, np.nan, np.inf, -1e300][:n]),
            "none": lambda: pd.Series([None] * n, dtype="str"),
        }[kind]()
    made[text_column] = pd.Series(texts, dtype="str")
    labels = draw(st.lists(LABEL, max_size=4, unique=True))
    places = st.lists(st.integers(-len(labels), len(labels) - 1), max_size=3) if labels else st.just([])
    label_values = draw(st.lists(places, min_size=n, max_size=n))
    return Given(made, text_column, labels, label_values)


def labelled(given: Given, *, multi_label: bool) -> Labelled:
    dataset = Dataset(pd.DataFrame(given.columns), given.text_column)
    said = [bool(places) for places in given.label_values]
    at, source = ([value if row else None for row in said] for value in ("2025-01-31T09:30:00+00:00", "lasso"))
    if not multi_label:
        names = [given.labels[places[0]] if places else None for places in given.label_values]
        return Labelled(dataset, names, at, source)
    label_values = pd.DataFrame({name: [np.nan] * len(said) for name in given.labels}, index=range(len(said)))
    for row, places in enumerate(given.label_values):
        for place in places:
            label_values.iloc[row, place if place >= 0 else -1 - place] = float(place >= 0)
    return Labelled(dataset, label_values, at, source)


@pytest.mark.parametrize("multi_label", [False, True], ids=["one", "several"])
@pytest.mark.parametrize("kind", FORMATS)
@settings(derandomize=True, deadline=None, max_examples=25, database=None)
@given(project=projects())
def test_any_project_goes_out_and_comes_in_again(kind: str, multi_label: bool, project: Given) -> None:
    form = FORMATS[kind]
    first = labelled(project, multi_label=multi_label)
    content = first.export(form)
    names = columns(content, form)
    assert len(set(names)) == len(project.columns) + 3 + multi_label * (1 if form.nested else len(project.labels))

    text_column = names[list(project.columns).index(project.text_column)]
    second = upload(content, form, text_column, multi_label=multi_label)
    assert second.dataset.texts == first.dataset.texts
    assert second.known() == first.known()

    again = second.export(form)
    assert set(columns(again, form)) <= set(names)
    third = upload(again, form, text_column, multi_label=multi_label)
    assert third.dataset.texts == first.dataset.texts
    assert third.known() == first.known()
    # Labels of which nothing is known are gone, and objects have their labels in an order of their own.
    kept = [name for name in names if not multi_label or not name.startswith(("label: ", "cats", "label"))] + [
        "labelled_at"
    ]
    pd.testing.assert_frame_equal(third.dataset.frame[kept], second.dataset.frame[kept])


# ---------------------------------------------------------------- with a workspace


def no_encoder(settings: Any) -> Any:
    raise AssertionError("nothing is embedded here")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path)
    yield workspace
    workspace.engine.dispose()


def open_session(workspace: Workspace, dataset: Dataset, *, multi_label: bool = False, take: Any = None) -> Worker:
    session = Worker(workspace, workspace.create("p", dataset, {}, multi_label=multi_label), no_encoder)
    if multi_label and take is not None:
        session.log.import_label_values(take)
    elif take is not None:
        session.log.import_labels(take)
    return session


def again(workspace: Workspace, session: Worker, kind: str) -> Worker:
    """A project of this one's export, its columns chosen as the upload page preselects them."""
    form = FORMATS[kind]
    frame = read_table(session.export(form), form.tail).frame
    multi_label = session.log.multi_label
    dataset, take = choose(
        frame, frame.columns[session.project.dataset.frame.columns.get_loc("text")], multi_label=multi_label
    )
    return open_session(workspace, dataset, multi_label=multi_label, take=take)


def exported(session: Worker, kind: str = "csv", **options: bool) -> pd.DataFrame:
    form = FORMATS[kind]
    return read_table(session.export(form, **options), form.tail).frame


UPLOADED = {"text": ["=a b", "c d", "e\rf", ""], "Label": ["p", "q", "", "p"], "label: late": ["yes", "no", "", "yes"],
            "cats": ['{"late": 0}', '{"late": 1}', "{}", ""], "source": ["x"] * 4}  # fmt: skip


@pytest.mark.parametrize("multi_label", [False, True], ids=["one", "several"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_went_out_goes_out_again_as_it_was(workspace: Workspace, kind: str, multi_label: bool) -> None:
    first = open_session(workspace, Dataset(pd.DataFrame(UPLOADED), "text"), multi_label=multi_label)
    first.log.assign([0], "late", how={"by": "lasso"})
    first.log.assign([1, 3], "a; b", how={"by": "box"})
    if multi_label:
        first.log.assign([2], "late", answer=NO, how={"by": "search"})
        first.log.assign([0], "a; b")
    frame = exported(first, kind)
    added = (["cats"] if kind == "jsonl" else ["label: late", "label: a; b"]) if multi_label else []
    renamed = ["original_Label", "original_label: late", "original_cats", "original_source"]
    assert list(frame.columns) == ["text", *renamed, *added, "label", "labelled_at", "source"]
    for name, column in zip(UPLOADED, frame.columns, strict=False):
        assert frame[column].fillna("").tolist() == UPLOADED[name]

    second = again(workspace, first, kind)
    third = again(workspace, second, kind)
    for session in (second, third):
        assert known_in(session.log.frame()) == known_in(first.log.frame())
        assert set(session.log.sources()) <= {"imported", None}
        pd.testing.assert_frame_equal(exported(session, kind), frame)
        if kind != "parquet":
            assert session.export(FORMATS[kind]) == first.export(FORMATS[kind])


def test_from_one_format_to_the_other(workspace: Workspace) -> None:
    session = open_session(workspace, Dataset(pd.DataFrame(UPLOADED), "text"))
    session.log.assign([0, 2], "=late")
    names = list(exported(session).columns)
    for kind in ("jsonl", "excel", "parquet", "csv", "jsonl"):
        session = again(workspace, session, kind)
        assert session.log.names().tolist() == ["=late", None, "=late", None]
        assert list(exported(session).columns) == names


def test_the_column_of_labels_that_was_imported_comes_out_as_original_once(workspace: Workspace) -> None:
    data = Dataset(pd.DataFrame({"text": ["a b", "c d"], "label": ["x", "y"]}), "text", "label")
    session = open_session(workspace, data, take=["x", "y"])
    session.log.assign([1], "z", overwrite=True)
    for _ in range(3):
        frame = exported(session)
        assert list(frame.columns) == ["text", "original_label", "label", "labelled_at", "source"]
        assert frame["original_label"].tolist() == ["x", "y"]
        assert frame["label"].tolist() == ["x", "z"]
        session = again(workspace, session, "csv")


def earlier_export(**more: list[str]) -> pd.DataFrame:
    labels = {"label": ["x", "", "y"], "labelled_at": ["2020-01-01T00:00:00Z", "", "2020-01-02T00:00:00Z"]}
    return pd.DataFrame({"text": ["a b", "c d", "e f"], **more, **labels, "source": ["lasso", "", "box"]}, dtype="str")


def test_a_label_that_stands_keeps_its_time_and_source(workspace: Workspace) -> None:
    data = earlier_export()
    session = open_session(workspace, Dataset(data, "text", "label"), take=data["label"].tolist())
    session.log.assign([1, 2], "z", overwrite=True, how={"by": "search"})
    frame = exported(session)
    assert list(frame.columns) == list(data.columns)
    assert frame["label"].tolist() == ["x", "z", "z"]
    assert frame["source"].tolist() == ["lasso", "search", "search"]
    assert frame["labelled_at"][0] == "2020-01-01T00:00:00Z"
    assert (frame["labelled_at"][1:] > "2025").all()
    session.log.clear([0])
    assert exported(session).loc[0, ["label", "labelled_at", "source"]].tolist() == ["", "", ""]


def test_what_did_not_come_into_the_log_is_kept(workspace: Workspace) -> None:
    data = earlier_export()
    kept = ["text", "original_label", "original_labelled_at", "original_source", "label", "labelled_at", "source"]
    second_opinion = open_session(workspace, Dataset(data, "text"))
    second_opinion.log.assign([0], "z")
    assert list(exported(second_opinion).columns) == kept
    assert exported(second_opinion)["original_source"].tolist() == ["lasso", "", "box"]

    taken_back = open_session(workspace, Dataset(data, "text", "label"), take=data["label"].tolist())
    assert list(exported(taken_back).columns) == list(data.columns)
    taken_back.log.undo()
    assert list(exported(taken_back).columns) == kept
    taken_back.log.redo()
    assert list(exported(taken_back).columns) == list(data.columns)

    moved = data[["label", "labelled_at", "source", "text"]]
    session = open_session(workspace, Dataset(moved, "text", "label"), take=data["label"].tolist())
    assert list(exported(session).columns) == [*kept[1:4], "text", *kept[4:]]

    by_topic = data.assign(topic=["p", "q", "r"])[["text", "topic", "label", "labelled_at", "source"]]
    session = open_session(workspace, Dataset(by_topic, "text", "topic"), take=["p", "q", "r"])
    assert list(exported(session).columns) == ["text", "topic", *kept[1:]]


def test_of_texts_that_are_added_without_their_labels_these_are_kept(workspace: Workspace) -> None:
    data = earlier_export()
    session = open_session(workspace, Dataset(data, "text", "label"), take=data["label"].tolist())
    session.project.append(Dataset(data, "text"))
    session = Worker(workspace, session.project, no_encoder)
    frame = exported(session)
    assert frame["original_label"].tolist() == ["x", "", "y"] * 2
    assert frame["label"].tolist() == ["x", "", "y", "", "", ""]


def test_answers_that_were_not_taken_are_kept(workspace: Workspace) -> None:
    data = earlier_export(**{"label: x": ["yes", "no", ""], "label: y": ["", "no", "yes"], "label: none": [""] * 3})
    label_values = read_label_values(data, ["label: x", "label: y", "label: none"])

    every = open_session(workspace, Dataset(data, "text"), multi_label=True, take=label_values)
    assert list(exported(every).columns) == list(data.columns)
    none = open_session(workspace, Dataset(data, "text"), multi_label=True)
    none.log.assign([0, 1, 2], "x")
    uploaded = [f"original_{name}" for name in data.columns[1:]]
    assert list(exported(none).columns) == ["text", *uploaded, "label: x", "label", "labelled_at", "source"]
    some = open_session(workspace, Dataset(data, "text"), multi_label=True, take=label_values[["x"]].fillna(0))
    assert list(exported(some).columns) == ["text", "original_label: y", "label: x", "label", "labelled_at", "source"]
    assert exported(some)["original_label: y"].tolist() == ["", "no", "yes"]

    one = open_session(workspace, Dataset(data, "text", "label"), take=data["label"].tolist())
    assert list(exported(one).columns) == ["text", *uploaded[:3], "label", "labelled_at", "source"]


def test_an_export_of_the_other_kind_of_project_is_uploaded(workspace: Workspace) -> None:
    session = open_session(workspace, Dataset(earlier_export(), "text"), multi_label=True)
    session.log.assign([0], "x")
    uploaded = ["original_label", "original_labelled_at", "original_source"]
    assert list(exported(session).columns) == ["text", *uploaded, "label: x", "label", "labelled_at", "source"]


@pytest.mark.parametrize("multi_label", [False, True], ids=["one", "several"])
@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_is_labelled(workspace: Workspace, kind: str, multi_label: bool) -> None:
    session = open_session(workspace, Dataset(pd.DataFrame({"text": ["a b", "c d"]}), "text"), multi_label=multi_label)
    empty = session.export(FORMATS[kind], only_labelled=True)
    assert len(FORMATS[kind].read(empty)) == 0
    for _ in range(3):
        frame = exported(session, kind)
        assert list(frame.columns) == [
            "text",
            *["cats"] * (multi_label and kind == "jsonl"),
            "label",
            "labelled_at",
            "source",
        ]
        assert frame["text"].tolist() == ["a b", "c d"]
        session = again(workspace, session, kind)
        assert session.log.n_labelled == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_answers_after_thousands_of_rows_without_any(workspace: Workspace, kind: str) -> None:
    data = Dataset(pd.DataFrame({"text": [f"text {row}" for row in range(2_500)]}), "text")
    session = open_session(workspace, data, multi_label=True)
    session.log.assign([2_400], "a; b")
    session.log.assign([2_401], "a; b", answer=NO)
    assert known_in(again(workspace, session, kind).log.frame()) == known_in(session.log.frame())
    only = exported(session, kind, only_labelled=True)
    assert only["text"].tolist() == ["text 2400", "text 2401"]
    assert known_in(read_label_values(only, guess_label_value_columns(only))) == {"a; b": [1.0, 0.0]}


@pytest.mark.parametrize("kind", FORMATS)
def test_hundreds_of_labels(workspace: Workspace, kind: str) -> None:
    n = 150
    data = Dataset(pd.DataFrame({"text": [f"text {row}" for row in range(n)]}), "text")
    take = pd.DataFrame(np.where(np.eye(n) == 1, 1.0, np.nan), columns=[f'label {row}; ="{row}"' for row in range(n)])
    take.iloc[0, 1] = 0.0
    session = open_session(workspace, data, multi_label=True, take=take)
    assert known_in(again(workspace, session, kind).log.frame()) == known_in(take)


@pytest.mark.parametrize("kind", FORMATS)
def test_answers_that_were_not_taken_stay_when_a_label_of_that_name_is_made(workspace: Workspace, kind: str) -> None:
    frame = pd.DataFrame({"text": pd.Series(["one", "two", "three"], dtype="str")})
    label_values = pd.DataFrame({"A": [1.0, 0.0, np.nan], "B": [0.0, 1.0, 1.0]})
    first = open_session(workspace, Dataset(frame, "text"), multi_label=True, take=label_values)
    form = FORMATS[kind]
    uploaded = read_table(first.export(form), form.tail).frame
    found = read_label_values(uploaded, guess_label_value_columns(uploaded))
    second = open_session(workspace, make_dataset(Table(uploaded, ""), "text"), multi_label=True, take=found[["A"]])
    second.log.create("B")
    out = read_table(second.export(form), form.tail).frame
    kept = [name for name in out if name.startswith(("original_label: B", "original_cats"))]
    uploaded = out[kept].rename(columns=lambda name: name.removeprefix("original_"))
    assert read_label_values(uploaded, list(uploaded))["B"].tolist() == [0.0, 1.0, 1.0]
