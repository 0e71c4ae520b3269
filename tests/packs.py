"""A project in which all has happened that a pack must carry, for tests of packs."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from labelling.encoders.registry import encoder_for, fit_encoder
from labelling.labels import LabelLog
from labelling.labels.label import NO
from labelling.learning.registry import make_tuner
from labelling.projections.nearest import neighbours
from labelling.session import Session
from labelling.tasks.embed import embed
from labelling.tasks.tune import fit
from labelling.tasks.workbench import Workbench, open_workbench
from labelling.workspace import Project, Space, Workspace
from tests.projects import FILLED, TEXTS, make_dataset

LASSO = {"by": "lasso", "how": "new", "points": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]], "space": 0, "projection": "PCA"}
SEARCH = {"by": "search", "query": "=SUM(1) <b>card</b> ☃", "mode": "words"}
ANN, BOB = "ann@example.org", "bob"


def bench_of(workspace: Workspace, project: Project) -> Workbench:
    return open_workbench(workspace, project, lambda settings: encoder_for(settings, workspace.folder))


def make(workspace: Workspace, *, multi_label: bool = False, owner: str | None = None) -> Project:
    """Forty texts, embedded, labelled by two people in all ways that there are, tuned twice."""
    settings = fit_encoder([TEXTS[row] for row in FILLED], workspace.folder)
    day = [None if row == 3 else f"2026-01-{row % 28 + 1:02}" for row in range(40)]
    dataset = make_dataset(day=day, n=np.arange(40) / 2, seen=np.arange(40) % 2 == 0)
    project = workspace.create("the <job>", dataset, settings, multi_label=multi_label, owner=owner)
    embed(bench_of(workspace, project))
    space = project.current
    space.save_graph(*neighbours(np.nan_to_num(space.embeddings), None, 8, 0, lambda done, total: None))
    ann, bob = project.open_log(ANN), project.open_log(BOB)
    if multi_label:
        _answer(ann, bob)
    else:
        _label(ann, bob)
    _manage(ann, bob)
    _propose(project)
    discarded = tuned(project, ann, "tried")
    project.discard_space(discarded.id)
    kept = tuned(project, ann, "bent")
    project.keep_space(kept.id)
    project.show_space(kept.id)
    bob.clear([9], how=LASSO)
    bob.undo()
    bob.redo()
    ann.undo(5)
    return project


def tuned(project: Project, log: LabelLog, name: str) -> Space:
    return fit(project, log, make_tuner("FeedForwardTuner", {"steps": 5, "random_state": 3}), name)


def _label(ann: LabelLog, bob: LabelLog) -> None:
    ann.import_labels(["old" if row in (2, 38) else None for row in range(40)])
    ann.assign([0, 3, 6, 9, 12], "card", how=LASSO)
    bob.assign([1, 4, 7, 10, 13], "refund", how=SEARCH)
    bob.assign([8, 11, 14], "Password", how=LASSO)
    ann.assign([15, 18, 21, 13], "card", overwrite=True, how=LASSO)
    bob.assign([16, 19], "money back", how={"by": "box"})


def _answer(ann: LabelLog, bob: LabelLog) -> None:
    ann.assign([0, 3, 6, 9, 12], "card", how=LASSO)
    bob.assign([1, 4, 7, 10], "card", answer=NO, how=SEARCH)
    bob.assign([1, 4, 7, 10, 13], "refund", how=SEARCH)
    ann.assign([0, 3, 13], "refund", answer=NO, overwrite=True)
    bob.assign([8, 11, 14], "Password", how=LASSO)
    bob.assign([0, 1], "Password", answer=NO)
    bob.assign([16, 19, 13], "money back")
    ann.assign([16], "money back", answer=NO, overwrite=True)


def _manage(ann: LabelLog, bob: LabelLog) -> None:
    def label(name: str) -> int:
        found = ann.find(name)
        assert found is not None
        return found.id

    ann.refresh()
    ann.rename(label("Password"), "password")
    ann.describe(label("card"), "a card, lost or stolen")
    ann.recolour(label("card"), 5)
    ann.set_key(label("refund"), "E")
    bob.refresh()
    bob.merge(label("money back"), label("refund"))
    seq = next(action.seq for action in ann.actions if action.kind == "assign" and action.n_rows == 5)
    bob.audit(seq, [0, 3, 6], [6], "random")
    ann.undo()
    ann.undo()
    ann.redo()
    ann.split(label("card"), [3, 12], "card, stolen", how=LASSO)
    bob.create("nobody's")
    bob.delete(label("nobody's") if ann.refresh() else -1)
    bob.assign([22, 25], "mistake")
    bob.revert(bob.seq - 1)
    ann.refresh()
    ann.reorder([each.id for each in reversed(ann.labels)])


def _propose(project: Project) -> None:
    def no_encoder(settings: object) -> None:
        raise AssertionError("no encoder is needed")

    session = Session(project, no_encoder, ANN)
    session.map.look(project.spaces()[0], "PCA")
    if project.multi_label:
        session.labels.focus_on(session.log.labels[0].id)
    session.proposals.use(session.proposals.fitted())
    for accepted in (True, False):
        proposal = session.proposals.find(0.9)
        assert proposal is not None
        if accepted:
            session.proposals.accept([int(proposal.sample[0])], "yes" if project.multi_label else "card")
        else:
            session.proposals.refuse([int(row) for row in proposal.sample[:3]])


def rewritten(pack: Path, members: Mapping[str, bytes | None]) -> Path:
    """A copy with these files in place of those of their names; None takes one out."""
    path = pack.with_name("rewritten.zip")
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        held = {name: old.read(name) for name in old.namelist()} | dict(members)
        for name, content in held.items():
            if content is not None:
                new.writestr(name, content)
    return path


def member_of(pack: Path, name: str) -> bytes:
    with zipfile.ZipFile(pack) as archive:
        return archive.read(name)


def everything(project: Project) -> list[object]:
    """All that a person sees of it."""
    log = project.open_log(ANN)
    values = [log.label_values(label.id).tolist() for label in log.labels]
    return [
        project.name,
        project.multi_label,
        project.dataset.frame.to_json(orient="split"),
        project.dataset.frame.dtypes.astype(str).to_dict(),
        log.labels,
        values,
        log.actions,
        [log.in_force(action.seq) for action in log.actions],
        [log.how(action.seq) for action in log.actions],
        [{number: rows.tolist() for number, rows in log.rows_by_column(action.seq).items()} for action in log.actions],
        [log.quality_of(action.seq) for action in log.actions],
        [log.next_undo, log.next_redo],
        [(space.id, space.name, space.kind, space.settings, space.parent, space.state) for space in project.spaces()],
        project.current.id,
    ]


def write_recorded(folder: Path) -> None:
    """The packs in tests/data: only a new format number is a reason to write another, beside those that are there."""
    import tempfile

    from labelling.formats.registry import FORMATS
    from labelling.tasks.export import export
    from labelling.tasks.pack import pack

    for name, multi_label in (("one", False), ("several", True)):
        with tempfile.TemporaryDirectory() as made:
            workspace = Workspace(Path(made))
            project = make(workspace, multi_label=multi_label)
            pack(workspace, project, folder / f"pack_1_{name}.zip")
            (folder / f"pack_1_{name}.jsonl").write_bytes(export(project, FORMATS["jsonl"]))
