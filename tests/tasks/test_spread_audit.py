"""How right spread labels are: known to a test that knows each label's truth."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from labelling.cli import main
from labelling.errors import StepError
from labelling.store.store import Store
from labelling.tasks.pack import pack
from labelling.tasks.replay import replay
from labelling.tasks.sample import FILE, ROW
from labelling.tasks.spread import Labels, spread
from labelling.tasks.spread_audit import audit_project, audited, draw_of_labels, least_near
from labelling.tasks.unpack import unpack
from labelling.workspace import Project, Workspace
from tests.packs import member_of
from tests.projects import make_dataset
from tests.store.projects import encoder_of, learnt, make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Store:
    return make_store(tmp_path_factory.mktemp("stored"), tiny_model, 1_000)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Project:
    return learnt(Workspace(tmp_path_factory.mktemp("workspace")), store, 200)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory, project: Project, store: Store) -> Labels:
    return spread(project, store, tmp_path_factory.mktemp("spread") / "labels", encoder_of(store))


def folder_of(labels: Labels) -> Path:
    return labels.shards[0].path.parents[1]


def all_of(labels: Labels) -> pa.Table:
    return pa.concat_tables(shard.read() for shard in labels.shards)


def test_each_label_is_drawn_at_random_from_all(labels: Labels) -> None:
    given = np.array(all_of(labels).column("label").to_pylist())
    often: Counter[int] = Counter()
    for seed in range(60):
        drawn = draw_of_labels(labels, 10, seed)
        assert {label: len(rows) for label, rows in drawn.items()} == {
            label: min(10, n) for label, n in labels.counts.items()
        }
        for label, rows in drawn.items():
            assert (np.diff(rows) > 0).all()
            assert set(given[rows]) == {label}
            often.update(rows.tolist())
    for label, n in labels.counts.items():
        if n > 50:
            halves = np.array_split(np.flatnonzero(given == label), 2)
            first, last = (sum(often[row] for row in half) / len(half) for half in halves)
            assert 0.7 < first / last < 1.4, "those of the first shards no likelier than those of the last"
    assert all(len(rows) == labels.counts[label] for label, rows in draw_of_labels(labels, 10_000).items())


def test_the_least_like_what_was_labelled(labels: Labels) -> None:
    near = all_of(labels).column("nearness").to_numpy()
    found = least_near(labels, 25)
    assert len(np.unique(found)) == 25
    assert near[found].max() <= np.sort(near)[25]
    assert len(least_near(labels, 10_000)) == len(near)


def test_what_was_read_tells_of_the_whole(labels: Labels, store: Store, workspace: Workspace) -> None:
    assert len(labels.counts) == 3
    project = audit_project(workspace, store, folder_of(labels), "audit", encoder_of(store), n=40)
    stored, given = pa.concat_tables(shard.read() for shard in store.shards), all_of(labels)
    at = {
        (file, row): n
        for n, (file, row) in enumerate(zip(stored["file"].to_pylist(), stored["row"].to_pylist(), strict=True))
    }
    files = [file["name"] for file in store.manifest.files]
    frame = project.dataset.frame
    places = [at[files.index(file), row] for file, row in zip(frame[FILE], frame[ROW], strict=True)]
    assert project.open_log().names().tolist() == given.column("label").take(places).to_pylist()
    np.testing.assert_allclose(frame["probability"], given.column("probability").to_numpy()[places])
    assert audited(project).whole is None

    # A person reads all of two labels: right is what holds the word.
    log = project.open_log()
    read = list(labels.counts)[:2]
    n_wrong = {}
    for action in list(log.actions):
        name = log.label(action.label_id).name
        if name in read:
            rows = np.flatnonzero(log.names() == name)
            wrong = rows[[name not in project.dataset.text(row) for row in rows]]
            log.audit(action.seq, rows, wrong, "random")
            n_wrong[name] = (len(wrong), len(rows))
    found = audited(workspace.open(project.id))
    texts, names = stored["text"].to_pylist(), given["label"].to_pylist()
    for name in labels.counts:
        if name not in read:
            assert found.labels[name] is None
            continue
        each = found.labels[name]
        assert each is not None
        assert (round(each.share * each.n_read), each.n_read) == n_wrong[name]
        assert each.n_rows == labels.counts[name]
        truth = np.mean([name not in text for text, label in zip(texts, names, strict=True) if label == name])
        assert each.low - 0.02 <= truth <= each.high + 0.02
        assert each.low < each.high or each.n_read == each.n_rows
    whole = found.whole
    assert whole is not None
    assert whole.n_rows == sum(labels.counts[name] for name in read)
    assert found.n_texts == store.n_texts
    shares = [found.labels[name].share for name in read]  # type: ignore[union-attr]
    assert whole.share == pytest.approx(np.average(shares, weights=[labels.counts[name] for name in read]))


def test_a_packed_audit_still_tells_of_the_whole(
    labels: Labels, store: Store, workspace: Workspace, tmp_path: Path
) -> None:
    project = audit_project(workspace, store, folder_of(labels), "audit", encoder_of(store), n=10)
    log = project.open_log()
    log.audit(1, np.flatnonzero(log.setters == 1), np.empty(0, int), "random")
    pack(workspace, project, tmp_path / "job.zip", anonymous=True)
    about = member_of(tmp_path / "job.zip", "pack.json")
    assert str(store.folder.parent).encode() not in about, "where it lies is nobody's business"
    elsewhere = Workspace(tmp_path / "elsewhere")
    unpacked = unpack(elsewhere, tmp_path / "job.zip").project
    again = replay(elsewhere, tmp_path / "job.zip", lambda _settings: encoder_of(store))
    assert again.equal
    for other in (unpacked, again.project):
        found = elsewhere.open(other.id)
        assert found.spaces()[0].settings["store"] == {
            "id": store.manifest.id,
            "folder": store.folder.name,
            "n_texts": store.n_texts,
        }
        assert (found.n_in_store, audited(found)) == (store.n_texts, audited(project))
        pack(elsewhere, found, tmp_path / "again.zip")
        packed = (json.loads(member_of(tmp_path / name, "pack.json")) for name in ("job.zip", "again.zip"))
        before, after = ({key: each["project"][key] for key in ("store", "audit")} for each in packed)
        assert before == after


def test_what_is_no_audit(labels: Labels, store: Store, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(StepError, match="is no audit"):
        audited(workspace.create("plain", make_dataset(), {}))
    with pytest.raises(StepError, match="There are no labels in"):
        audit_project(workspace, store, tmp_path / "none", "audit", encoder_of(store))


def test_the_commands(
    labels: Labels,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(tmp_path / "workspace"))
    spread_to = str(folder_of(labels))
    assert main(["sample", str(store.folder), "--audit", spread_to, "--rows", "20", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert main(["audit", made["id"]]) == 0
    assert capsys.readouterr().out.count("nothing read yet") == len(labels.counts) + 1
    log = Workspace().open(made["id"]).open_log()
    log.audit(1, np.flatnonzero(log.setters == 1), np.empty(0, int), "random")
    assert main(["audit", made["id"]]) == 0
    assert "0.0% wrong (0.0% to" in capsys.readouterr().out
    assert main(["audit", made["id"], "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["whole"]["n_read"] == 20
    assert main(["sample", str(store.folder), "--unlike", spread_to, "--rows", "20", "--json"]) == 0
    unlike = Workspace().open(json.loads(capsys.readouterr().out)["id"])
    assert (unlike.n_rows, unlike.open_log().n_labelled) == (20, 0)
    assert main(["sample", str(store.folder), "--unlike", spread_to, "--spread"]) == 2
    assert main(["audit", unlike.id]) == 1
