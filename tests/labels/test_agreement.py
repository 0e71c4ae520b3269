"""Labels compared with names that are known from elsewhere."""

from labelling.labels.agreement import Agreement, agreement


def test_a_label_stands_for_what_most_of_its_rows_are() -> None:
    found = agreement(["a", "a", "a", "b", None, "b"], ["dog", "dog", "cat", "cat", "cat", ""])
    assert found == Agreement(4, 3, {"a": ("dog", 3, 2), "b": ("cat", 1, 1)})


def test_a_label_that_is_called_like_a_name_stands_for_it() -> None:
    found = agreement(["Cat", "Cat", "Cat"], ["dog", "dog", "cat"])
    assert (found.n_right, found.by_label["Cat"]) == (1, ("cat", 3, 1))


def test_nothing_to_compare() -> None:
    assert agreement([None, "a"], ["dog", None]) == Agreement(0, 0, {})
