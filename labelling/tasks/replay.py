"""Make a packed project anew: embed its texts, take its log action by action, tune where it was tuned; and compare."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from labelling import files
from labelling.database.engine import writing
from labelling.database.tables import spaces
from labelling.errors import CorralError
from labelling.labels.entries import borne, take_over
from labelling.labels.fold import Fold
from labelling.learning.registry import make_tuner
from labelling.tasks.classify import classify
from labelling.tasks.embed import embed
from labelling.tasks.pack import installed_versions
from labelling.tasks.packed import Packed, PackedSpace, member, opened
from labelling.tasks.tune import fit
from labelling.tasks.unpack import add_space, differing, make, put_files, staging, take_out
from labelling.tasks.workbench import EncoderFor, Workbench, open_workbench
from labelling.workspace import CLASSIFIER, Project, Space, Workspace

FOUND_OUT = ("seq", "labels", "classes", "n_truncated", "evaluation")  # of a classifier's settings: not chosen
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Replayed:
    """What came of it.

    Attributes
    ----------
    project : the one that was made anew, with the log of the packed one.
    differing : (row, label then, label now) of the rows that are not labelled alike.
    n_rows : how many rows were compared.
    not_made : why a space could not be made anew, by its name.
    suggested : of a space's suggestions, how many are the same, and of how many; by its name.
    versions : (library, version then, version now) of those that are not the same.
    """

    project: Project
    differing: list[tuple[int, Any, Any]]
    n_rows: int
    not_made: dict[str, str]
    suggested: dict[str, tuple[int, int]]
    versions: list[tuple[str, str, str | None]]

    @property
    def equal(self) -> bool:
        """Whether every row is labelled as it was."""
        return not self.differing


def replay(
    workspace: Workspace,
    file: Path,
    encoder_for: EncoderFor,
    *,
    owner: str | None = None,
    on_progress: Progress = lambda title, done, total: None,
) -> Replayed:
    """Make the project of a pack anew, in the workspace, and compare its labels with the pack's, row by row.

    Which rows an action was about is taken from the log, as nobody draws the lasso again; what an undo, a redo or a
    revert gave back is worked out anew. Each space is made by its recorded settings when as much is labelled as was
    then. Raises CorralError where the pack can't be read or its texts not be embedded, and leaves no project then; what
    was embedded stays in the cache.
    """
    with opened(file) as packed, staging(workspace) as folder:
        dataset = take_out(packed, folder)
        for _ in packed.entries():  # before anything is embedded for hours: each line can be read
            pass
        then = packed.labels()

        def fill(_connection: Connection, _project_id: str, home: Path) -> None:
            put_files(workspace, packed, folder, home)

        project = make(workspace, packed, dataset, owner, fill)
        try:
            made = _Anew(packed, open_workbench(workspace, project, encoder_for), folder, on_progress)
            made.run()
        except BaseException:
            shutil.rmtree(project.folder / "dataset", ignore_errors=True)  # then its embeddings are not forgotten
            workspace.delete(project.id, owner)
            raise
    return Replayed(
        project,
        differing(then, borne(made.fold)),
        project.n_rows,
        made.not_made,
        made.suggested,
        _other_versions(packed),
    )


class _Anew:
    """A project on its way: the part of the log that it has so far, and the spaces."""

    def __init__(self, packed: Packed, bench: Workbench, folder: Path, on_progress: Progress) -> None:
        self.packed, self.bench, self.folder, self.on_progress = packed, bench, folder, on_progress
        self.project = bench.project
        self.fold = Fold(self.project.n_rows, multi_label=self.project.multi_label)
        self.not_made: dict[str, str] = {}
        self.suggested: dict[str, tuple[int, int]] = {}
        self._entries = packed.entries()

    def run(self) -> None:
        embed(self.bench, lambda _so_far, done, total: self.on_progress("Embedding", done, total))
        n_actions = self.packed.manifest.n_actions
        for space in self.packed.manifest.spaces[1:]:
            if space.state != "discarded":
                seq = space.settings.get("seq")
                self._label(seq if isinstance(seq, int) else n_actions)
            self._make(space)
        self._label(n_actions)
        shown = self.packed.manifest.shown
        if shown in [space.id for space in self.project.spaces()]:
            self.project.show_space(shown)

    def _label(self, seq: int) -> None:
        """Take the log up to this action."""
        some = islice(self._entries, max(0, seq - len(self.fold.actions)))
        with writing(self.project.engine, self.project.id) as connection:
            take_over(connection, self.project.id, self.fold, some, anew=True)
        self.on_progress("Labelling", len(self.fold.actions), self.packed.manifest.n_actions)

    def _make(self, packed: PackedSpace) -> None:
        """Make a space anew, under the number that it had: actions name it."""
        if packed.state != "discarded":
            try:
                space = self._fitted(packed)
            except CorralError as error:
                self.not_made[packed.name] = str(error)
            else:
                if space is not None:
                    if packed.state == "kept":
                        self.project.keep_space(space.id, packed.name)
                    self._compare(packed, space)
                    return
        with writing(self.project.engine, self.project.id) as connection:
            last = connection.scalar(select(func.max(spaces.c.id)).where(spaces.c.project_id == self.project.id))
            if last is None or last < packed.id:
                add_space(connection, self.project.id, packed, "discarded")

    def _fitted(self, packed: PackedSpace) -> Space | None:
        def step(done: int, total: int, *_losses: float | None) -> None:
            self.on_progress(packed.name, done, total)

        settings = packed.settings
        if packed.kind != CLASSIFIER:
            return fit(self.project, self.bench.log, make_tuner(packed.kind, settings), packed.name, step)
        from labelling.learning.classifiers import TransformerClassifier

        if settings.get("ready"):
            classifier = TransformerClassifier.from_pretrained(settings["model"])
        else:
            names = TransformerClassifier().get_params()
            classifier = TransformerClassifier(**{name: settings[name] for name in names if name in settings})
        chosen = {name: value for name, value in settings.items() if name not in ("seq", "labels", "classes")}
        return classify(
            self.bench, classifier, packed.name, chosen, step, partial(self.on_progress, "Reading all texts")
        )

    def _compare(self, packed: PackedSpace, space: Space) -> None:
        """How many of the texts get the label that was suggested then: what a tuner is there for."""
        name = member(packed.id, "suggested.npy")
        found, classes = space.suggestions, packed.settings.get("classes")
        if found is None or not classes or name not in self.packed.names:
            return
        path = self.folder / "suggested.npy"
        self.packed.extract(name, path)
        then = files.load_array(path)
        if then is None or then.shape != found.codes.shape:
            self.not_made[f"the packed suggestions of {packed.name}"] = "they are damaged in the pack"
            return
        names_then, names_now = (np.array([*names, None], object) for names in (classes, found.classes))
        right = (then >= -1) & (then < len(classes))
        same = right & (names_then[np.where(right, then, -1)] == names_now[np.asarray(found.codes)])
        filled = ~self.project.dataset.empty
        self.suggested[packed.name] = int(np.count_nonzero(same & filled)), int(np.count_nonzero(filled))


def _other_versions(packed: Packed) -> list[tuple[str, str, str | None]]:
    now = installed_versions()
    return [(name, then, now.get(name)) for name, then in packed.manifest.versions.items() if now.get(name) != then]
