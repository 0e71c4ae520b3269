"""Files written whole, and arrays that tell when a byte of them changed."""

import threading
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from labelling import files
from labelling.files import load_array, save_array, write_whole
from tests.helpers import mapped


def test_a_file_is_whole_or_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, lambda file: file.write(b"first"))

    def fail(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, fail)
    assert path.read_bytes() == b"first"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


ARRAYS = (np.arange(12, dtype=np.float32).reshape(6, 2), np.empty((0, 3), np.float32), np.arange(5), np.float64(3))


@pytest.mark.parametrize("array", ARRAYS, ids=["matrix", "empty", "vector", "scalar"])
def test_an_array_comes_back_and_any_flipped_byte_is_noticed(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "a.npy"
    save_array(path, array)
    np.testing.assert_array_equal(load_array(path), array)
    np.testing.assert_array_equal(np.load(path), array)  # others read it, too
    whole = path.read_bytes()
    unnoticed = []
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.unlink(missing_ok=True)
        path.write_bytes(damaged)
        found = load_array(path)
        if found is not None and not np.array_equal(found, array):
            unnoticed.append(place)
        assert (found is None) == (not path.exists()), "set aside, never deleted"
    assert unnoticed == []


@pytest.mark.parametrize("n_bytes", [0, 5, 60, 100, 150])
def test_an_array_that_is_cut_off_is_set_aside(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "a.npy"
    save_array(path, ARRAYS[0])
    damaged = path.read_bytes()[:n_bytes]
    path.write_bytes(damaged)
    assert load_array(path) is None
    (aside,) = tmp_path.iterdir()
    assert aside.name.startswith("a.npy.damaged-")
    assert aside.read_bytes() == damaged


def test_an_array_of_before_there_were_checksums(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ARRAYS[0])
    np.testing.assert_array_equal(load_array(tmp_path / "a.npy"), ARRAYS[0])
    assert load_array(tmp_path / "none.npy") is None


def test_a_temporary_array_has_no_name_and_all_its_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_FILL", 1000)  # it is filled in parts
    array = files.temporary_array(tmp_path / "new", (123, 7))
    assert array.shape == (123, 7)
    assert array.dtype == np.float32
    assert np.isnan(array).all()
    array[5] = 1
    assert np.count_nonzero(~np.isnan(array)) == 7
    assert list((tmp_path / "new").iterdir()) == []
    assert files.temporary_array(tmp_path, (0, 7)).shape == (0, 7)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_temporary_array_without_room_is_an_error_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("r+b", buffering=0) as full:
        monkeypatch.setattr(files.tempfile, "TemporaryFile", lambda **_: full)
        with pytest.raises(OSError, match="No space left"):
            files.temporary_array(tmp_path, (10, 2))


def test_who_asks_while_a_file_is_checked_waits_for_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_array(tmp_path / "x.npy", np.arange(10))
    read: list[int] = []
    inside, go_on = threading.Event(), threading.Event()

    def slow(data: bytes, crc: int = 0) -> int:
        read.append(len(data))
        inside.set()
        assert go_on.wait(30)
        return zlib.crc32(data, crc)

    monkeypatch.setattr(files, "zlib", SimpleNamespace(crc32=slow))
    threads = [threading.Thread(target=load_array, args=(tmp_path / "x.npy",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert inside.wait(30)
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(read) == 1


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux")
def test_what_is_let_go_of_is_in_memory_no_more_and_still_there(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    save_array(path, np.ones((1000, 1000), np.float32))
    array = np.load(path, mmap_mode="r+")
    array[:500] = 2
    assert mapped(path) >= array.nbytes // 2
    files.let_go(np.asarray(array[3:7], np.float32))  # a view lets go of all of it
    assert mapped(path) == 0
    assert np.unique(array).tolist() == [1, 2]
    assert array.sum() == 1_500_000


def test_letting_go_changes_no_copy_and_no_plain_array(tmp_path: Path) -> None:
    save_array(tmp_path / "x.npy", np.arange(10))
    copied = np.load(tmp_path / "x.npy", mmap_mode="c")
    copied[0] = 7
    for array in (copied, np.array(copied), np.frombuffer(copied.tobytes(), copied.dtype)):
        files.let_go(array)
        assert array[0] == 7


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux")
def test_a_mapped_array_is_saved_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_array(tmp_path / "x.npy", np.arange(10_000_000, dtype=np.float32))
    array, held = load_array(tmp_path / "x.npy"), []
    monkeypatch.setattr(
        files, "let_go", lambda a, let_go=files.let_go: held.append(mapped(tmp_path / "x.npy")) or let_go(a)
    )
    assert array is not None
    save_array(tmp_path / "y.npy", array)
    assert max(held) < array.nbytes
    assert mapped(tmp_path / "x.npy") == 0
    np.testing.assert_array_equal(load_array(tmp_path / "y.npy"), array)
