"""A project's rows with their labels, as a file."""

import itertools
import json
import threading
from datetime import UTC, datetime, timedelta, tzinfo

import pandas as pd
import pytest

from labelling.dataset import Dataset
from labelling.formats.registry import FORMATS, JSONL, PARQUET
from labelling.labels.label import NO
from labelling.readers import read_table
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
