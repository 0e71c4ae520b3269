"""The log as plain Python, written from the definition: labels now are a fold, from scratch, over what is in force.

It keeps what each action set, and works everything out anew from the first action at each question. Slow, and meant to
be: what `labelling.labels` does in arrays, with shortcuts, is compared with it.
"""

from dataclasses import dataclass, field
from typing import Any

from labelling.palette import free_style

KINDS_THAT_GIVE = ("assign", "split", "import")
YES, NO, UNKNOWN = 1, 0, -1
ONE = -1


class Refused(Exception):
    """What a log answers with LabelError."""


@dataclass
class Entry:
    seq: int
    kind: str
    who: str
    source: str
    targets: list[int] = field(default_factory=list)  # of a revert: with a minus where it brought back
    sets: dict[int, dict[int, int]] = field(default_factory=dict)  # column: {row: value}
    about: set[int] = field(default_factory=set)  # rows of a merge or a deletion, which sets none
    edits: dict[int, dict[str, Any]] = field(default_factory=dict)
    sample: str = ""
    read: set[int] = field(default_factory=set)
    wrong: set[int] = field(default_factory=set)
    setters: dict[int, int] = field(default_factory=dict)  # of a check of all labels


class Model:
    def __init__(self, n_rows: int, *, multi_label: bool) -> None:
        self.n_rows = n_rows
        self.multi_label = multi_label
        self.log: list[Entry] = []

    # ---------------------------------------------------------------- what is in force

    def off(self, upto: int | None = None) -> set[int]:
        off: set[int] = set()
        for entry in self.log[:upto]:
            self.switch(entry.kind, entry.targets, off)
        return off

    def switch(self, kind: str, targets: list[int], off: set[int]) -> None:
        """Put actions out of force, or in force, in `off`."""
        if kind == "revert":
            for target in targets:
                off.add(target) if target > 0 else off.discard(-target)
        if kind in ("undo", "redo"):
            (target,) = targets
            off.add(target) if kind == "undo" else off.discard(target)
            about = self.log[target - 1]
            if about.kind == "revert":  # what it took back is brought back, and the other way round; or again
                self.switch("revert", [-seq for seq in about.targets] if kind == "undo" else about.targets, off)

    def in_force(self, off: set[int]) -> list[Entry]:
        return [entry for entry in self.log if entry.seq not in off]

    # ---------------------------------------------------------------- labels

    def fields(self, off: set[int]) -> dict[int, dict[str, Any]]:
        fields: dict[int, dict[str, Any]] = {}
        for entry in self.log:
            for label_id, edit in entry.edits.items():
                if label_id not in fields:  # its maker: what is told there is known also where it was undone
                    fields[label_id] = {"mark": label_id, "position": label_id, "maker": entry.seq, **edit}
                elif entry.seq not in off:
                    fields[label_id].update(edit)
        return fields

    def end(self, label_id: int, fields: dict[int, dict[str, Any]]) -> int:
        seen = set()
        while label_id >= 0 and "became" in fields[label_id]:
            if label_id in seen:
                raise Refused("merged in a circle")
            seen.add(label_id)
            label_id = fields[label_id]["became"]
        return label_id

    def labels(self, off: set[int] | None = None) -> list[dict[str, Any]]:
        off = self.off() if off is None else off
        fields = self.fields(off)
        borne = set()
        for column in [ONE] if not self.multi_label else list(fields):
            for value, _ in self.raw(column, off):
                if value != UNKNOWN:
                    borne.add(self.end(column if self.multi_label else value, fields))
        for label_id in fields:
            self.end(label_id, fields)
        there = []
        for label_id, known in fields.items():
            if "became" not in known and (known["maker"] not in off or label_id in borne):
                there.append({"description": "", "key": None, **known, "id": label_id})
        there.sort(key=lambda known: (known["position"], known["id"]))
        taken: set[str] = set()
        for known in there:
            known["own"] = known["key"] if known["key"] not in taken else None
            taken.add(known["own"])
        free = [key for key in "123456789" if key not in taken]
        for known in there:
            known["key"] = known["own"] or (free.pop(0) if free else None)
        return there

    def ids(self) -> dict[str, int]:
        return {known["name"]: known["id"] for known in self.labels()}

    def id_of(self, name: str, edits: dict[int, dict[str, Any]]) -> int:
        ids = self.ids()
        if name not in ids:
            made = {label_id for entry in self.log for label_id in entry.edits} | set(edits)
            ids[name] = max(made, default=-1) + 1
            styles = [known["mark"] for known in self.labels()] + [edit["mark"] for edit in edits.values()]
            edits[ids[name]] = {"name": name, "mark": free_style(styles)}
        return ids[name]

    def check(self, label_id: int) -> None:
        if label_id not in self.ids().values():
            raise Refused("no such label")

    def check_new(self, name: str, besides: int | None = None) -> None:
        if self.ids().get(name, besides) != besides:
            raise Refused("there is one of this name")

    # ---------------------------------------------------------------- rows

    def raw(self, column: int, off: set[int]) -> list[tuple[int, int]]:
        """What the last action in force gave each row, and which that was."""
        rows = [(UNKNOWN, 0)] * self.n_rows
        for entry in self.in_force(off):
            for row, value in entry.sets.get(column, {}).items():
                rows[row] = (value, entry.seq)
        return rows

    def codes(self) -> list[int]:
        off = self.off()
        fields = self.fields(off)
        return [self.end(value, fields) if value >= 0 else UNKNOWN for value, _ in self.raw(ONE, off)]

    def label_values(self, label_id: int) -> list[tuple[int, int]]:
        off = self.off()
        fields = self.fields(off)
        rows = self.raw(label_id, off)
        merges = {
            other: max(e.seq for e in self.in_force(off) if "became" in e.edits.get(other, {}))
            for other, known in fields.items()
            if known.get("became") == label_id
        }
        for other, at in sorted(merges.items(), key=lambda item: item[1]):
            for row, (theirs, their_setter) in enumerate(self.label_values(other)):
                ours, setter = rows[row]
                if setter > at:
                    continue
                both = YES if YES in (ours, theirs) else NO if ours == theirs == NO else UNKNOWN
                if (theirs == YES and ours != YES) or not setter:
                    setter = their_setter
                rows[row] = (both, setter)
        return rows

    def shown(self, column: int) -> list[int]:
        return self.codes() if column == ONE else [value for value, _ in self.label_values(column)]

    def setters(self) -> list[int]:
        """The action to which what a row bears is owed, 0 where it bears nothing."""
        if not self.multi_label:
            found = zip(self.codes(), self.raw(ONE, self.off()), strict=True)
            return [setter if code >= 0 else 0 for code, (_, setter) in found]
        columns = [self.label_values(known["id"]) for known in self.labels()]
        rows = zip(*columns, strict=True) if columns else [()] * self.n_rows
        return [max((setter for value, setter in row if value != UNKNOWN), default=0) for row in rows]

    def standing(self, seq: int) -> set[int]:
        found = set()
        for column in self.log[seq - 1].sets:
            found |= {row for row, (_, setter) in enumerate(self.raw(column, self.off())) if setter == seq}
        return found & self.rows_of(seq)

    def rows_of(self, seq: int) -> set[int]:
        """The rows that an action changed; those of an undo, a redo or a revert are not told here."""
        entry = self.log[seq - 1]
        return entry.about | {row for rows in entry.sets.values() for row in rows}

    def quality(self, seq: int) -> tuple[int, int] | None:
        """How many were read at random, how many of them were wrong."""
        read: dict[int, bool] = {}
        for entry in self.in_force(self.off()):
            if entry.kind == "audit" and seq in entry.targets and entry.sample == "random":
                its = {row for row in entry.read if entry.setters.get(row, seq) == seq}
                read.update({row: row in entry.wrong for row in its})
        return (len(read), sum(read.values())) if read else None

    # ---------------------------------------------------------------- steps

    def append(self, kind: str, who: str, source: str = "", **values: Any) -> Entry:
        entry = Entry(len(self.log) + 1, kind, who, source or kind, **values)
        self.log.append(entry)
        return entry

    def assign(self, who: str, rows: set[int], name: str, answer: int, overwrite: bool, source: str) -> int:
        edits: dict[int, dict[str, Any]] = {}
        label_id = self.id_of(name, edits)
        column, value = (label_id, answer) if self.multi_label else (ONE, label_id)
        shown = self.shown(column) if not edits or column == ONE else [UNKNOWN] * self.n_rows
        sets = {row: value for row in rows if shown[row] != value and (overwrite or shown[row] == UNKNOWN)}
        if sets:
            kind = "assign" if answer == YES else "deny"
            self.append(kind, who, source, sets={column: sets}, edits=edits)
        return len(sets)

    def clear(self, who: str, rows: set[int], name: str | None, source: str) -> int:
        chosen = [label_id for label, label_id in self.ids().items() if name in (None, label)]
        sets: dict[int, dict[int, int]] = {}
        for column in chosen if self.multi_label else [ONE]:
            shown = self.shown(column)
            its = {row for row in rows if shown[row] != UNKNOWN}
            if not self.multi_label and name is not None:
                its = {row for row in its if shown[row] in chosen}
            if its:
                sets[column] = dict.fromkeys(its, UNKNOWN)
        if sets:
            self.append("clear", who, source, sets=sets)
        return len({row for its in sets.values() for row in its})

    def take_in(self, who: str, values: dict[str, list[int]]) -> int:
        """`values`: for each label the answers, row by row; with one label a row, yes or unknown."""
        edits: dict[int, dict[str, Any]] = {}
        sets: dict[int, dict[int, int]] = {}
        for name, given in values.items():
            label_id = self.id_of(name, edits)
            column = label_id if self.multi_label else ONE
            shown = self.shown(column) if column == ONE or label_id not in edits else [UNKNOWN] * self.n_rows
            for row, answer in enumerate(given):
                value = answer if self.multi_label else label_id
                if answer != UNKNOWN and shown[row] != value:
                    sets.setdefault(column, {})[row] = value
        if sets:
            self.append("import", who, "imported", sets=sets, edits=edits)
        return len({row for its in sets.values() for row in its})

    def split(self, who: str, label_id: int, rows: set[int], name: str, source: str) -> int:
        self.check_new(name)
        self.check(label_id)
        yes = YES if self.multi_label else label_id
        rows = {row for row in rows if self.shown(label_id if self.multi_label else ONE)[row] == yes}
        if not rows:
            raise Refused("none of them bears it")
        edits: dict[int, dict[str, Any]] = {}
        new = self.id_of(name, edits)
        if self.multi_label:
            sets = {label_id: dict.fromkeys(rows, NO), new: dict.fromkeys(rows, YES)}
        else:
            sets = {ONE: dict.fromkeys(rows, new)}
        self.append("split", who, source, sets=sets, edits=edits)
        return len(rows)

    def audit(self, who: str, seq: int, read: set[int], wrong: set[int], sample: str) -> int:
        target = self.log[seq - 1]
        if target.kind not in KINDS_THAT_GIVE or seq in self.off():
            raise Refused("nothing to audit")
        if not (wrong <= read <= self.rows_of(seq)):
            raise Refused("not its rows")
        off = self.off()
        fields = self.fields(off)
        sets: dict[int, dict[int, int]] = {}
        for column, its in target.sets.items():
            raw = self.raw(column, off)
            standing = {row for row in wrong & set(its) if raw[row][1] == seq}
            if not self.multi_label:
                sets[ONE] = dict.fromkeys(standing, UNKNOWN)
                continue
            standing = {row for row in standing if raw[row][0] == YES}
            sets.setdefault(column, {}).update(dict.fromkeys(standing, NO))
            while (column := fields[column].get("became", UNKNOWN)) != UNKNOWN:
                owed = {row for row in standing if self.label_values(column)[row][1] == seq}
                sets.setdefault(column, {}).update(dict.fromkeys(owed, NO))
        sets = {column: its for column, its in sets.items() if its}
        self.append("audit", who, targets=[seq], sets=sets, sample=sample, read=read, wrong=wrong)
        return len({row for its in sets.values() for row in its})

    def check_all(self, who: str, read: set[int], wrong: set[int]) -> int:
        if self.multi_label:
            raise Refused("no label each")
        codes, raw = self.codes(), self.raw(ONE, self.off())
        read = {row for row in read if codes[row] != UNKNOWN}
        wrong = wrong & read
        if read:
            setters = {row: raw[row][1] for row in read}
            sets = {ONE: dict.fromkeys(wrong, UNKNOWN)} if wrong else {}
            values = {"sample": "random", "read": read, "wrong": wrong, "setters": setters}
            self.append("audit", who, targets=sorted(set(setters.values())), sets=sets, **values)
        return len(wrong)

    def edit(self, kind: str, who: str, label_id: int, field_name: str, value: Any) -> None:
        self.check(label_id)
        if kind == "rename":
            self.check_new(value, besides=label_id)
        known = next(known for known in self.labels() if known["id"] == label_id)
        edits: dict[int, dict[str, Any]] = {label_id: {field_name: value}}
        if kind == "key":
            its = [other["id"] for other in self.labels() if value is not None and other["key"] == value]
            edits = {**{other: {"key": None} for other in its}, **edits}
        elif known[field_name] == value:
            return
        self.append(kind, who, edits=edits)

    def create(self, who: str, name: str) -> None:
        self.check_new(name)
        edits: dict[int, dict[str, Any]] = {}
        self.id_of(name, edits)
        self.append("create", who, edits=edits)

    def reorder(self, who: str, label_ids: list[int]) -> None:
        if label_ids != [known["id"] for known in self.labels()]:
            self.append("reorder", who, edits={label_id: {"position": n} for n, label_id in enumerate(label_ids)})

    def remove(self, kind: str, who: str, label_id: int, into: int) -> int:
        if label_id == into:
            raise Refused("into itself")
        if into != UNKNOWN:
            self.check(into)
        self.check(label_id)
        shown = self.shown(label_id if self.multi_label else ONE)
        rows = {row for row, value in enumerate(shown) if value == (YES if self.multi_label else label_id)}
        self.append(kind, who, edits={label_id: {"became": into}}, about=rows)
        return len(rows)

    def next_undo(self, who: str) -> int | None:
        steps = [e.seq for e in self.in_force(self.off()) if e.who == who and e.kind not in ("undo", "redo")]
        return steps[-1] if steps else None

    def next_redo(self, who: str) -> int | None:
        undone: list[int] = []
        for entry in self.log:
            if entry.who == who and entry.kind == "undo":
                undone += entry.targets
            elif entry.who == who and entry.kind == "redo":
                undone = [seq for seq in undone if seq not in entry.targets]
            elif entry.who == who:
                undone = []
        return next((seq for seq in reversed(undone) if seq in self.off()), None)

    def put(self, kind: str, who: str, seq: int | None) -> int | None:
        """Undo or redo."""
        seq = seq or (self.next_undo(who) if kind == "undo" else self.next_redo(who))
        if seq is None or self.log[seq - 1].kind in ("undo", "redo") or (seq in self.off()) != (kind == "redo"):
            return None
        self._switched(kind, who, [seq])
        return seq

    def revert(self, who: str, seq: int) -> int:
        now, then = self.off(), self.off(seq)
        steps = [entry.seq for entry in self.log if entry.kind not in ("undo", "redo", "revert")]
        taken_back = [step for step in steps if step not in now and (step > seq or step in then)]
        brought_back = [-step for step in steps if step <= seq and step in now and step not in then]
        if taken_back or brought_back:
            self._switched("revert", who, taken_back + brought_back)
        return len(taken_back + brought_back)

    def _switched(self, kind: str, who: str, targets: list[int]) -> None:
        off = self.off()
        self.switch(kind, targets, off)
        names = [known["name"] for known in self.labels(off)]
        if len(set(names)) < len(names):
            raise Refused("two of one name")
        self.append(kind, who, targets=targets)
