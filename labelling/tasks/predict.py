"""A model's labels for all texts of a file, however many: in parts, each on disk when it is done, then joined."""

import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from labelling.dataset import Dataset, ReadError, as_strings
from labelling.errors import CorralError, StepError
from labelling.files import write_whole
from labelling.formats.parts import WRITERS, Columns
from labelling.learning.model import AT_LEAST, Model
from labelling.readers import guess_text_column
from labelling.readers.parts import ROWS, Parts, open_parts
from labelling.readers.tables import listed

ROW, LABEL, PROBABILITY, SURE = "row", "label", "probability", "sure_enough"
OF_LABEL = "probability: "  # begins the column of a label's probability, where each label is yes or no on its own
PARTS, RUN, FORMAT = ".parts", "run.json", "corral-predict/1"
DIGITS = 4  # of a probability
# What a run is made of, by its keys in run.json, as people are told it.
MADE_OF = {"file": "the file", "model": "the model", "text": "the column with the texts", "sure": "how sure is enough"}

OnProgress = Callable[[str, int, int], object]


@dataclass
class Predicted:
    """What came of it: rows, those without a text, those that a run before had done, those that the model is sure
    enough of, and how many bear each label."""

    text: str
    n_rows: int = 0
    n_empty: int = 0
    n_resumed: int = 0
    n_sure: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)  # on how the file was read


def predict(
    model: Model,
    source: Path,
    out: Path,
    *,
    text: str | None = None,
    preferred: str | None = None,
    at_least: float = AT_LEAST,
    on_progress: OnProgress = lambda title, done, total: None,
    stop: threading.Event | None = None,
) -> Predicted | None:
    """Write a file's rows with the model's labels to `out`, a .csv, .jsonl or .parquet; None where `stop` ended it.

    After the file's own columns come ``row``, its number from 0 on, ``label``, ``probability``, and ``sure_enough``,
    yes or no: whether `Answers.sure` is `at_least` this. Where labels don't exclude each other, ``label`` has those
    that are yes, and each has its own ``probability: <name>``. A row without a text has no label. Columns of the file
    with such a name come out as ``original_<name>``.

    What is done lies in the folder ``<out>.parts``: the same call goes on from there. `text` is the column with the
    texts; without it, `preferred` where there is one of that name, else the likeliest. `on_progress(title, done,
    total)` counts rows, or the file's bytes: for "Reading", then for "Predicting", then for "Writing".

    Raises StepError where `out` is there already, has another ending, can't be written, or the parts are of another
    run; ReadError where the file can't be read.
    """
    if (write := WRITERS.get(out.suffix.lower())) is None:
        raise StepError(f"The file to write must end in {', '.join(WRITERS)}: got {out.name!r}.")
    if out.exists():
        raise StepError(f"{out} is there already: name another file, or move it away. Nothing was changed.")
    parts, columns, ours = open_parts(source), Columns(), Columns()
    stopped = stop.is_set if stop else lambda: False
    text, n_rows = _text_column(parts, text, preferred), 0
    for frame in parts:  # all of it, before anything is made of a file that can't be read to its end
        columns.see(frame)
        n_rows += len(frame)
        on_progress("Reading", parts.done, parts.total)
        if stopped():
            return None
    folder = out.with_name(out.name + PARTS)
    run = {"format": FORMAT, "file": parts.digest, "model": model.fingerprint, "text": text, "sure": at_least}
    found = Predicted(text, notes=parts.notes)
    try:
        with _alone(folder, {**run, "rows": ROWS}):
            for number, frame in enumerate(parts):
                answers = _answers(model, _shard(folder, number), frame, found, at_least)
                _count(found, model, answers)
                ours.see(answers)
                on_progress("Predicting", found.n_rows, n_rows)
                if stopped():
                    return None
            renamed = _renamed(columns.names, ours.names)
            joined = _joined(parts, folder, renamed, on_progress)
            write_whole(out, lambda file: write(file, joined, columns.followed_by(ours, renamed)))
    except OSError as error:
        if isinstance(error, CorralError):
            raise
        raise StepError(
            f"{out} can't be written ({error.strerror or error}). What was done so far is kept in {folder.name}: make "
            "room, and give the same command again."
        ) from error
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _text_column(parts: Parts, text: str | None, preferred: str | None) -> str:
    first = next(iter(parts), None)
    if first is None:
        raise ReadError(f"{parts.path.name} has no rows.")
    names = [str(name) for name in first.columns]
    if text is not None and text not in names:
        raise ReadError(f"There is no column {text[:40]!r} in {parts.path.name}. There are: {listed(names)}.")
    chosen = text or (preferred if preferred in names else guess_text_column(first))
    if chosen is None:
        raise ReadError(f"Say which column of {parts.path.name} holds the texts. There are: {listed(names)}.")
    return chosen


# ---------------------------------------------------------------- parts


def _shard(folder: Path, number: int) -> Path:
    return folder / f"{number:06}.parquet"


@contextmanager
def _alone(folder: Path, run: dict[str, Any]) -> Iterator[None]:
    """The folder of the parts, for this process alone. Raises StepError where it is another run's, or at work."""
    if folder.exists() and (differ := _differ(folder, run)):
        raise StepError(
            f"{folder} holds parts of another run: {differ}. Give that run's command to go on with it, or delete the "
            "folder, or name another file to write. Nothing was changed."
        )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            write_whole(folder / RUN, lambda file: file.write(json.dumps(run).encode()))
            yield
    except Timeout:
        raise StepError(f"Another process is at work on {folder}: wait for it, or name another file.") from None
    finally:
        if not any(folder.glob("*.parquet")):
            shutil.rmtree(folder, ignore_errors=True)


def _differ(folder: Path, run: dict[str, Any]) -> str:
    """What in the folder's run is another than in `run`, "" where nothing is."""
    try:
        before = json.loads((folder / RUN).read_bytes())
    except (OSError, ValueError):
        return f"there is no {RUN} that can be read"
    if not isinstance(before, dict):
        return f"its {RUN} says nothing"
    differ = [said for key, said in MADE_OF.items() if before.get(key) != run[key]]
    if not differ and before != run:
        differ = ["the version of Corral"]
    return f"{' and '.join(differ)} {'was' if len(differ) == 1 else 'were'} another" if differ else ""


def _answers(model: Model, path: Path, frame: pd.DataFrame, found: Predicted, at_least: float) -> pd.DataFrame:
    """What the model says of a part, (n_rows,) each column; from `path` where it is there, else it is put there."""
    if path.exists() and (kept := _kept(path, found.n_rows, len(frame))) is not None:
        found.n_resumed += len(frame)
        return kept
    cells = frame[found.text] if found.text in frame else pd.Series([None] * len(frame))  # a JSONL row may lack it
    dataset = Dataset(pd.DataFrame({found.text: pd.Series(as_strings(cells), dtype="str")}), found.text)
    filled = np.flatnonzero(~dataset.empty)
    # The same text once, as some files hold little else.
    texts, rows = np.unique(np.array(dataset.texts, object)[filled], return_inverse=True)
    said = model.answers(texts.tolist())
    probability = np.round(said.probability.astype(float)[rows], DIGITS)
    answers: dict[str, Any] = {ROW: np.arange(found.n_rows, found.n_rows + len(frame))}
    answers[LABEL] = _placed(_names(model, said.codes[rows], said.probability[rows]), filled, len(frame), "str")
    if model.multi_label:
        for place, name in enumerate(model.classes_):
            answers[OF_LABEL + name] = _placed(probability[:, place], filled, len(frame), "float64")
    else:
        answers[PROBABILITY] = _placed(probability.max(axis=1, initial=0), filled, len(frame), "float64")
    sure = np.where(said.sure[rows] >= at_least, "yes", "no").astype(object)
    answers[SURE] = _placed(sure, filled, len(frame), "str")
    made = pd.DataFrame(answers)
    write_whole(path, lambda file: file.write(made.to_parquet(index=False, write_page_checksum=True)))
    return made


def _names(model: Model, codes: np.ndarray, probability: np.ndarray) -> np.ndarray:
    if not model.multi_label:
        return model.classes_[codes].astype(object)
    return np.array(["; ".join(model.classes_[row]) or None for row in probability > 0.5], object)


def _placed(values: np.ndarray, rows: np.ndarray, n_rows: int, dtype: str) -> pd.Series:
    """The values in these rows, nothing in the others."""
    placed = np.full(n_rows, None, object)
    placed[rows] = values
    return pd.Series(placed, dtype=dtype)


def _kept(path: Path, first: int, n_rows: int) -> pd.DataFrame | None:
    """What was put there, None where it is damaged or of other rows."""
    try:
        kept = pd.read_parquet(path, page_checksum_verification=True)
    except Exception:  # a damaged file fails anywhere in a parser
        return None
    return kept if len(kept) == n_rows and kept[ROW].iloc[0] == first else None


def _count(found: Predicted, model: Model, answers: pd.DataFrame) -> None:
    found.n_rows += len(answers)
    found.n_empty += int(answers[SURE].isna().sum())
    found.n_sure += int((answers[SURE] == "yes").sum())
    if model.multi_label:
        for name in model.classes_:
            found.labels[name] += int((answers[OF_LABEL + name] > 0.5).sum())
    else:
        found.labels.update(answers[LABEL].dropna())


# ---------------------------------------------------------------- the whole


def _renamed(theirs: list[str], ours: list[str]) -> dict[str, str]:
    """New names for the file's columns that are called as one of ours."""
    plain, taken = {name.lower() for name in ours}, {*theirs, *ours}
    renamed: dict[str, str] = {}
    for name in theirs:
        if name.strip().lower() in plain:
            other = f"original_{name}"
            while other in taken:
                other = f"original_{other}"
            taken.add(other)
            renamed[name] = other
    return renamed


def _joined(parts: Parts, folder: Path, renamed: dict[str, str], on_progress: OnProgress) -> Iterator[pd.DataFrame]:
    """The file's parts anew, each with its answers beside it."""
    for number, frame in enumerate(parts):
        answers = pd.read_parquet(_shard(folder, number), page_checksum_verification=True)
        yield pd.concat([frame.rename(columns=renamed), answers], axis=1)
        on_progress("Writing", parts.done, parts.total)
