import io
from typing import Any

import numpy as np
import pytest

from labelling.encoders import EncoderError, precomputed

EMPTY = np.array([False, True, False])
VECTORS = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9.5]])
EXPECTED = np.array([[1, 2, 3], [np.nan] * 3, [7, 8, 9.5]], np.float32)


def npy(array: Any, **settings: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **settings)
    return file.getvalue()


@pytest.mark.parametrize("array", [VECTORS, VECTORS.astype(np.float16), np.asfortranarray(VECTORS)])
def test_a_file(array):
    vectors = precomputed.from_npy(npy(array), EMPTY)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, EXPECTED)


def test_a_column():
    for values in (["[1, 2, 3]", None, "[7,8,9.5]"], ["[1, 2, 3]", "", " [7, 8, 95e-1]"]):
        np.testing.assert_array_equal(precomputed.from_column(values, EMPTY), EXPECTED)


def test_which_columns_hold_vectors():
    assert precomputed.holds_vectors([None, "[1, 2]", "[3, 4.5]"])
    for values in (["[1, 2]", "a text"], [None, float("nan")], [], ["[]"], ['["a"]'], ["{}"], ["12"], ["[[1]]"]):
        assert not precomputed.holds_vectors(values)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "can't be read as .npy"),
        (b"1,2\n3,4", "can't be read as .npy"),
        (npy(VECTORS)[:-9], "can't be read as .npy"),
        (npy(np.array([{}, [], 1], object), allow_pickle=True), "holds objects, not numbers"),
        (b"PK\x03\x04 and so on", "is an archive"),
        (npy(VECTORS[:2]), r"must have the shape \(3, n_dims\), a row for each of the 3 rows.*got \(2, 3\)"),
        (npy(VECTORS[0]), r"must have the shape .* got \(3,\)"),
        (npy(VECTORS[:, :1]), "2 columns at least, got 1"),
        (npy(VECTORS.astype(str)), "must be real numbers, got <U32"),
        (npy(VECTORS + 1j), "must be real numbers, got complex128"),
        (npy(np.array([[1, 2], [3, 4], [np.nan, 5]])), "1 rows .* row 3 the first"),
        (npy(np.array([[1, 1e300], [3, 4], [6, 5]])), "1 rows .* row 1 the first"),
    ],
)
def test_a_bad_file_is_explained(data, message):
    with pytest.raises(EncoderError, match=message):
        precomputed.from_npy(data, EMPTY)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["[1, 2]", None, None], "row 3 must be a list of numbers, got None"),
        (["[1, 2]", None, "nothing"], "row 3 must be a list of numbers, got 'nothing'"),
        (["[1, 2]", None, '[1, "2"]'], "row 3 must be a list of numbers"),
        (["[1, 2]", None, "[1, true]"], "row 3 must be a list of numbers"),
        (["[1, 2]", None, "[1, 2, 3]"], "row 3 has 3, others 2"),
        (["[1]", None, "[2]"], "2 columns at least, got 1"),
        (["[1, 2]", None, "[1, Infinity]"], "row 3 the first"),
    ],
)
def test_a_bad_column_is_explained(values, message):
    with pytest.raises(EncoderError, match=message):
        precomputed.from_column(values, EMPTY)


def test_nothing_is_unpickled(monkeypatch):
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("this was unpickled",))

    with pytest.raises(EncoderError, match="holds objects"):
        precomputed.from_npy(npy(np.array([Trap()], object), allow_pickle=True), np.array([False]))


def test_they_stand_in_for_the_cache():
    told: list[tuple[Any, ...]] = []
    vectors = VECTORS.astype(np.float32)
    mine = precomputed.OwnVectors(3, lambda: vectors)
    found = mine.embed(mine, ["same", "same", "other"], on_batch=lambda *what: told.append(what))
    np.testing.assert_array_equal(found, vectors)  # two rows of one text keep their own
    assert told[0][1:] == (3, 3)
    out = np.full((5, 3), np.nan, np.float32)
    assert mine.embed(mine, ["same", "same", "other"], out=out, at=np.array([4, 0, 2])) is out
    np.testing.assert_array_equal(out[[4, 0, 2]], vectors)
    assert np.isnan(out[[1, 3]]).all()
    assert mine.count_truncated(["a"]) == 0
    with pytest.raises(EncoderError, match=r"needs 2 vectors of its own.*has 3"):
        mine.embed(mine, ["a", "b"])
    with pytest.raises(EncoderError, match=r"brought along.*Search by words"):
        mine.encode(["a"])
