"""Files written whole, and arrays that tell when a byte of them changed."""

import threading
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from labelling import files
from labelling.files import load_array, save_array, write_whole


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
    monkeypatch.setattr(files, "_CHUNK", 1000)  # it is filled in parts
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
