"""A project's rows with their labels, as a file."""

import itertools
import json
import threading
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
import pandas as pd
import pytest

from labelling.dataset import Dataset
from labelling.formats.registry import FORMATS, JSONL, PARQUET, TOOLS
from labelling.labels.label import NO
from labelling.readers import guess_label_value_columns, read_label_values, read_labels, read_table
from labelling.tasks.export import records_of, to_read
from labelling.workspace import Workspace
from tests.projects import (
    FILLED,
    TEXTS,
    all_of,
    make_dataset,
    new_session,
    select_rows,
)
from tests.worker import Worker


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("only_labelled", [False, True])
def test_export_row_by_row(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, kind: str, only_labelled: bool
) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    minutes = itertools.count()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return start + timedelta(minutes=next(minutes))

    monkeypatch.setattr("labelling.labels.writing.datetime", Clock)  # each action at a time of its own
    texts = [*TEXTS, "=1+1", 'quotes " and, commas', "two\nlines", "naïve 👩"]
    n = len(texts)
    data = make_dataset(texts, label=[f"old{row}" for row in range(n)], number=[str(7 * row) for row in range(n)])
    project = workspace.create("p", Dataset(data.frame, "text", "label"), {})
    session = new_session(workspace, project)
    session.embed()
    session.map.look(project.current, "PCA")
    session.log.import_labels([f"old{row}" if row % 5 == 0 else None for row in range(n)])
    session.selection.deselect()
    select_rows(session, [row for row in FILLED if row % 3 == 0])
    session.labelling.give("card")
    session.selection.draw(*all_of(session))
    session.labelling.give("rest <b>")
    session.labelling.undo()
    # Another tab's labels go out too.
    new_session(workspace, project).log.assign([1], "from another tab", how={"by": "box"})

    content = session.export(FORMATS[kind], only_labelled=only_labelled)
    frame = read_table(content, FORMATS[kind].tail).frame
    log = project.open_log()
    rows = [row for row in range(n) if not only_labelled or log.names()[row] is not None]
    assert len(frame) == len(rows)
    assert 0 < log.n_labelled < n
    sources = {"card": "lasso", "from another tab": "box"}
    records = [
        {name: None if pd.isna(cell) or cell == "" else cell for name, cell in record.items()}
        for record in frame.to_dict("records")
    ]
    for row, got in zip(rows, records, strict=True):
        name = log.names()[row]
        assert (got["text"] or "") == texts[row] or not texts[row].strip()
        assert got["original_label"] == f"old{row}"
        assert str(got["number"]) == str(7 * row)
        assert got["label"] == name
        assert got["source"] == (None if name is None else sources.get(name, "imported"))
        at = log.labelled_at()[row]
        if kind == PARQUET:
            assert got["labelled_at"] == (None if at is None else pd.Timestamp(at))
        else:
            assert got["labelled_at"] == (None if at is None else at.replace("+00:00", "Z"))


def test_preview_is_the_head_of_the_export(session: Worker) -> None:
    session.log.assign([3, 30], "a")
    assert session.preview(4)["label"].fillna("").tolist() == ["", "", "", "a"]
    assert session.preview(4, only_labelled=True)["text"].tolist() == [TEXTS[3], TEXTS[30]]
    assert session.preview(4, only_labelled=True)["labelled_at"].str.endswith("Z").all()
    for form in FORMATS.values():
        whole = form.read(session.export(form))
        pd.testing.assert_frame_equal(session.preview(4, form=form), whole.head(4))


@pytest.mark.parametrize(
    ("text", "columns", "wanted"),
    [
        ("text", ["id", "text", "kind", "label", "labelled_at", "source"], "text label id kind labelled_at source"),
        ("text", ["id", "text", "label: a", "label: b", "label"], "text|label: a|label: b|label|id"),
        ("text", ["id", "text", "cats", "label"], "text cats label id"),
        ("Label", ["id", "original_Label", "text", "label"], "original_Label label id text"),
        ("message", ["row", "text", "label"], "text label row"),
        ("message", ["line"], "line"),
    ],
)
def test_the_label_is_read_beside_the_text(text: str, columns: list[str], wanted: str) -> None:
    assert to_read(columns, text) == wanted.split("|" if "|" in wanted else " ")


def test_export_while_the_page_labels(session: Worker) -> None:
    errors: list[Exception] = []

    def download() -> None:
        try:
            for _ in range(10):
                frame = session.project.open_log()
                assert frame.n_labelled >= 0
                session.export()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=download)
    thread.start()
    for number in range(40):
        session.log.assign([number], f"label {number}")
    thread.join()
    assert errors == []
    assert [action.seq for action in session.log.actions] == list(range(1, 41))


def test_answers_are_exported(multi_label: Worker) -> None:
    multi_label.log.assign([0], "a")
    multi_label.log.assign([1], "a", answer=NO)
    lines = multi_label.export(FORMATS[JSONL]).decode().splitlines()
    assert [json.loads(line)["cats"] for line in lines[:3]] == [{"a": 1}, {"a": 0}, {}]
    table = read_table(multi_label.export(only_labelled=True), "a.csv").frame
    assert table["label: a"].tolist() == ["yes", "no"]


# ---------------------------------------------------------------- for other tools


def test_a_record_holds_who_when_how_and_how_right(session: Worker) -> None:
    rows = FILLED[:20]
    session.log.assign(rows, "card", how={"by": "lasso"})
    session.log.audit(1, rows[:6], rows[:1], "random")
    session.log.assign([int(FILLED[21])], "refund", how={"by": "search"})
    session.log.create("unused")
    first, second, third, *_ = records_of(session.project, session.log, FILLED[[0, 1, 21]])
    assert (first.label, first.known, first.labelled_by, first.wrong_share) == (None, False, None, None)
    assert (second.label, second.yes, second.no) == ("card", ("card",), ())
    assert (second.labelled_by, second.chosen_by) == (session.log.who, "lasso")
    assert second.labelled_at == session.log.actions[0].at
    quality = session.log.quality_now(1)
    assert quality is not None
    assert second.wrong_share == quality.share > 0
    assert (third.row, third.label, third.chosen_by, third.wrong_share) == (FILLED[21], "refund", "search", None)
    assert {first.suggestion, first.score, first.model} == {None}


def test_a_record_holds_what_the_newest_kept_model_suggests(session: Worker) -> None:
    session.embed()
    session.log.assign(FILLED[:4], "card")
    session.log.assign(FILLED[4:8], "refund")
    space = session.project.add_space("tuned", "FakeTuner", {"classes": ["card", "refund"]}, 0, "kept")
    n_rows = session.project.n_rows
    space.save_suggestions(np.where(np.isin(np.arange(n_rows), FILLED), 1, -1), np.full(n_rows, 0.75))
    session.log.rename(session.log.find("refund").id, "money back")
    found = next(iter(records_of(session.project, session.log, FILLED[:1])))
    assert (found.suggestion, found.score, found.model) == ("money back", 0.75, "corral:FakeTuner")


@pytest.mark.parametrize("kind", TOOLS)
@pytest.mark.parametrize("several", [False, True])
def test_a_project_goes_to_each_tool_and_comes_back(
    session: Worker, multi_label: Worker, kind: str, several: bool
) -> None:
    worker, tool = multi_label if several else session, TOOLS[kind]
    worker.log.assign(FILLED[:5], "card", how={"by": "lasso"})
    worker.log.assign(FILLED[9:12], "refund")
    if several:
        worker.log.assign(FILLED[2:4], "refund")
        worker.log.assign(FILLED[20:22], "card", answer=NO)
    frame = read_table(worker.export(tool), tool.tail).frame
    texts = dict.fromkeys(worker.project.dataset.texts[row] for row in FILLED)  # Prodigy takes equal texts for one
    if not tool.only_labelled:
        assert list(dict.fromkeys(frame["text"])) == list(texts)
    if several:
        cats = read_label_values(frame, guess_label_value_columns(frame) or ["label"])
        assert (cats["card"] == 1).sum() == 5
        assert (cats["refund"] == 1).sum() == 5
        assert (cats["card"] == 0).sum() == (0 if kind == "fasttext" else 2)
    else:
        labels = read_labels(frame, "label")
        assert (labels.count("card"), labels.count("refund")) == (5, 3)
    assert len(worker.preview(5, form=tool)) >= 5
