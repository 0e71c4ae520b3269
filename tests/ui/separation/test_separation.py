"""The separation page without a browser; tests/browser plays what it records."""

import threading

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.readers import make_dataset, read_table
from labelling.ui.frame import resources
from labelling.ui.separation import separation
from labelling.workspace import Workspace
from tests.ui.helpers import FakeEncoder, open_page, said, upload
from tests.ui.tab import of_tab

pytestmark = pytest.mark.slow

CSV = "id,message,kind\n" + "".join(
    f"{row},{'the card was lost' if row % 2 else 'where is my money'} {row},{'card' if row % 2 else 'money'}\n"
    for row in range(40)
)


def button(at: AppTest, label: str) -> object:
    return next(button for button in at.button if button.label == label)


def record(at: AppTest) -> AppTest:
    """Press Record and wait for what comes of it."""
    button(at, "Record").click()
    at.run()
    of_tab(at, separation.Held).job.join(120)
    return at.run()


def quick(at: AppTest) -> AppTest:
    for which in ("first", "second"):
        at.select_slider(key=f"{which} steps").set_value(50)
    return at.run()


def done(at: AppTest) -> separation.Done:
    assert not at.exception
    assert not at.error, said(at)
    return of_tab(at, separation.Held).job.result


def test_one_click_records_the_demo_twice() -> None:
    at = open_page("separation")
    assert not at.exception
    assert "No texts are loaded yet" not in said(at)
    assert "**Record** shows 6 of the 11 labels of **Demo**: 560 texts" in said(at)
    assert (at.radio[0].options, at.radio[0].value) == (["All 11", "6 about things", "Choose"], "6 about things")
    at = record(quick(at))
    result = done(at)
    assert [one.settings["hidden_dim"] for one in result.recordings] == [10, 200]
    assert [one.given for one in result.recordings] == [(10,) * 6] * 2
    assert "60 (10 for each of 6 labels)" in said(at).replace("\\", "")
    assert at.get("download_button")
    first, second = result.recordings
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.xy[0], second.xy[0])


def test_what_was_recorded_stays_and_repeats_with_its_seed() -> None:
    at = record(quick(open_page("separation")))
    before = done(at)
    at.number_input[0].set_value(5)
    at.run()
    assert done(at) is before
    at.switch_page("pages/texts.py").run()
    at.switch_page("pages/separation.py").run()
    assert done(at) is before
    assert at.get("download_button")
    again = done(record(quick(at)))
    assert again is not before
    assert again.figure_json == before.figure_json
    at.number_input[1].set_value(1)
    assert done(record(at)).recordings[0].rows.tolist() != before.recordings[0].rows.tolist()


def test_a_file_with_a_label_column() -> None:
    at = open_page("separation")
    at.button_group[0].set_value("A file").run()
    assert not any(each.label == "Record" for each in at.button)
    at = upload(at, "mine.csv", CSV.encode())
    assert at.selectbox[0].value == "message"
    assert "Choose the column with the labels" in said(at)
    at.selectbox[1].select("kind").run()
    assert (at.radio[0].options, at.radio[0].value) == (["All 2", "Choose"], "All 2")
    assert "**Record** shows all 2 labels of **mine\\.csv**: 40 texts" in said(at)
    at.toggle[0].set_value(False).run()
    at.select_slider(key="first steps").set_value(50)
    result = done(record(at))
    assert len(result.recordings) == 1
    assert result.recordings[0].names == ("card", "money")
    assert len(result.recordings[0].rows) == 20
    assert result.about["Texts"] == "mine.csv"
    at = upload(at, "other.csv", CSV.replace("kind", "topic", 1).encode())
    assert at.selectbox[1].value == "topic"  # a name that labels have


def test_a_column_of_different_values_is_explained() -> None:
    at = open_page("separation")
    at.button_group[0].set_value("A file").run()
    at = upload(at, "mine.csv", CSV.encode())
    at.selectbox[1].select("id").run()
    at = record(quick(at))
    assert "each of the 12 labels has one text only" in at.error[0].value
    assert not at.exception


def test_of_very_many_texts_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "MAX_TEXTS", 100)
    result = done(record(quick(open_page("separation"))))
    assert len(result.texts) == 100
    assert result.about["Texts"] == "Demo, 100 of 560 drawn at random"


def test_one_label_alone_can_not_be_recorded() -> None:
    at = open_page("separation")
    at.radio[0].set_value("Choose").run()
    at.multiselect[0].set_value(["plants"]).run()
    assert button(at, "Record").disabled


def test_a_project_by_its_labels_or_by_a_column(workspace: Workspace) -> None:
    at = open_page("separation")
    at.button_group[0].set_value("A project").run()
    assert "There is no project yet" in said(at)

    project = workspace.create("mine", make_dataset(read_table(CSV.encode(), "a.csv"), "message"), {})
    at.run()
    assert at.selectbox[1].options == ["kind"]
    project.open_log().assign(range(10), "first ten")
    project.open_log().assign(range(10, 20), "next ten")
    at.run()
    assert at.selectbox[1].options == [separation.GIVEN_HERE, "kind"]
    at.selectbox[1].select(separation.GIVEN_HERE).run()
    assert "all 2 labels of **mine**: 20 texts" in said(at)
    result = done(record(quick(at)))
    assert result.recordings[0].names == ("first ten", "next ten")
    assert result.recordings[0].given == (5, 5)  # ten were asked for; half of a label's texts at most
    at.selectbox[1].select("kind").run()
    assert "2 of 2 labels, 40 texts" in said(at)


def test_it_opens_on_the_project_that_one_works_on(workspace: Workspace) -> None:
    csv = "message,kind\n" + "".join(f"text {row},kind {row % 14:02}\n" for row in range(70))
    first, own = (
        workspace.create(name, make_dataset(read_table(csv.encode(), "a.csv"), "message"), {}) for name in ("b", "a*a")
    )
    at = open_page("labels", own)
    at.switch_page("pages/separation.py").run()
    assert not at.exception
    assert at.button_group[0].value == separation.PROJECT
    assert at.selectbox[0].value == own.id
    assert "12 of the 14 labels of **a\\*a**, the project that you work on: 60 texts" in said(at)
    assert at.radio[0].options == ["All 14", "The 12 with most texts", "Choose"]
    at.radio[0].set_value("All 14").run()
    assert "all 14 labels" in said(at)
    at.selectbox[0].select(first.id).run()
    assert "of **b**: 60 texts" in said(at)
    at.query_params.clear()
    again = open_page("separation", own)  # a reload: the address has it
    assert again.selectbox[0].value == own.id
    assert "corral" not in again.session_state


def test_it_is_stopped_while_embedding_and_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go = threading.Event(), threading.Event()

    class Slow(FakeEncoder):
        fingerprint = "slow"
        n_calls = 0

        def encode(self, texts: list[str]) -> np.ndarray:
            self.n_calls += 1
            asked.set()
            assert go.wait(60)
            return super().encode(texts)

    slow = Slow()
    monkeypatch.setattr(resources, "encoder_for", lambda settings: slow)
    at = quick(open_page("separation"))
    button(at, "Record").click()
    at.run()
    assert asked.wait(60)
    at.run()
    assert button(at, "Record").disabled
    assert "Embedding texts" in "".join(bar.text for bar in at.get("progress"))
    button(at, "Stop").click()
    at.run()
    go.set()
    of_tab(at, separation.Held).job.join(60)
    at.run()
    assert "Stopped" in said(at)
    assert slow.n_calls == 1
    at = record(at)
    assert len(done(at).recordings) == 2


def test_a_failing_encoder_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(FakeEncoder):
        fingerprint = "wrong"

        def encode(self, texts: list[str]) -> np.ndarray:
            return np.zeros((1, 3), np.float32)

    monkeypatch.setattr(resources, "encoder_for", lambda settings: Wrong())
    at = record(open_page("separation"))
    assert "embeddings must have the shape" in at.error[0].value
    assert not at.exception
    assert not button(at, "Record").disabled


def test_a_file_without_a_guess_is_no_dead_end() -> None:
    at = open_page("separation")
    at.button_group[0].set_value("A file").run()
    at = upload(at, "mine.csv", b"a,b\n1,2\n3,4\n3,5\n")
    assert not at.exception
    assert at.selectbox[0].value is None
    assert "Choose the column with the texts" in said(at)
    at.selectbox[0].select("a").run()
    at.selectbox[1].select("b").run()
    assert not at.exception
    assert any(each.label == "there are none" for each in at.checkbox)
