"""What these tests share."""

import random
from pathlib import Path

from labelling.workspace import Workspace
from tests.projects import WordEncoder
from tests.worker import Worker

LABELS = ["card", "card", "refund", "refund"]


def opened(work: Path) -> Worker:
    workspace = Workspace(work)
    (info,) = workspace.projects()
    return Worker(workspace, workspace.open(info.id), lambda settings: WordEncoder())


def labels(session: Worker) -> list[str | None]:
    return session.log.names().tolist()[: len(LABELS)]


def flip(path: Path, seed: int, n: int = 10) -> None:
    data = bytearray(path.read_bytes())
    for place in random.Random(seed).sample(range(len(data)), min(n, len(data))):
        data[place] ^= 1 << (place % 8)
    path.unlink()
    path.write_bytes(data)
