"""A data set of the Hugging Face hub in the page: its id typed, or what is wrong with it said."""

from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from labelling.ui.frame import access
from labelling.workspace import Workspace
from tests.hub import Hub, serving
from tests.ui.helpers import open_page, press, said

pytestmark = pytest.mark.slow

INBOX = pd.DataFrame({"text": ["the card was lost", "the refund is late"], "label": ["a", "b"]}).to_parquet()


def load(at: AppTest, named: str, split: str = "") -> AppTest:
    at.text_input(key="hub").input(named)
    at.text_input(key="split").input(split)
    return press(at, "Load")


def test_a_data_set_is_loaded_and_becomes_a_project(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with serving(Hub({"ann/inbox": {"main": {"train.parquet": INBOX}}})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        at = open_page("texts")
        at.segmented_control[0].set_value("Hugging Face").run()
        at = load(at, "ann/nothing")
        assert "There is no data set 'ann/nothing' on the hub" in said(at).replace("\\", "")
        at = load(at, "hf:ann/inbox", "dev")
        assert "has no split 'dev' (there are 'train')" in said(at).replace("\\", "")
        at = load(at, "hf:ann/inbox")
    assert not at.error
    assert "2 rows read as Parquet" in said(at)
    press(at, "Make the map")
    (info,) = workspace.projects()
    assert info.name == "ann/inbox"
    assert workspace.open(info.id).dataset.texts == ["the card was lost", "the refund is late"]


@pytest.mark.parametrize(("who", "token"), [("alone", "Bearer hf_mine"), ("signed in", ""), ("open", "")])
def test_the_servers_own_sign_in_is_for_nobody_else(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, token: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    if who == "signed in":
        monkeypatch.setattr(access, "account", lambda: "ann@example.org")
    address = "0.0.0.0" if who == "open" else "localhost"
    before = st.get_option("server.address")
    with serving(Hub({"ann/inbox": {"main": {"train.parquet": INBOX}}})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        try:
            st.config.set_option("server.address", address)
            at = open_page("texts")
            at.segmented_control[0].set_value("Hugging Face").run()
            load(at, "ann/inbox")
        finally:
            st.config.set_option("server.address", before)
        assert {asked[2] for asked in hub.asked} == {token}
