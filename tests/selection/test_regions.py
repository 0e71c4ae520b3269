"""The regions of a map and their names."""

import numpy as np

from labelling.selection.regions import regions

TOPICS = [
    "refund money",
    "parcel courier",
    "password login",
    "basil lettuce",
    "invoice tax",
    "wifi router",
    "pump noise",
]
FILLER = "please help with the thing that i have here and how it is"


def blobs(n_each: int = 60, seed: int = 0) -> tuple[np.ndarray, list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    topic = np.repeat(np.arange(len(TOPICS)), n_each)
    angle = 2 * np.pi * topic / len(TOPICS)
    xy = np.stack([10 * np.cos(angle), 10 * np.sin(angle)], axis=1) + rng.normal(0, 0.6, (len(topic), 2))
    words = [TOPICS[each].split() for each in topic]
    filler = FILLER.split()
    texts = [f"{' '.join(own)} {' '.join(rng.choice(filler, 4))}" for own in words]
    return xy.astype(np.float32), texts, topic


def test_each_heap_is_a_region_with_its_own_words() -> None:
    xy, texts, topic = blobs()
    found = [region for region in regions(xy, texts.__getitem__) if region.level == 0]
    assert len(found) == len(TOPICS)
    for region in found:
        (own,) = set(topic[region.rows])
        assert set(region.name.split(", ")) <= set(TOPICS[own].split())
        assert np.linalg.norm(xy[region.rows].mean(axis=0) - (region.x, region.y)) < 0.6
    assert len({region.name for region in found}) == len(found)
    assert sorted(np.concatenate([region.rows for region in found])) == list(range(len(xy)))


def test_rows_without_a_place_belong_to_none_and_the_same_comes_again() -> None:
    xy, texts, _ = blobs()
    xy[::10] = np.nan
    first, second = regions(xy, texts.__getitem__), regions(xy, texts.__getitem__)
    assert [(each.name, each.rows.tolist()) for each in first] == [(each.name, each.rows.tolist()) for each in second]
    assert not set(np.concatenate([each.rows for each in first])) & set(range(0, len(xy), 10))


def test_what_says_nothing_gets_no_name() -> None:
    xy, texts, _ = blobs()
    assert regions(xy, lambda row: "the and of it") == []
    assert regions(xy, lambda row: "") == []
    assert regions(xy, lambda row: f"word{row}") == []
    assert regions(xy[:5], texts.__getitem__) == []
    assert regions(np.zeros((50, 2), np.float32), texts.__getitem__) == []  # all on one spot: the whole is no region
    assert regions(np.full((50, 2), np.nan, np.float32), texts.__getitem__) == []
