"""What is said of how right the labels are holds: told of histories whose truth is known."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event

from labelling.database.engine import open_database
from labelling.labels import LabelLog
from labelling.labels.coverage import turn
from labelling.labels.error_rate import Estimate
from labelling.labels.label import UNLABELLED
from tests.labels.helpers import add_project

N_LABELS = 4
# How often each kind of step is taken, in a project where ...
POLICIES = {
    "all is drawn from": {"give": 0.75, "check_all": 0.25},
    "what was given last is checked": {"give": 0.5, "check_all": 0.03, "check_last": 0.47},
    "all of it is done": {
        "give": 0.5, "check_all": 0.14, "check_last": 0.13, "look_for_wrong": 0.05, "undo": 0.07, "redo": 0.05,
        "give_anew": 0.06,
    },
}  # fmt: skip


class History:
    """Somebody labels, often wrongly, and checks; `true` is what is right of each row."""

    def __init__(self, log: LabelLog, rng: np.random.Generator) -> None:
        self.log, self.rng = log, rng
        self.true = rng.integers(0, N_LABELS, log.n_rows)
        self.usual = rng.choice([0.0, 0.02, 0.05, 0.1, 0.2])

    def wrong(self, rows: np.ndarray) -> np.ndarray:
        names = self.log.names()
        return np.array([row for row in rows if names[row] not in (None, str(self.true[row]))], np.int64)

    def give(self) -> None:
        """An action of one of several wrong rates: as usual, or much worse."""
        label, n = self.rng.integers(N_LABELS), self.rng.choice([1, 3, 10, 30, 80])
        n_wrong = self.rng.binomial(n, self.rng.choice([self.usual, self.usual, self.usual, 0.4]))
        free = self.rng.permutation(np.flatnonzero(self.log.codes == UNLABELLED))
        right, others = free[self.true[free] == label], free[self.true[free] != label]
        self.log.assign(np.r_[right[: n - n_wrong], others[:n_wrong]], str(label))

    def give_anew(self) -> None:
        rows = self.rng.permutation(np.flatnonzero(self.log.codes != UNLABELLED))[:10]
        self.log.assign(rows, str(self.rng.integers(N_LABELS)), overwrite=True)

    def correct(self, rows: np.ndarray) -> None:
        """Most of what is found wrong gets its right label at once."""
        for row in rows[self.rng.random(len(rows)) < 0.7]:
            self.log.assign([row], str(self.true[row]))

    def check_all(self) -> None:
        rows = self.log.check_sample(9)
        if len(rows):
            wrong = self.wrong(rows)
            self.log.keep_check(rows, wrong)
            self.correct(wrong)

    def check_last(self) -> None:
        log = self.log
        given = [a.seq for a in log.actions if a.gives_labels and log.in_force(a.seq) and a.n_rows >= 5]
        if given:
            rows = np.setdiff1d(log.standing(given[-1]), log.read(given[-1], "random"))
            rows = rows[np.argsort(turn(rows, np.full(len(rows), given[-1])))][:5]
            wrong = self.wrong(rows)
            log.audit(given[-1], rows, wrong, "random")
            self.correct(wrong)

    def look_for_wrong(self) -> None:
        given = [action.seq for action in self.log.actions if action.gives_labels and self.log.in_force(action.seq)]
        if given:
            seq = int(self.rng.choice(given))
            wrong = self.wrong(self.log.standing(seq))[:3]
            self.log.audit(seq, wrong, wrong, "edge")

    def undo(self) -> None:
        self.log.undo()

    def redo(self) -> None:
        self.log.redo()

    def told_and_true(self) -> list[tuple[Estimate, float]]:
        """What is said of all labels and of each, beside the share that is wrong indeed."""
        codes = self.log.codes
        wrong = np.isin(np.arange(self.log.n_rows), self.wrong(np.arange(self.log.n_rows)))
        told = [(self.log.rightness(), codes != UNLABELLED)]
        told += [(self.log.quality_of_label(label.id), codes == label.id) for label in self.log.labels]
        return [(found, float(wrong[its].mean())) for found, its in told if found is not None]


@pytest.mark.slow
@pytest.mark.parametrize("policy", list(POLICIES))
def test_the_interval_holds_the_truth(tmp_path: Path, policy: str) -> None:
    """In 93 of 100 histories at least, for all labels together; and in as many of the labels, each by itself."""
    rng = np.random.default_rng(7)
    engine = open_database(tmp_path / "histories.db")
    event.listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA synchronous=OFF"))
    steps, often = list(POLICIES[policy]), list(POLICIES[policy].values())
    of_all, of_labels = [], []
    for number in range(50):
        n_rows = int(rng.integers(150, 500))
        add_project(engine, str(number), n_rows)
        history = History(LabelLog(engine, str(number), n_rows), rng)
        for step in rng.choice(steps, size=rng.integers(8, 30), p=often):
            getattr(history, step)()
        held = [found.low - 1e-9 <= truth <= found.high + 1e-9 for found, truth in history.told_and_true()]
        of_all, of_labels = of_all + held[:1], of_labels + held[1:]
    assert len(of_all) > 40
    assert np.mean(of_all) >= 0.93
    assert np.mean(of_labels) >= 0.93


def test_the_order_of_reading_is_random_and_for_good() -> None:
    rows, setters = np.arange(20_000), np.full(20_000, 3)
    places = turn(rows, setters)
    assert places[:3].tolist() == turn(rows[:3], setters[:3]).tolist()
    assert turn(np.array([0, 1]), np.array([1, 2])).tolist() == [0.09849682405779547, 0.8391258770389297], (
        "what was read rests on it"
    )
    assert np.abs(np.histogram(places, 10, (0, 1))[0] - 2_000).max() < 200
    for other in (turn(rows, setters + 1), places[np.r_[1:20_000, 0]], rows / 20_000):
        assert abs(np.corrcoef(places, other)[0, 1]) < 0.03
