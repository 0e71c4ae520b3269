"""Fixtures that several tests share."""

import json
import os

# Nothing here may ask a model hub for anything, and two threads for tiny models only get in each other's way.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests import postgres as postgresql

if TYPE_CHECKING:
    from labelling.workspace import Project, Workspace
    from tests.worker import Worker

FAST = "CORRAL_FAST" in os.environ  # `make test-fast`
if FAST:
    settings.register_profile("fast", max_examples=5, deadline=None)
    settings.load_profile("fast")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a database server is slow, too. Files that have most of what is slow come first."""
    n_slow: Counter[Path] = Counter()
    for item in items:
        asked = {*getattr(item, "fixturenames", ())}
        on_server = getattr(getattr(item, "callspec", None), "params", {}).values()
        if "postgres" in asked or "postgresql" in map(str, on_server):
            item.add_marker(pytest.mark.slow)
        n_slow[item.path] += item.get_closest_marker("slow") is not None
    items.sort(key=lambda item: -n_slow[item.path])


WORDS = [
    *("card", "payment", "refund", "money", "account", "is", "was", "not", "my", "the", "late"),
    *("lost", "when", "where", "how", "query", "cat", "sat", "mat"),
]


def save_tiny_model(folder: Path, seed: int = 0, hidden_size: int = 16) -> Path:
    """A sentence-transformers model with random weights: one BERT layer, mean pooling, 32 positions."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel, BertTokenizer

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *"abcdefghijklmnopqrstuvwxyz,?"]
    vocabulary += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    vocabulary = list(dict.fromkeys(vocabulary))
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden_size,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    bert = folder / "bert"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(bert)
    BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}).save_pretrained(bert)
    transformer = Transformer(str(bert))
    model = SentenceTransformer(modules=[transformer, Pooling(hidden_size, "mean")], device="cpu")
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"


@pytest.fixture(autouse=True)
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Binary files are read as their child reads them, but in this process: to begin a child takes a second.

    `tests/readers/test_bounds.py` has the children themselves.
    """
    from labelling.readers import apart, child

    def ask(folder: Path, _what: str, asked: dict[str, Any]) -> int:
        child.answer(folder, json.loads(json.dumps(asked)))
        return 0

    monkeypatch.setattr(apart, "_ask", ask)


@pytest.fixture
def workspace(tmp_path: Path) -> "Workspace":
    from labelling.workspace import Workspace

    return Workspace(tmp_path)


@pytest.fixture
def project(workspace: "Workspace") -> "Project":
    """Forty texts, not embedded yet."""
    from tests.projects import make_dataset

    return workspace.create("texts", make_dataset(), {})


@pytest.fixture
def session(workspace: "Workspace", project: "Project") -> "Worker":
    """A session with its texts embedded and the PCA on show."""
    from tests.projects import opened

    return opened(workspace, project)


@pytest.fixture
def multi_label(workspace: "Workspace") -> "Worker":
    """As `session`, with yes, no and unknown for each label."""
    from tests.projects import make_dataset, opened

    return opened(workspace, workspace.create("several", make_dataset(), {}, multi_label=True))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a sentence-transformers model of 16 dimensions, with random weights."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny_model"))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Every attempt to look up a host or to connect fails; the attempts are in the list."""
    import socket

    attempts: list[object] = []

    def refuse(*args: object, **kwargs: object) -> None:
        attempts.append(args)
        raise OSError("no network in this test")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    return attempts


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """A PostgreSQL server for all tests; each takes a new database of it."""
    if postgresql.binaries() is None and not postgresql.REQUIRED:
        pytest.skip("PostgreSQL's server is not installed")
    server = postgresql.Server()
    yield server
    server.remove()
