import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from labelling.encoders import EncoderError, _database, cache
from labelling.encoders.cache import CacheError, EmbeddingCache
from tests.encoders.helpers import TEXTS, CountingEncoder, expected
from tests.helpers import mapped

# What the tests with several processes run: argv is the cache's folder, the log and the file that says go.
PROCESS = """
import sys, time
from pathlib import Path
from labelling.encoders.cache import EmbeddingCache
from tests.encoders.helpers import TEXTS, CountingEncoder, expected
folder, log, go = map(Path, sys.argv[1:])
embeddings = EmbeddingCache(folder)
print("ready", flush=True)
while not go.exists():
    time.sleep(0.005)
found = embeddings.embed(CountingEncoder(log=log, seconds=0.1), TEXTS)
assert (found == expected(TEXTS)).all()
"""


def start(code: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_embeds_each_distinct_text_once(tmp_path):
    texts = ["a", "b", "a", "", "b", "a"]
    encoder = CountingEncoder()
    embeddings = EmbeddingCache(tmp_path).embed(encoder, texts)
    assert embeddings.shape == (6, 8)
    assert embeddings.dtype == np.float32
    np.testing.assert_array_equal(embeddings, expected(texts))
    assert sorted(encoder.encoded) == ["", "a", "b"]


def test_what_is_there_is_not_embedded_again(tmp_path):
    EmbeddingCache(tmp_path / "made" / "here").embed(CountingEncoder(), TEXTS[:700])
    again, extended = CountingEncoder(), CountingEncoder()
    np.testing.assert_array_equal(
        EmbeddingCache(tmp_path / "made" / "here").embed(again, TEXTS[:700]), expected(TEXTS[:700])
    )
    assert again.encoded == []
    embeddings = EmbeddingCache(tmp_path / "made" / "here").embed(extended, TEXTS[::-1])
    np.testing.assert_array_equal(embeddings, expected(TEXTS[::-1]))
    assert sorted(extended.encoded) == sorted(TEXTS[700:])


def test_another_fingerprint_is_another_vector(tmp_path):
    embeddings = EmbeddingCache(tmp_path)
    one, other = CountingEncoder("one"), CountingEncoder("other")
    first = embeddings.embed(one, TEXTS[:5])
    assert not np.isclose(embeddings.embed(other, TEXTS[:5]), first).any()
    np.testing.assert_array_equal(embeddings.embed(one, TEXTS[:5]), first)
    assert len(one.encoded) == len(other.encoded) == 5


def test_lookup(tmp_path):
    embeddings = EmbeddingCache(tmp_path)
    embeddings.embed(CountingEncoder(), ["a", "b"])
    found, present = embeddings.lookup("ab12", ["b", "c", "a", "b"], 8)
    assert present.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(found[present], expected(["b", "a", "b"]))
    assert np.isnan(found[1]).all()
    assert found.dtype == np.float32
    found, present = embeddings.lookup("ab12", [], 8)
    assert (found.shape, present.shape) == ((0, 8), (0,))


def test_entries_of_another_length_are_not_there(tmp_path):
    embeddings = EmbeddingCache(tmp_path)
    embeddings.embed(CountingEncoder(n_dims=4), ["a"])
    assert not embeddings.lookup("ab12", ["a"], 8)[1].any()
    np.testing.assert_array_equal(embeddings.embed(CountingEncoder(n_dims=8), ["a"]), expected(["a"]))


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux")
def test_what_was_read_does_not_stay_in_memory(tmp_path):
    embeddings = EmbeddingCache(tmp_path)
    embeddings.store("a", TEXTS, np.ones((len(TEXTS), 384), np.float32))
    out = np.zeros((len(TEXTS), 384), np.float32)
    out[:], there = embeddings.lookup("a", TEXTS, 384)
    assert there.all()
    assert (out == 1).all()
    assert mapped(tmp_path / "data.mdb") < 100_000 < out.nbytes
    assert embeddings.lookup("a", TEXTS, 384)[1].all()


def test_no_texts(tmp_path):
    assert EmbeddingCache(tmp_path).embed(CountingEncoder(), []).shape == (0, 8)


def test_on_batch_tells_what_is_safe_on_disk(tmp_path):
    embeddings = EmbeddingCache(tmp_path)
    embeddings.embed(CountingEncoder(), TEXTS[:100])
    texts = TEXTS + TEXTS[50:150]
    calls = []

    out = np.full((len(texts) + 1, 8), np.nan, np.float32)
    at = np.arange(len(texts), 0, -1)

    def on_batch(rows, n_done, n_total):
        np.testing.assert_array_equal(out[at[rows]], expected([texts[row] for row in rows]))
        assert np.count_nonzero(~np.isnan(out).all(axis=1)) == n_done
        assert embeddings.lookup("ab12", [texts[row] for row in rows], 8)[1].all()
        calls.append((rows, n_done, n_total))

    assert embeddings.embed(CountingEncoder(), texts, out=out, at=at, on_batch=on_batch) is out
    assert calls[0][0].tolist() == [*range(100), *range(1200, 1250)]
    assert sorted(np.concatenate([rows for rows, _, _ in calls]).tolist()) == list(range(1300))
    assert [n_done for _, n_done, _ in calls] == np.cumsum([len(rows) for rows, _, _ in calls]).tolist()
    assert {n_total for _, _, n_total in calls} == {1300}


def test_first_batch_is_a_sample_and_the_others_are_of_like_length(tmp_path):
    texts = [f"{i} " + "x" * (i // 20) for i in range(2000)]
    lengths: list[np.ndarray] = []

    def on_batch(rows, n_done, n_total):
        lengths.append(np.array([len(texts[row]) for row in rows]))

    encoder = CountingEncoder()
    EmbeddingCache(tmp_path).embed(encoder, texts, on_batch=on_batch, random_state=3)
    empty, sample, *others = lengths
    assert len(empty) == 0
    assert np.ptp(sample) > 80
    assert max(np.ptp(other) for other in others) < 40
    # Neither rising nor falling, so that the time left can be told from the rate so far.
    steps = np.diff([other.mean() for other in others])
    assert steps.min() < 0 < steps.max()
    # The seed decides the order.
    again = CountingEncoder()
    EmbeddingCache(tmp_path / "again").embed(again, texts, random_state=3)
    assert again.encoded == encoder.encoded


def test_long_texts_make_small_batches(tmp_path):
    encoder = CountingEncoder()
    EmbeddingCache(tmp_path).embed(encoder, [f"{i} " + "x" * 4000 for i in range(10)] + ["y" * 50_000])
    assert max(encoder.batches) <= 4
    assert sum(encoder.batches) == 11


def test_stop(tmp_path):
    stop = threading.Event()
    encoder = CountingEncoder()

    def on_batch(rows, n_done, n_total):
        if n_done > 300:
            stop.set()

    embeddings = EmbeddingCache(tmp_path).embed(encoder, TEXTS, on_batch=on_batch, stop=stop)
    done = ~np.isnan(embeddings).any(axis=1)
    assert 300 < done.sum() == len(encoder.encoded) < 1200
    np.testing.assert_array_equal(embeddings[done], expected(TEXTS)[done])
    assert np.isnan(embeddings[~done]).all()
    rest = CountingEncoder()
    np.testing.assert_array_equal(EmbeddingCache(tmp_path).embed(rest, TEXTS), expected(TEXTS))
    assert len(rest.encoded) + len(encoder.encoded) == 1200


def test_stop_while_another_thread_is_at_work(tmp_path):
    stop, inside, go_on = threading.Event(), threading.Event(), threading.Event()

    class SlowEncoder(CountingEncoder):
        def encode(self, texts):
            inside.set()
            assert go_on.wait(30)
            return super().encode(texts)

    embeddings = EmbeddingCache(tmp_path)
    worker = threading.Thread(target=embeddings.embed, args=(SlowEncoder(), TEXTS[:10]))
    worker.start()
    assert inside.wait(30)
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    other = CountingEncoder()
    assert np.isnan(embeddings.embed(other, TEXTS[:10], stop=stop)).all()
    go_on.set()
    worker.join()
    assert other.encoded == []


def test_threads_share_the_work(tmp_path):
    encoder = CountingEncoder(seconds=0.02)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(EmbeddingCache(tmp_path).embed(encoder, TEXTS))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for embeddings in found:
        np.testing.assert_array_equal(embeddings, expected(TEXTS))
    assert sorted(encoder.encoded) == sorted(TEXTS)


def test_processes_share_the_work(tmp_path):
    log, go = tmp_path / "log", tmp_path / "go"
    processes = [start(PROCESS, tmp_path / "cache", log, go) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    go.touch()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert sorted(log.read_text().splitlines()) == sorted(TEXTS)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_process_loses_one_batch_at_most(tmp_path):
    log, go = tmp_path / "log", tmp_path / "go"
    go.touch()
    process = start(PROCESS, tmp_path / "cache", log, go)
    # In the middle of the third batch: its texts are in the log, its embeddings are not made yet.
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) >= 600)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = log.read_text().splitlines()
    encoder = CountingEncoder()
    embeddings = EmbeddingCache(tmp_path / "cache").embed(encoder, TEXTS)
    np.testing.assert_array_equal(embeddings, expected(TEXTS))
    assert len(before) < 1200
    assert 0 < len(set(before) & set(encoder.encoded)) <= 256
    assert set(before) | set(encoder.encoded) == set(TEXTS)


def test_database_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(_database, "_INITIAL_MAP_SIZE", 2**18)
    embeddings = EmbeddingCache(tmp_path)
    found = embeddings.embed(CountingEncoder(n_dims=384), TEXTS)
    np.testing.assert_array_equal(found, expected(TEXTS, n_dims=384))
    assert (tmp_path / "data.mdb").stat().st_size > 4 * 2**18
    assert embeddings.lookup("ab12", TEXTS, 384)[1].all()


def test_database_grown_by_another_process(tmp_path, monkeypatch):
    monkeypatch.setattr(_database, "_INITIAL_MAP_SIZE", 2**18)
    embeddings = EmbeddingCache(tmp_path)
    embeddings.embed(CountingEncoder(n_dims=384), TEXTS[:10])
    code = """
import sys
from labelling.encoders.cache import EmbeddingCache
from tests.encoders.helpers import TEXTS, CountingEncoder
EmbeddingCache(sys.argv[1]).embed(CountingEncoder(n_dims=384), TEXTS[:1000])
"""
    process = start(code, tmp_path)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    found, present = embeddings.lookup("ab12", TEXTS, 384)
    assert present.sum() == 1000
    np.testing.assert_array_equal(found[:1000], expected(TEXTS[:1000], n_dims=384))
    encoder = CountingEncoder(n_dims=384)
    embeddings.embed(encoder, TEXTS)
    assert sorted(encoder.encoded) == sorted(TEXTS[1000:])


def test_vectors_that_are_not_numbers_are_refused_and_not_kept(tmp_path):
    class BrokenEncoder(CountingEncoder):
        def encode(self, texts):
            embeddings = super().encode(texts)
            embeddings[[text == "bad" for text in texts]] = np.nan
            return embeddings

    embeddings = EmbeddingCache(tmp_path)
    with pytest.raises(EncoderError, match=r"NaN or infinity for 1 of 3 texts.* row 2: 'bad'"):
        embeddings.embed(BrokenEncoder(), ["a", "a", "bad", "b"])
    assert not embeddings.lookup("ab12", ["bad"], 8)[1].any()
    np.testing.assert_array_equal(embeddings.embed(CountingEncoder(), ["bad"]), expected(["bad"]))


def test_embeddings_of_the_wrong_shape_are_refused(tmp_path):
    class BrokenEncoder(CountingEncoder):
        def encode(self, texts):
            return super().encode(texts)[:, :-1]

    with pytest.raises(EncoderError, match=r"shape \(2, 8\), got \(2, 7\)"):
        EmbeddingCache(tmp_path).embed(BrokenEncoder(), ["a", "b"])


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match=r"can't open the embeddings in .*file"):
        EmbeddingCache(tmp_path / "file" / "folder")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CacheError, match="can't open the embeddings in"):
        EmbeddingCache(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["no database", "half", "two pages", "one page", "a part of a page"])
def test_a_damaged_database_is_set_aside_and_made_anew(tmp_path, damage):
    whole = tmp_path / "whole"
    EmbeddingCache(whole).embed(CountingEncoder(n_dims=384), TEXTS)
    data = (whole / "data.mdb").read_bytes()
    n_bytes = {"half": len(data) // 2, "two pages": 8192, "one page": 4096, "a part of a page": 100}.get(damage)
    folder = tmp_path / "damaged"
    folder.mkdir()
    damaged = b"something else " * 1000 if damage == "no database" else data[:n_bytes]
    (folder / "data.mdb").write_bytes(damaged)
    # In a process of its own: what maps a file that is cut off and reads behind its end, the system ends.
    code = """
import sys
from labelling.encoders.cache import EmbeddingCache
from tests.encoders.helpers import TEXTS, CountingEncoder, expected
embeddings = EmbeddingCache(sys.argv[1])
assert not embeddings.lookup("ab12", TEXTS, 384)[1].any()
assert (embeddings.embed(CountingEncoder(n_dims=384), TEXTS) == expected(TEXTS, n_dims=384)).all()
print(embeddings.set_aside.name)
"""
    name, errors = start(code, folder).communicate(timeout=60)
    assert name.startswith("data.mdb.damaged-"), errors
    assert (folder / name.strip()).read_bytes() == damaged
    again = EmbeddingCache(folder)
    assert again.set_aside is None
    assert again.lookup("ab12", TEXTS, 384)[1].all()


def test_a_database_that_was_never_filled_is_whole(tmp_path):
    (tmp_path / "data.mdb").touch()
    assert EmbeddingCache(tmp_path).set_aside is None


def test_a_flipped_byte_is_noticed_and_the_vector_made_anew(tmp_path, caplog):
    folder = tmp_path / "first"
    vectors = EmbeddingCache(folder).embed(CountingEncoder(), TEXTS)
    data = (folder / "data.mdb").read_bytes()
    vector = vectors[7].astype("<f4").tobytes()
    assert vector in data
    damaged = bytearray(vector)
    damaged[5] ^= 64
    data = data.replace(vector, damaged)  # also in pages that are no longer used
    other = tmp_path / "second"
    other.mkdir()
    (other / "data.mdb").write_bytes(data)
    embeddings = EmbeddingCache(other)
    present = embeddings.lookup("ab12", TEXTS, 8)[1]
    assert np.flatnonzero(~present).tolist() == [7]
    assert "1 embeddings in" in caplog.text
    encoder = CountingEncoder()
    np.testing.assert_array_equal(embeddings.embed(encoder, TEXTS), vectors)
    assert encoder.encoded == [TEXTS[7]]


def test_a_damaged_page_is_told_with_what_to_do(tmp_path):
    """Not every damage is found when the file is opened: that would take reading all of it."""
    folder = tmp_path / "first"
    EmbeddingCache(folder).embed(CountingEncoder(), TEXTS)
    data = bytearray((folder / "data.mdb").read_bytes())
    for page in range(2, len(data) // 4096):
        data[4096 * page + 10] ^= 0x0B  # the kind of page
    other = tmp_path / "second"
    other.mkdir()
    (other / "data.mdb").write_bytes(data)
    with pytest.raises(CacheError, match=r"can't read the embeddings in .*move data.mdb out of that folder"):
        EmbeddingCache(other).lookup("ab12", TEXTS, 8)


def test_entries_of_before_there_were_checksums_are_read(tmp_path):
    embeddings = EmbeddingCache(tmp_path)
    vector = expected(["a"])[0]
    embeddings._database.write([(cache._keys("ab12", ["a"])[0], vector.astype("<f4").tobytes())])
    found, present = embeddings.lookup("ab12", ["a"], 8)
    assert present.all()
    np.testing.assert_array_equal(found[0], vector)


@pytest.mark.skipif(os.name == "nt", reason="no limit on file sizes")
def test_disk_full(tmp_path):
    code = """
import resource, sys
from labelling.encoders.cache import CacheError, EmbeddingCache
from tests.encoders.helpers import TEXTS, CountingEncoder
embeddings = EmbeddingCache(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
try:
    embeddings.embed(CountingEncoder(n_dims=384), TEXTS)
except CacheError as error:
    print(error)
"""
    message, errors = start(code, tmp_path).communicate(timeout=60)
    assert "can't write the embeddings in" in message, errors
    assert "MB free on this disk" in message
    # The batches before it are kept.
    n_kept = EmbeddingCache(tmp_path).lookup("ab12", TEXTS, 384)[1].sum()
    assert 0 < n_kept < 1200
