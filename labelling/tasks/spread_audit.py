"""How right labels are that were spread over a store: a random sample of each, read by a person in a project of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from labelling.encoders import Encoder
from labelling.errors import StepError
from labelling.labels.error_rate import Estimate, estimate, pooled
from labelling.store.store import Store, holding
from labelling.tasks.sample import sample_project
from labelling.tasks.spread import Labels
from labelling.workspace import Project, Workspace
from labelling.workspace.project import AUDIT

OF_A_LABEL = 100  # with none of them wrong the share is below 4 %


@dataclass(frozen=True)
class Audited:
    """The share of wrong labels in a whole store: of each label that was spread, None where nothing of it was read at
    random, and of all of those together, None where nothing was read. `n_texts` is how many texts the store has."""

    labels: dict[str, Estimate | None]
    n_texts: int

    @property
    def whole(self) -> Estimate | None:
        """Each label weighs as many texts as bear it. It is of `whole.n_rows` texts: those of the labels read."""
        read = [found for found in self.labels.values() if found is not None]
        return pooled(read) if read else None


def draw_of_labels(labels: Labels, n: int = OF_A_LABEL, random_state: int = 0) -> dict[str, np.ndarray]:
    """`n` positions of each label that was spread, or all that bear it, each as likely as any other: int64, sorted."""
    rng = np.random.default_rng(random_state)
    drawn = {label: (np.empty(0), np.empty(0, np.int64)) for label in labels.counts}
    for shard in labels.shards:
        found = shard.read(["label"]).column("label").combine_chunks().to_numpy(zero_copy_only=False)
        late = rng.random(len(found))
        for label, (before, positions) in drawn.items():
            at = np.flatnonzero(found == label)
            times = np.concatenate([before, late[at]])
            first = np.argsort(times)[:n]
            drawn[label] = (times[first], np.concatenate([positions, at + shard.first])[first])
    return {label: np.sort(positions) for label, (_, positions) in drawn.items()}


def least_near(labels: Labels, n: int) -> np.ndarray:
    """The `n` positions whose texts are the least like anything that was labelled, by their nearness: int64, sorted."""
    near, positions = np.empty(0, np.float32), np.empty(0, np.int64)
    for shard in labels.shards:
        near = np.concatenate([near, shard.read(["nearness"]).column("nearness").to_numpy()])
        positions = np.concatenate([positions, np.arange(shard.n_texts) + shard.first])
        first = np.argsort(near, kind="stable")[:n]
        near, positions = near[first], positions[first]
    return np.sort(positions)


def audit_project(
    workspace: Workspace,
    store: Store,
    folder: Path,
    name: str,
    encoder: Encoder,
    *,
    n: int = OF_A_LABEL,
    random_state: int = 0,
    owner: str | None = None,
    who: str | None = None,
) -> Project:
    """A project of `n` texts of each label that was spread into `folder`, which they bear in it, with its probability.

    Each label is an action: reading some of it at random, on the page Check or by V, tells how right that label is in
    the whole store, see `audited`. Raises StepError where the labels are not whole or of another store.
    """
    labels = Labels.open(folder, store)
    drawn = draw_of_labels(labels, n, random_state)
    positions = np.sort(np.concatenate(list(drawn.values()))) if drawn else np.empty(0, np.int64)
    probability = np.concatenate(
        [
            shard.read(["probability"]).column("probability").to_numpy()[positions[low:high] - shard.first]
            for shard, low, high in holding(labels.shards, positions)
        ]
        or [np.empty(0)]
    )
    more = pd.DataFrame({"probability": probability})
    project = sample_project(workspace, store, positions, name, encoder, owner=owner, who=who, more=more)
    log, given = project.open_log(who), []
    for label, its in drawn.items():
        log.assign(np.searchsorted(positions, its), label, how={"by": "spread"})
        given.append({"label": label, "seq": log.seq, "n_texts": labels.counts[label]})
    project.describe_space(0, **{AUDIT: given})
    return project


def audited(project: Project) -> Audited:
    """How right the labels are in the whole store, by what was read of them at random in an `audit_project`.

    Raises StepError where the project is none.
    """
    given = project.spaces()[0].settings.get(AUDIT)
    if given is None:
        raise StepError(f"{project.name!r} is no audit: `corral sample STORE --audit LABELS` makes one.")
    log = project.open_log()
    found: dict[str, Estimate | None] = {}
    for each in given:
        seen = log.quality_of(each["seq"]) if log.in_force(each["seq"]) else None
        # A random part of a random sample is one of the whole.
        found[each["label"]] = (
            None if seen is None else estimate(round(seen.share * seen.n_read), seen.n_read, each["n_texts"])
        )
    return Audited(found, project.n_in_store or 0)
