"""The lines of a pack's label log, an action each: written, and read with all checks that keep a project whole."""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from labelling.database.engine import storable
from labelling.errors import CorralError
from labelling.labels.entries import Entry
from labelling.labels.fold import ONE, Change
from labelling.labels.label import MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH, PROPOSAL, STYLE, Action

LOG = "log.jsonl"
GIVING = ("assign", "split", "import", "accept")
MANAGING = ("create", "rename", "recolour", "describe", "key", "reorder", "merge", "delete")
KINDS = (*GIVING, "deny", "clear", "audit", "refuse", *MANAGING, "undo", "redo", "revert")
_FIELDS = {"name": str, STYLE: int, "description": str, "key": str | None, "position": int, "became": int}


class PackError(CorralError, ValueError):
    """A file that can't be taken for a pack, or a project that can't be packed; the message says why."""


def line_of(entry: Entry) -> dict[str, Any]:
    """An entry as a line of the log has it: what is all the same is written once."""
    action = entry.action
    changes = []
    for change in entry.changes:
        values = {"after": change.after, "set_by": change.setters}
        said = {name: _short(array) for name, array in values.items() if array is not None}
        changes.append({"column": change.column, "rows": change.rows.tolist(), **said})
    return {
        "seq": action.seq,
        "at": action.at,
        "who": action.who,
        "kind": action.kind,
        "label": action.label_id,
        "n_rows": action.n_rows,
        "source": action.source,
        "how": entry.how,
        "targets": list(action.targets),
        "labels": {str(key): dict(fields) for key, fields in action.changes.items()},
        "changes": changes,
    }


def _short(values: np.ndarray) -> int | list[int]:
    return int(values[0]) if len(values) and (values == values[0]).all() else values.tolist()


class LineReader:
    """Reads the lines of a log one after the other: each must be what could follow those before it."""

    def __init__(self, n_rows: int, *, multi_label: bool) -> None:
        self.n_rows, self.multi_label = n_rows, multi_label
        self.kinds: list[str] = []
        self.n_labels = 0

    def read(self, line: bytes) -> Entry:
        """Raises PackError, which says what is wrong in which line."""
        seq = len(self.kinds) + 1
        try:
            return self._entry(seq, parsed(line))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            why = f"there is no {error}" if isinstance(error, KeyError) else str(error)[:200]
            raise PackError(
                f"Line {seq:,} of {LOG} is damaged ({why}): nothing was made. Take another copy of the pack, or pack "
                "the project again."
            ) from error

    def _entry(self, seq: int, said: Any) -> Entry:
        need(said["seq"] == seq, f"it must be action {seq}, got {said['seq']!r:.20}")
        kind, targets = said["kind"], said["targets"]
        need(kind in KINDS, f"there is no kind of action {kind!r:.40}")
        new = self._edits(said["labels"])
        label_id = said["label"]
        need(label_id is None or whole(label_id, 0, self.n_labels + new - 1), f"there is no label {label_id!r:.20}")
        signed = -seq if kind == "revert" else 0
        need(all(target and whole(target, signed + 1, seq - 1) for target in targets), "it is about a later action")
        need(bool(targets) or kind not in ("undo", "redo", "revert", "audit"), "it is about no action")
        changes = [self._change(seq, kind, each, self.n_labels + new) for each in said["changes"]]
        columns = [change.column for change in changes]
        need(len(set(columns)) == len(columns), "it changes a label twice")
        how = said["how"]
        need(isinstance(how, dict), "how its rows were chosen must be an object")
        if kind == "audit":
            gave = all(self.kinds[target - 1] in GIVING for target in targets)
            need(gave and isinstance(how["sample"], str), "it audits no labels")
            read, _ = self._rows(how["read"]), self._rows(how["wrong"])
            setters = how.get("setters", [targets[0]] * len(read))
            need(len(setters) == len(read) and set(setters) <= set(targets), "which actions gave what it read")
            need(whole(how.get("drawn", 0), 0, seq - 1), f"it was drawn at {how.get('drawn')!r:.20}")
            stood = how.get("stood", [])
            need(isinstance(stood, list) and all(whole(n, 0, self.n_rows) for n in stood), "how many stood")
        if said["source"] == PROPOSAL:
            wrong, suggested = self._rows(how.get("wrong") or []), how.get("suggested") or []
            self._rows(how.get("read") or [])
            need(len(suggested) in (0, len(wrong)), "what was suggested of what is wrong")
            need(all(whole(each, 0, self.n_labels + new - 1) for each in suggested), "a label that was suggested")
        n_rows = said["n_rows"]
        need(whole(n_rows, 0, self.n_rows), f"it has {n_rows!r:.20} rows of {self.n_rows:,}")
        who, source = text(said["who"], "who"), text(said["source"], "source")
        datetime.fromisoformat(said["at"])
        edits = {int(key): dict(fields) for key, fields in said["labels"].items()}
        self.kinds.append(kind)
        self.n_labels += new
        return Entry(
            Action(seq, kind, label_id, tuple(targets), n_rows, who, said["at"], source, edits), how, tuple(changes)
        )

    def _edits(self, said: Mapping[str, Mapping[str, Any]]) -> int:
        """How many labels are made. They have the next numbers."""
        ids = sorted(int(key) for key in said)
        new = [label_id for label_id in ids if label_id >= self.n_labels]
        need(
            new == list(range(self.n_labels, self.n_labels + len(new))) and min(ids, default=0) >= 0, "a label's number"
        )
        for key, fields in said.items():
            need("name" in fields or int(key) < self.n_labels, "a label has no name")
            for name, value in fields.items():
                need(name in _FIELDS and isinstance(value, _FIELDS[name]), f"a label's {name!r:.20} is {value!r:.40}")
                most = MAX_DESCRIPTION_LENGTH if name == "description" else 2 * MAX_NAME_LENGTH
                need(
                    not isinstance(value, str) or (len(value) <= most and storable(value) == value), f"a label's {name}"
                )
                if isinstance(value, int):
                    most = self.n_labels + len(new) - 1 if name == "became" else 10**6
                    need(whole(value, -1 if name == "became" else 0, most), f"a label's {name} is {value!r:.20}")
        return len(new)

    def _change(self, seq: int, kind: str, said: Mapping[str, Any], n_labels: int) -> Change:
        column, rows = said["column"], self._rows(said["rows"])
        need((np.diff(rows) > 0).all(), "its rows are not in order")
        right = whole(column, 0, n_labels - 1) if self.multi_label else column == ONE
        need(right, f"there is no label {column!r:.20}")
        most = 1 if self.multi_label else n_labels - 1
        after = self._values(said.get("after"), len(rows), -1, most)
        setters = self._values(said.get("set_by"), len(rows), 0, seq - 1)
        need(setters is None or (after is not None and kind in ("undo", "redo", "revert")), "what set its rows")
        need(after is not None or kind in ("merge", "delete"), "what its rows bear afterwards")
        return Change(column, rows, after, setters)

    def _rows(self, said: Any) -> np.ndarray:
        rows = np.asarray(said)
        rows = rows.astype(np.int64) if rows.size == 0 else rows
        need(isinstance(said, list) and rows.ndim == 1 and rows.dtype == np.int64, "its rows must be whole numbers")
        need(not len(rows) or (rows.min() >= 0 and rows.max() < self.n_rows), f"a row of it is none of {self.n_rows:,}")
        return rows

    @staticmethod
    def _values(said: Any, n: int, least: int, most: int) -> np.ndarray | None:
        if said is None:
            return None
        values = np.asarray([said] * n if isinstance(said, int) else said)
        values = values.astype(np.int64) if values.size == 0 else values
        need(values.shape == (n,) and values.dtype == np.int64, f"it must have {n:,} values")
        need(not n or (values.min() >= least and values.max() <= most), f"a value is not in {least}..{most}")
        return values.astype(np.int32)


def need(right: Any, why: str) -> None:
    if not right:
        raise ValueError(why)


def whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def text(value: Any, what: str) -> str:
    need(isinstance(value, str) and len(value) <= 1_000 and storable(value) == value, f"{what} is {value!r:.40}")
    return str(value)


def parsed(line: bytes) -> Any:
    """The JSON of a line. Raises ValueError for what is none, NaN and infinities included."""

    def number(written: str) -> float:
        value = float(written)
        need(math.isfinite(value), f"{written[:20]} is no number")
        return value

    try:
        return json.loads(line, parse_float=number, parse_constant=number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
