"""The labels themselves: made, renamed, merged, deleted ...; each an action of the log."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from labelling.labels.denied import LogDenied
from labelling.labels.fold import ONE, Change
from labelling.labels.label import (
    KEYS,
    MAX_DESCRIPTION_LENGTH,
    NO,
    STYLE,
    UNLABELLED,
    YES,
    Label,
    LabelError,
    clean_name,
)
from labelling.labels.writing import Outcome
from labelling.palette import N_STYLES


class LabelLog(LogDenied):
    """The labels of one project: to read, to give to rows, and to manage. Parameters and attributes: `LogReader`."""

    def create(self, name: str, *, description: str = "") -> Label:
        """A new label, that no row bears yet. Raises LabelError where there is one of that name."""
        name = clean_name(name)
        with self._writing() as (connection, _):
            if self.find(name):
                raise LabelError(f"There is a label called {name!r} already.")
            label_id, made = self._find_or_make(name)
            made[label_id]["description"] = _description(description)
            self._append(connection, "create", label_id=label_id, labels=made)
        return self.label(label_id)

    def rename(self, label_id: int, name: str) -> None:
        name = clean_name(name)
        with self._writing() as (connection, _):
            other = self.find(name)
            if other is not None and other.id != label_id:
                raise LabelError(f"There is a label called {name!r} already: merge the two, if they are one.")
            self._edit(connection, "rename", label_id, "name", name)

    def recolour(self, label_id: int, style: int) -> None:
        """Give the label the colour and shape number `style`, see `labelling.palette`."""
        if not 0 <= style < N_STYLES:
            raise LabelError(f"A label's style must lie in 0..{N_STYLES - 1}, got {style}.")
        with self._writing() as (connection, _):
            self._edit(connection, "recolour", label_id, "style", style)

    def describe(self, label_id: int, description: str) -> None:
        """Say what the label means, for those who label with it."""
        description = _description(description)
        with self._writing() as (connection, _):
            self._edit(connection, "describe", label_id, "description", description)

    def set_key(self, label_id: int, key: str | None) -> None:
        """Give the label a key, which another label that has it loses; None: the next free one of 1 to 9."""
        if key is not None and key not in KEYS:
            raise LabelError(f"A label's key must be one of {' '.join(KEYS)}, got {key!r}: the others have their use.")
        with self._writing() as (connection, _):
            self.label(label_id)
            edits: dict[int, dict[str, Any]] = {
                label.id: {"key": None} for label in self.labels if key is not None and label.key == key
            }
            edits[label_id] = {"key": key}
            self._append(connection, "key", label_id=label_id, labels=edits)

    def reorder(self, label_ids: Sequence[int]) -> None:
        """Put the labels in this order. Raises LabelError unless these are all of them, once each."""
        with self._writing() as (connection, _):
            if sorted(label_ids) != sorted(self._by_id):
                raise LabelError("The labels have changed meanwhile: put them in order again.")
            if list(label_ids) != [label.id for label in self.labels]:
                edits = {label_id: {"position": place} for place, label_id in enumerate(label_ids)}
                self._append(connection, "reorder", labels=edits)

    def merge(self, label_id: int, into: int) -> Outcome:
        """Make all that bears the one label bear the other; the first is gone then."""
        if label_id == into:
            raise LabelError("A label can't be merged into itself.")
        with self._writing() as (connection, _):
            self.label(into)
            return self._remove(connection, "merge", label_id, into)

    def delete(self, label_id: int) -> Outcome:
        """Delete a label; its rows have none then."""
        with self._writing() as (connection, _):
            return self._remove(connection, "delete", label_id, UNLABELLED)

    def split(self, label_id: int, rows: np.ndarray, name: str, *, how: Mapping[str, Any] | None = None) -> Outcome:
        """Give those of `rows` that bear the label a new one. Raises LabelError where it is not new, or none do."""
        name = clean_name(name)
        rows = self._valid(rows)
        with self._writing() as (connection, seen):
            if self.find(name):
                raise LabelError(f"There is a label called {name!r} already.")
            old = self.label(label_id)
            rows = rows[self.label_values(label_id)[rows] == YES]
            if not len(rows):
                raise LabelError(f"None of what is selected bears {old.name!r}.")
            new_id, made = self._find_or_make(name)
            if self.multi_label:
                new = [
                    self._new(label_id, rows, np.full(len(rows), NO)),
                    self._new(new_id, rows, np.full(len(rows), YES)),
                ]
            else:
                new = [self._new(ONE, rows, np.full(len(rows), new_id))]
            self._append(connection, "split", new, label_id=new_id, labels=made, how={"from": label_id, **(how or {})})
            meanwhile = self._meanwhile(connection, seen, rows)
        return Outcome(len(rows), 0, meanwhile)

    def _remove(self, connection: Connection, kind: str, label_id: int, into: int) -> Outcome:
        self.label(label_id)
        rows = np.flatnonzero(self.label_values(label_id) == YES)
        about = [Change(label_id if self.multi_label else ONE, rows)]
        self._append(connection, kind, about, label_id=label_id, labels={label_id: {"became": into}})
        return Outcome(len(rows))

    def _edit(self, connection: Connection, kind: str, label_id: int, field: str, value: Any) -> None:
        if getattr(self.label(label_id), field) != value:
            stored = STYLE if field == "style" else field
            self._append(connection, kind, label_id=label_id, labels={label_id: {stored: value}})


def _description(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise LabelError(
            f"The description has {len(text):,} characters; at most {MAX_DESCRIPTION_LENGTH:,} are allowed."
        )
    return text
