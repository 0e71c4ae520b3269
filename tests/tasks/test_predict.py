"""Labels for all texts of a file: what is written, stopped, taken up again, and refused."""

import json
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labelling.errors import CorralError, StepError
from labelling.learning.model import Model
from labelling.readers import ReadError, parts
from labelling.tasks import predict as tasks
from labelling.tasks.predict import predict

TEXTS = ["card lost", "refund late", "", "card", " \t", "refund card", "card card", "=refund", "card card", "card lost"]


class Words:
    """Probabilities by the words card and refund; `seen` lists what it was asked."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: list[str]):  # type: ignore[no-untyped-def]
        self.seen += texts
        found = np.array([[0.05 + text.count("card"), 0.05 + text.count("refund")] for text in texts]).reshape(-1, 2)
        return (found / found.sum(axis=1, keepdims=True)).astype(np.float32), None


def model(words: Words, fingerprint: str = "m", names: tuple[str, str] = ("card", "=refund"), **options: bool) -> Model:
    return Model(words, names, **{"multi_label": False, **options}, fingerprint=fingerprint)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of three rows."""
    monkeypatch.setattr(parts, "ROWS", 3)
    monkeypatch.setattr(tasks, "ROWS", 3)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    frame = pd.DataFrame(
        {"id": [f"0{n}" for n in range(10)], "text": TEXTS, "Label": ["@x"] * 10, "original_Label": "y"}
    )
    frame.to_csv(tmp_path / "in.csv", index=False)
    return tmp_path / "in.csv"


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".jsonl":
        return pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()])
    return pd.read_csv(path, keep_default_na=False, dtype=str, encoding="utf-8-sig")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_each_row_with_its_label(source: Path, tmp_path: Path, ending: str) -> None:
    words, told = Words(), []
    out = tmp_path / f"out.{ending}"
    found = predict(model(words), source, out, on_progress=lambda *now: told.append(now))
    assert found is not None
    assert (found.n_rows, found.n_empty, found.n_resumed, found.text) == (10, 2, 0, "text")
    assert found.labels == {"card": 6, "=refund": 2}
    assert len(words.seen) == 7, "equal texts of a part once, blank ones never"
    table = read(out)
    ours = ["row", "label", "probability", "sure_enough"]
    assert table.columns.tolist() == ["id", "text", "original_original_Label", "original_Label", *ours]
    assert table["row"].astype(int).tolist() == list(range(10))
    assert table["id"].tolist() == [f"0{n}" for n in range(10)]
    guarded = "'=refund" if ending == "csv" else "=refund"
    assert table["label"].fillna("").tolist() == [
        *("card", guarded, "", "card", "", "card", "card", guarded, "card", "card")
    ]
    assert table["sure_enough"].fillna("").tolist() == ["yes", "yes", "", "yes", "", "no"] + ["yes"] * 4
    assert float(table["probability"][0]) == 0.9545
    assert table["text"].tolist()[7] == guarded
    assert not out.with_name(out.name + ".parts").exists()
    assert told[-1] == ("Writing", source.stat().st_size, source.stat().st_size)
    assert ("Predicting", 6, 10) in told


def test_several_labels_have_a_probability_each(source: Path, tmp_path: Path) -> None:
    found = predict(model(Words(), multi_label=True), source, tmp_path / "out.parquet")
    assert found is not None
    table = read(tmp_path / "out.parquet")
    assert table.columns.tolist()[4:] == ["row", "label", "probability: card", "probability: =refund", "sure_enough"]
    assert table["label"].tolist()[:2] == ["card", "=refund"]
    assert table["label"].isna().tolist()[5], "neither is above a half"
    assert table["probability: card"].tolist()[5] == 0.5
    assert table["sure_enough"].tolist()[5] == "no"
    assert found.n_empty == 2


def test_stopped_it_goes_on_and_gives_the_same(source: Path, tmp_path: Path) -> None:
    out, stop, words = tmp_path / "out.csv", threading.Event(), Words()
    assert predict(model(words), source, tmp_path / "whole.csv") is not None
    first = Words()

    def tell(title: str, done: int, total: int) -> None:
        if (title, done) == ("Predicting", 6):
            stop.set()

    assert predict(model(first), source, out, on_progress=tell, stop=stop) is None
    assert not out.exists()
    assert sorted(path.name for path in (tmp_path / "out.csv.parts").glob("*.parquet")) == [
        "000000.parquet",
        "000001.parquet",
    ]
    (tmp_path / "out.csv.parts" / "000001.parquet").write_bytes(b"PAR1 cut off")
    second = Words()
    found = predict(model(second), source, out)
    assert found is not None
    assert found.n_resumed == 3, "the damaged part is made anew"
    assert len(first.seen) + len(second.seen) == len(words.seen) + 2
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_interrupted_at_the_keyboard(source: Path, tmp_path: Path) -> None:
    def interrupt(title: str, done: int, total: int) -> None:
        if (title, done) == ("Predicting", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(model(Words()), source, tmp_path / "out.csv", on_progress=interrupt)
    found = predict(model(Words()), source, tmp_path / "out.csv")
    assert found is not None
    assert found.n_resumed == 3


def test_parts_of_another_run_are_refused(source: Path, tmp_path: Path) -> None:
    out, stop = tmp_path / "out.csv", threading.Event()

    def begin() -> None:
        stop.clear()
        halt = lambda title, done, total: title == "Predicting" and stop.set()  # noqa: E731
        assert predict(model(Words()), source, out, on_progress=halt, stop=stop) is None

    begin()
    before = {path: path.read_bytes() for path in (tmp_path / "out.csv.parts").glob("0*")}
    with pytest.raises(StepError, match="another run: the model was another"):
        predict(model(Words(), "other"), source, out)
    with pytest.raises(StepError, match="how sure is enough was another"):
        predict(model(Words()), source, out, at_least=0.5)
    with pytest.raises(StepError, match="the column with the texts and how sure is enough were another"):
        predict(model(Words()), source, out, text="id", at_least=0.5)
    source.write_text(source.read_text() + "10,more,,\n")
    with pytest.raises(StepError, match="the file was another"):
        predict(model(Words()), source, out)
    (tmp_path / "out.csv.parts" / "run.json").write_text("{")
    with pytest.raises(StepError, match=r"no run.json that can be read"):
        predict(model(Words()), source, out)
    assert {path: path.read_bytes() for path in (tmp_path / "out.csv.parts").glob("0*")} == before
    assert not out.exists()


def test_two_at_once_are_refused(source: Path, tmp_path: Path) -> None:
    def other(title: str, done: int, total: int) -> None:
        if title == "Predicting":
            with pytest.raises(StepError, match="Another process is at work"):
                predict(model(Words()), source, tmp_path / "out.csv")

    assert predict(model(Words()), source, tmp_path / "out.csv", on_progress=other) is not None


def test_columns_that_come_late(tmp_path: Path) -> None:
    lines = ['{"text": "card", "n": 1}'] * 3 + ['{"n": 2.5, "late": "=x"}'] * 3
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    assert predict(model(Words()), tmp_path / "in.jsonl", tmp_path / "out.parquet") is not None
    table = read(tmp_path / "out.parquet")
    assert table["n"].tolist() == [1, 1, 1, 2.5, 2.5, 2.5]
    assert table["label"].isna().tolist() == [False] * 3 + [True] * 3
    assert predict(model(Words()), tmp_path / "in.jsonl", tmp_path / "out.csv") is not None
    assert read(tmp_path / "out.csv")["late"].tolist() == ["", "", "", "'=x", "'=x", "'=x"]


@pytest.mark.parametrize(
    ("content", "name", "options", "message"),
    [
        ("text\na\n", "out.txt", {}, "must end in .csv, .jsonl, .parquet"),
        ("text\na\n", "there.csv", {}, "is there already"),
        ("text\na\n", "out.csv", {"text": "message"}, "There is no column 'message' in in.csv. There are: 'text'"),
        ("n,m\n1,2\n", "out.csv", {}, "Say which column of in.csv holds the texts. There are: 'n', 'm'"),
        ("text,n\n" + "a,1\n" * 9 + "b,1,2\n", "out.csv", {}, "Line 11"),
    ],
)
def test_what_can_not_be_done_is_said_and_nothing_is_left(
    tmp_path: Path, content: str, name: str, options: dict[str, str], message: str
) -> None:
    (tmp_path / "in.csv").write_text(content)
    (tmp_path / "there.csv").write_text("kept")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises((StepError, ReadError), match=message):
        predict(model(Words()), tmp_path / "in.csv", tmp_path / name, **options)  # type: ignore[arg-type]
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_model_that_fails_leaves_nothing(source: Path, tmp_path: Path) -> None:
    def broken(texts: list[str]):  # type: ignore[no-untyped-def]
        raise CorralError("it is gone")

    with pytest.raises(CorralError, match="it is gone"):
        predict(Model(broken, ["a", "b"], multi_label=False, fingerprint="m"), source, tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv"]


def test_a_folder_that_can_not_be_written_is_said(source: Path, tmp_path: Path) -> None:
    with pytest.raises(StepError, match="can't be written"):
        predict(model(Words()), source, source / "out.csv")
