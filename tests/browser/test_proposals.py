"""What next: a good part of the demo is labelled by proposals alone, without the mouse."""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from labelling.app_folder import APP_FOLDER
from labelling.workspace import Workspace
from tests.browser.app import lasso, on_screen, open_demo, selected, settle, shot, until, wait_for_map
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
SHARE = 0.6
HEAD = ".st-key-corral-head h5"
PROPOSED = re.compile(r"^[\d,]+( that look alike| unlike each other| more like .*| with a likely label each| to read)$")
ACCEPT = ".st-key-accept-proposal button"


@pytest.fixture(scope="module")
def topics() -> dict[str, str]:
    frame = pd.read_csv(APP_FOLDER / "data" / "demo_easy.csv")
    return dict(zip((" ".join(text.split()) for text in frame["text"]), frame["topic"], strict=True))


def read(page: Page, topics: dict[str, str]) -> list[tuple[str, str]]:
    """The true topic of each text on show, and what is suggested for it, "" where nothing is."""
    found = []
    for sample in page.locator(".st-key-corral-texts .corral-sample").all():
        text = " ".join(sample.locator(".corral-text").inner_text().removesuffix("…").split())
        suggested = sample.locator("small")
        topic = next(topic for whole, topic in topics.items() if whole.startswith(text))
        found.append((topic, suggested.inner_text().strip()))
    return found


def answer(page: Page, topics: dict[str, str]) -> None:
    """Mark what does not belong, and say which label the others are of; or that they are mixed."""
    texts = read(page, topics)
    best, n_best = Counter(topic for topic, _ in texts).most_common(1)[0]
    each = page.locator(HEAD).inner_text().endswith("likely label each")
    suggested = any(name for _, name in texts)
    wrong = [place for place, (topic, name) in enumerate(texts) if topic != (name if suggested else best)]
    if not suggested and n_best < len(texts) - 1 and page.locator(HEAD).inner_text().endswith(("alike", "each other")):
        page.keyboard.press("x")
        return
    for number, place in enumerate(wrong, 1):
        page.keyboard.press(str((place + 1) % 10))
        expect(page.get_by_role("button", name=re.compile(r"close"))).to_have_count(number)
        settle(page)
    if len(wrong) == len(texts):
        page.keyboard.press("x")
    elif suggested or page.locator(ACCEPT).filter(visible=True, has_text=best).count():
        page.keyboard.press("Enter")
    else:
        assert not each
        page.keyboard.press("n")
        page.keyboard.type(best)
        page.keyboard.press("Enter")


def test_by_keys_alone(new_page: Callable[..., Page], shared_server: Server, topics: dict[str, str]) -> None:
    page = new_page()
    project = Workspace(shared_server.workspace).open(open_demo(page, shared_server.url, easy=True))
    wait_for_map(page, "UMAP")
    settle(page)
    log, gestures = project.open_log(), 0
    page.keyboard.press("q")
    while np.count_nonzero(log.codes >= 0) < SHARE * log.n_rows:
        expect(page.locator(HEAD)).to_have_text(PROPOSED)
        settle(page)
        if gestures == 4:
            shot(page, "next")
        seq = log.seq
        answer(page, topics)
        gestures += 1
        until(page, lambda seq=seq: (log.refresh(), log.seq > seq)[1], "the answer")  # type: ignore[misc]
        assert gestures < 80, f"{np.count_nonzero(log.codes >= 0)} of {log.n_rows} labelled"
    wrong = np.mean(
        [
            log.name_of(row) != topics[" ".join(project.dataset.text(row).split())]
            for row in np.flatnonzero(log.codes >= 0).tolist()
        ]
    )
    print(f"{gestures} gestures, {wrong:.1%} wrong")
    assert wrong < 0.1

    # Ctrl+Z takes back the last answer: what was proposed then is proposed again.
    before = page.locator(HEAD).inner_text()
    page.keyboard.press("j")
    expect(page.locator(HEAD)).not_to_have_text(before)
    settle(page)
    n = np.count_nonzero(log.codes >= 0)
    page.keyboard.press("Control+z")
    until(page, lambda: (log.refresh(), np.count_nonzero(log.codes >= 0) < n)[1], "the undo")
    expect(page.locator(HEAD)).to_have_text(PROPOSED)

    # A lasso meanwhile is a lasso.
    points = on_screen(page, project.space(0).map("UMAP"))
    lasso(page, np.nanmedian(points, axis=0), 60)
    assert selected(page) > 0
    page.keyboard.press("q")
    expect(page.locator(HEAD)).to_have_text(PROPOSED)
    settle(page)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing selected")).to_be_visible()
