"""A process that labels, and says each time what is done; to be killed, or run beside others.

`python -m tests.labels.writer DATABASE WHO N_ROWS N_ACTIONS` says "ready", waits for a line, then prints of each action
its number in the log once the call has returned.
"""

import sys
from pathlib import Path

ROWS_EACH = 5


def command(database: Path | str, who: str, n_rows: int, n_actions: int) -> list[str]:
    where = f"file:{database}" if isinstance(database, Path) else database
    root = Path(__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); from tests.labels.writer import main; main(sys.argv[1:])"
    return [sys.executable, "-c", code, where, who, str(n_rows), str(n_actions)]


def main(arguments: list[str]) -> None:
    import numpy as np

    from labelling.database.engine import open_database
    from labelling.labels import LabelLog

    where, who, n_rows, n_actions = arguments[0], arguments[1], int(arguments[2]), int(arguments[3])
    database = Path(where.removeprefix("file:")) if where.startswith("file:") else where
    log = LabelLog(open_database(database), "p", n_rows, who=who)
    rng = np.random.default_rng(sum(who.encode()))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(n_actions):
        if number % 10 == 9:
            action = log.undo()
            assert action is not None
            done = next(each.seq for each in reversed(log.actions) if each.targets == (action.seq,))
        else:
            rows = rng.choice(n_rows, ROWS_EACH, replace=False)
            how = {"by": who, "number": number}
            # A label of its own: each action changes as many rows.
            assert log.assign(rows, f"{who} {number}", overwrite=True, how=how).n_changed == ROWS_EACH
            done = next(each.seq for each in reversed(log.actions) if each.who == who)
        print(done, flush=True)
