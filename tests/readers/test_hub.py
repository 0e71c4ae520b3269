"""Data sets of the hub, from a stand-in for it: what is loaded, and what is said of what can't be."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labelling.readers import ReadError, hub, read_hub, read_labels
from tests.hub import Hub, serving
from tests.readers.helpers import CARD, parquet

SHARDS = {
    "README.md": CARD,
    "emotion.py": b"raise SystemExit",
    "data/train-00000-of-00002.parquet": parquet("a b", "c d", label=[1, 0]),
    "data/train-00001-of-00002.parquet": parquet("e f", label=[2]),
    "data/test-00000-of-00001.parquet": parquet("g h", label=[0]),
}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    files = {
        "ann/emotion": {"main": SHARDS, "v1": {"train.parquet": parquet("old")}},
        "ann/gated": {"main": {"train.parquet": parquet("a secret")}},
        "ann/glue": {"main": {f"{part}/train-00000-of-00001.parquet": parquet(part) for part in ("cola", "sst2")}},
        "ann/files": {"main": {"de.parquet": parquet("guten tag"), "en.parquet": parquet("good day")}},
        "ann/csv": {
            "main": {"README.md": CARD, "all.csv": b"text,label\na b,1\n"},
            hub.CONVERTED: {"default/train/0000.parquet": parquet("a b", label=[1])},
        },
        "ann/images": {"main": {"README.md": b"", "a.zip": b"x", "images.py": b"raise SystemExit"}},
        "ann/harm": {"main": {"../../train.parquet": parquet("harm")}},
        "ann/broken": {"main": {"train.parquet": b"PAR1 and no more"}},
    }
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with serving(Hub(files, gated=("ann/gated",))) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def test_all_of_a_data_set_or_a_split(served: Hub) -> None:
    told: list[tuple[int, int]] = []
    table = read_hub("hf:ann/emotion", on_progress=lambda done, total: told.append((done, total)))
    assert table.frame["text"].tolist() == ["g h", "a b", "c d", "e f"]
    assert table.frame["split"].tolist() == ["test", "train", "train", "train"]
    assert read_labels(table.frame, "label") == ["sadness", "joy", "sadness", "no: love"]
    assert "The data set ann/emotion on the hub holds 'data/test-00000-of-00001.parquet'" in table.notes[-1]
    n_bytes = sum(len(data) for name, data in SHARDS.items() if name.endswith("parquet"))
    assert told[-1] == (n_bytes, n_bytes)
    assert told == sorted(told)
    assert not any("emotion.py" in path for _, path, _ in served.asked), "no script is loaded"

    served.asked.clear()
    assert read_hub(" ann/emotion ", "train").frame["text"].tolist() == ["a b", "c d", "e f"]
    assert not any(method == "GET" and "resolve" in path for method, path, _ in served.asked), "it is kept here"


def test_a_revision_a_part_and_a_file(served: Hub) -> None:
    assert read_hub("ann/emotion@v1").frame["text"].tolist() == ["old"]
    assert read_hub("ann/glue/sst2").frame["text"].tolist() == ["sst2"]
    assert read_hub("hf:ann/files/de.parquet").frame["text"].tolist() == ["guten tag"]


def test_what_the_hub_has_turned_into_parquet(served: Hub) -> None:
    table = read_hub("ann/csv")
    assert read_labels(table.frame, "label") == ["joy"]
    assert read_hub("ann/csv", "train").frame["text"].tolist() == ["a b"]
    with pytest.raises(ReadError, match="no Parquet"):
        read_hub("ann/csv@main")


@pytest.mark.parametrize(
    ("named", "split", "message"),
    [
        ("", None, "no data set's id. Write owner/name"),
        ("ann/../x", None, "no data set's id"),
        ("ann/emotion@", None, "no data set's id"),
        ("a b/c", None, "no data set's id"),
        ("ann/emotion/../../x", None, "no data set's id"),
        ("ann/nothing", None, "There is no data set 'ann/nothing' on the hub, or it is private. Write owner/name"),
        ("ann/emotion@v9", None, "'ann/emotion' has no revision 'v9': see https://"),
        ("ann/emotion", "dev", r"'ann/emotion' has no split 'dev' \(there are 'test', 'train'\)"),
        ("ann/emotion/other", None, "has no Parquet files in 'other'"),
        ("ann/gated", None, "'ann/gated' is gated: .*accept its terms at https://.*hf auth login"),
        ("ann/glue", None, "holds several tables: 'cola', 'sst2'. Name one, such as hf:ann/glue/sst2"),
        ("ann/files", None, "holds several tables: 'de.parquet', 'en.parquet'"),
        (
            "ann/images",
            None,
            "no Parquet files, and nothing else of it is read: no script.*It holds 'README.md', 'a.zip'",
        ),
        ("ann/harm", None, "leads out of its folder"),
        ("ann/broken", None, "Parquet file can't be read"),
    ],
)
def test_what_is_refused(served: Hub, named: str, split: str | None, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read_hub(named, split)


def test_more_than_can_be_read_is_not_downloaded(served: Hub) -> None:
    with pytest.raises(ReadError, match=r"up to 0 MB can be read. Take one split \(there are 'test', 'train'\), or"):
        read_hub("ann/emotion", max_bytes=3_000)
    assert not any("resolve" in path for _, path, _ in served.asked)


def test_a_sign_in_opens_what_is_gated_where_it_may(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_let_in")
    with pytest.raises(ReadError, match="gated"):
        read_hub("ann/gated", token=False)
    assert not any(token for _, _, token in served.asked)
    assert read_hub("ann/gated").frame["text"].tolist() == ["a secret"]


def test_a_hub_that_cannot_be_reached(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nothing listens
    with pytest.raises(ReadError, match=r"can't be got from the Hugging Face hub \(.*Is there a network\?"):
        read_hub("ann/emotion")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ReadError, match="HF_HUB_OFFLINE is set"):
        read_hub("ann/emotion")


def test_loading_can_be_stopped_and_goes_on(served: Hub) -> None:
    class Stopped(BaseException):
        pass

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        read_hub("ann/emotion", on_progress=stop)
    assert len(read_hub("ann/emotion").frame) == 4
