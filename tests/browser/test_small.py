"""Small things that only a browser shows: its Back, what is drawn of a name, charts that are whole, the way back in."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from labelling.dataset import Dataset
from labelling.ui.frame.access import WANTED_JS
from labelling.workspace import Project, Workspace
from tests.browser.app import settle, wait_for_map
from tests.browser.helpers import address, make
from tests.browser.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
NAMES = [
    ":material/delete:", ":material_home:", ":smile:", "**x**", "$x$ and $y$", ":red[x]", ":red-badge[x]", "[a](b)",
    "`code`", "a -> b", "ann@example.org", "https://example.org", "&lt;b&gt;", "1. one",
]  # fmt: skip
SIZES = ((1440, 900), (1100, 700))


def labelled(server: Server, names: list[str]) -> Project:
    """A project with six texts of each label, given in three lassos, and sixty without one; embedded and mapped."""
    n, rng = 6 * len(names) + 60, np.random.default_rng(0)
    group = np.r_[np.arange(6 * len(names)) % len(names), rng.integers(0, len(names), 60)]
    embeddings = rng.normal(size=(len(names), 8))[group] + rng.normal(scale=0.4, size=(n, 8))
    texts = pd.Series([f"text {row}" for row in range(n)], dtype="str")
    project = Workspace(server.workspace).create(":smile: **all**", Dataset(pd.DataFrame({"text": texts}), "text"), {})
    space = project.space(0)
    space.save_graph(np.tile(np.arange(1, 16), (n, 1)), np.ones((n, 15)))
    space.save_map("PCA", embeddings[:, :2].astype(np.float32))
    space.save_map("UMAP", embeddings[:, :2].astype(np.float32))
    space.save_embeddings(embeddings.astype(np.float32))
    project.describe_space(0, n_truncated=0, max_tokens=256)
    log = project.open_log()
    for place, name in enumerate(names):
        for rows in np.array_split(np.flatnonzero(group[: 6 * len(names)] == place), 3):
            log.assign(rows, name)
    return project


def test_back_leads_to_the_page_before_and_forward_again(shared_server: Server, new_page: Callable[..., Page]) -> None:
    project = labelled(shared_server, ["one", "two"])
    page = new_page()
    page.goto(shared_server.url)
    page.get_by_role("button", name="Open", exact=True).first.click()
    page.wait_for_url(f"**/label?project={project.id}")
    wait_for_map(page, "UMAP")
    page.get_by_role("link", name="Improve", exact=True).click()
    page.wait_for_url(f"**/tune?project={project.id}")
    expect(page.get_by_role("button", name="Run the tuner")).to_be_visible()
    page.go_back()
    page.wait_for_url(f"**/label?project={project.id}")
    expect(page.get_by_text("Nothing selected")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()
    page.go_forward()
    page.wait_for_url(f"**/label?project={project.id}")
    expect(page.get_by_text("Nothing selected")).to_be_visible()
    page.go_forward()
    page.wait_for_url(f"**/tune?project={project.id}")
    expect(page.get_by_role("button", name="Run the tuner")).to_be_visible()

    # A link into a page, too: the history's takes an action along, and forgets it.
    page.get_by_role("link", name="Label", exact=True).click()
    page.get_by_role("link", name=re.compile("^Last: label ")).click()
    expect(page.get_by_text("Do these texts belong here?")).to_be_visible()
    page.go_back()
    page.wait_for_url(f"**/label?project={project.id}")
    expect(page.get_by_text("Nothing selected")).to_be_visible()


def test_a_name_is_drawn_as_it_is(shared_server: Server, new_page: Callable[..., Page]) -> None:
    project = labelled(shared_server, NAMES)
    page = new_page()
    chips = "[class*='st-key-label-']:not(.st-key-label--1) button"
    for name, buttons in (("label", chips), ("labels", "[class*='st-key-edit-'] button")):
        page.goto(address(shared_server, name, project.id))
        expect(page.get_by_role("heading", name=":smile: **all**", exact=True)).to_be_visible()
        expect(page.locator(buttons)).to_have_count(len(NAMES))
        drawn = page.locator(f"{buttons} p").all_inner_texts()
        assert [re.sub(r"\s+\(\d+\)$", "", text) for text in drawn] == NAMES
        for style in ("a", "code", "strong", "em", "img", "[role=img]", ".katex", ".stMarkdownBadge"):
            assert page.locator(f"{buttons} p {style}").count() == 0
    page.locator(".st-key-edit-1 button").hover()  # with its help as a tooltip


@pytest.mark.parametrize("n_labels", [3, 11, 150])
def test_the_charts_of_a_tuner_are_whole(shared_server: Server, new_page: Callable[..., Page], n_labels: int) -> None:
    project = labelled(shared_server, [f"label number {place}" for place in range(n_labels)])
    page = new_page()
    page.goto(address(shared_server, "tune", project.id))
    page.get_by_role("button", name="Run the tuner").click()
    loss = page.get_by_text("How the loss went")
    expect(loss).to_be_visible()
    chart = page.locator("[data-testid='stVegaLiteChart']").last
    expect(page.get_by_text("Found, by label")).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(1000)
        drawn, room, inside = chart.evaluate(
            """chart => {
                const place = chart.closest("[data-testid='stVerticalBlock']");
                const at = getComputedStyle(place);
                return [chart.clientHeight, place.clientHeight, /auto|scroll/.test(at.overflowY)];
            }"""
        )
        assert drawn >= 26 * n_labels
        if n_labels <= 20:
            assert room >= drawn
        else:
            assert room >= 26 * 19
            assert inside
            expect(page.get_by_text(f"{n_labels} labels, those found least come first")).to_be_visible()
    loss.click()
    page.wait_for_timeout(1000)
    lines = page.locator("[data-testid='stExpander'] [data-testid='stVegaLiteChart']")
    assert lines.evaluate("chart => chart.clientHeight") >= 290


def test_after_signing_in_one_is_where_one_wanted_to_go(
    server_with_sign_in: Server,
    new_page: Callable[..., Page],
) -> None:
    project = make(server_with_sign_in, "letters", "ann@example.org")
    page = new_page()
    page.goto(address(server_with_sign_in, "label", project.id))
    expect(page.get_by_text("After that, you are back on this page.")).to_be_visible()
    page.wait_for_function("() => sessionStorage.getItem('corral-wanted')")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Ann").click()
    page.wait_for_url(f"**/label?project={project.id}")
    wait_for_map(page, "UMAP")
    assert page.evaluate("() => sessionStorage.getItem('corral-wanted')") is None
    # Only once: the first page can be gone to as always.
    page.goto(server_with_sign_in.url)
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example aaaa",
        "https://evil.example aaaa",
        "label //evil.example",
        "label a&x=1",
        "../x aaaa",
        "label",
        "",
    ],
)
def test_nobody_is_sent_anywhere_else(new_page: Callable[..., Page], shared_server: Server, wanted: str) -> None:
    page = new_page()
    page.goto(f"{shared_server.url}/_stcore/health")  # a page of this address without the app
    script = WANTED_JS.replace("export default", "const run =").replace("location.replace(", "asked.push(")
    before = "const asked = []; history.replaceState({}, '', '/'); sessionStorage.setItem('corral-wanted', wanted);"
    come_back = f"wanted => {{ {before} {script} run({{ data: {{ signed_in: true }} }}); return asked; }}"
    assert page.evaluate(come_back, wanted) == []
    assert page.evaluate(come_back, "tune ab12cd") == ["/tune?project=ab12cd"]


def test_every_page_with_a_project_can_be_wanted() -> None:
    pages = re.findall(r'url_path="(\w+)"', (ROOT / "app.py").read_text())
    wanted = re.search(r"\^\(([\w|]+)\)\$", WANTED_JS)
    assert wanted is not None
    assert wanted[1].split("|") == pages


def test_the_wheel_goes_past_a_map_and_its_labels_are_all_in_sight(
    shared_server: Server, new_page: Callable[..., Page]
) -> None:
    project = labelled(shared_server, [f"a label of many words, {place}" for place in range(30)])
    page = new_page()
    page.set_viewport_size({"width": 1100, "height": 700})
    page.goto(address(shared_server, "tune", project.id))
    page.locator(".corral-map[data-ready]").wait_for()
    settle(page)
    shown = """() => [
        document.querySelector("[data-testid=stMain]").scrollTop,
        globalThis.__corral.maps.get("map-now").range.x.join(),
    ]"""
    box = page.locator(".corral-stage").bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    _, before = page.evaluate(shown)
    page.mouse.wheel(0, 80)
    page.wait_for_function("() => document.querySelector('[data-testid=stMain]').scrollTop > 50")
    top, now = page.evaluate(shown)
    assert now == before
    page.mouse.click(box["x"] + 200, box["y"] + 200)
    page.mouse.wheel(0, 80)
    page.wait_for_function(f"() => globalThis.__corral.maps.get('map-now').range.x.join() !== '{before}'")
    assert page.evaluate(shown)[0] == top

    entries = page.locator(".corral-whole-legend .corral-legend-entry")
    page.get_by_text("and 6 more").click()
    expect(entries.nth(29)).to_be_visible()
    hidden = entries.evaluate_all(
        """entries => entries.filter((entry) => {
            entry.scrollIntoView({ block: "center" });
            const { left, right, top, bottom } = entry.getBoundingClientRect();
            return !entry.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
        }).length"""
    )
    assert (entries.count(), hidden) == (31, 0)
