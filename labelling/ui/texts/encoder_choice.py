"""The texts page's choice of an encoder: its kind, and the few settings of each kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from labelling.dataset import Dataset
from labelling.encoders import EncoderError, precomputed, registry
from labelling.encoders._folders import PACKAGED_MODEL
from labelling.encoders.device import FLOAT32, default_numbers
from labelling.readers.tables import count
from labelling.ui.frame import page, resources

PACKAGED = "all-MiniLM-L6-v2, packaged"
SENTENCE = "Another sentence encoder"
POOLED = "An encoder model, pooled"
CAUSAL = "A generative language model"
TFIDF = "Word counts, no model"
OWN = "Vectors of your own"
ENDPOINT = "An embeddings endpoint"
ANOTHER_ADDRESS = "another address"

_ABOUT = {
    PACKAGED: "Works offline; for English.",
    SENTENCE: "Any model of sentence-transformers. For texts in other languages take a multilingual one, such as "
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2.",
    POOLED: "Any model that reads texts (BERT, RoBERTa, …), on the hub or fine-tuned by you: its states are pooled "
    "over the tokens of each text. One that was trained for sentences parts them better.",
    CAUSAL: "Any model that writes texts (GPT, Llama, …), on the hub or fine-tuned by you, as it is: a text's place "
    "is the state of its last token. Large models are slow without a GPU.",
    TFIDF: "TF-IDF of words and parts of words, brought down by an SVD: quick, offline, in any language. What "
    "means the same in other words stays apart. Fitted on these texts; what you add later is placed by the same terms.",
    OWN: "A vector for each row, made elsewhere: a column of lists of numbers, or a .npy file beside the upload.",
    ENDPOINT: "Sends every text to a server that speaks OpenAI's API. Nothing else here sends your texts anywhere.",
}

Vectors = Callable[[Dataset], np.ndarray]


@dataclass(frozen=True)
class Choice:
    """An encoder's settings, as a space stores them, empty for the packaged one; `vectors` where they are brought."""

    settings: dict[str, Any] = field(default_factory=dict)
    vectors: Vectors | None = None


def choose(dataset: Dataset | None = None) -> Choice:
    """The person's choice: without a dataset, among the models alone. What is missing is said by `prepare`."""
    chosen = st.session_state.get("encoder kind") or PACKAGED
    with st.expander(f"Encoder: {chosen}", expanded=chosen != PACKAGED):
        kinds = list(_ABOUT) if dataset is not None else [PACKAGED, SENTENCE, POOLED, CAUSAL]
        others = {each.title: name for name, each in registry.ENCODERS.items() if each.title}
        kind = st.selectbox("Kind of encoder", [*kinds, *others], key="encoder kind", width=400)
        if kind in others:
            return _registered(others[kind])
        st.caption(_ABOUT[kind] + _run_in(kind))
        if kind == SENTENCE:
            return Choice({"kind": "sentence", "model": _model(), "prompt": _prompt()})
        if kind == POOLED:
            model = _model()
            left, right = _columns(2, dataset)
            pooling = left.selectbox("Pooling", ["mean", "cls", "max"], format_func=_POOLINGS.__getitem__)
            return Choice({"kind": "pooled", "model": model, "pooling": pooling, "max_length": _max_length(right)})
        if kind == CAUSAL:
            return _causal(dataset)
        if kind == TFIDF:
            return Choice({"kind": "tfidf"})
        if kind == OWN and dataset is not None:
            return Choice({"kind": "own"}, choose_vectors(dataset))
        if kind == ENDPOINT and dataset is not None:
            return _endpoint(dataset)
    return Choice()


def _run_in(kind: str) -> str:
    if kind not in (PACKAGED, SENTENCE, POOLED, CAUSAL):
        return ""
    numbers = default_numbers(None)
    return f" Here it runs in {numbers}{'' if numbers == FLOAT32 else ' on the GPU'}."


def _registered(name: str) -> Choice:
    """One that needs no more than its parameters, each a text."""
    kind = registry.ENCODERS[name]
    st.caption(kind.about)
    given = {parameter: st.text_input(parameter.replace("_", " ").capitalize()) for parameter in kind.parameters}
    return Choice({"kind": name, **{parameter: value.strip() for parameter, value in given.items()}})


_POOLINGS = {
    "mean": "mean of all tokens",
    "cls": "first token (CLS)",
    "max": "maximum over the tokens",
    "last": "last token",
}


def _columns(n: int, dataset: Dataset | None) -> list[Any]:
    # Where no dataset is being loaded, the choice stands in a narrow column.
    return st.columns(n) if dataset is not None else [st.container()] * n


def _model() -> str:
    model = st.text_input(
        "Model",
        placeholder="a name on the Hugging Face hub, or a folder on this machine",
        help="Safetensors weights only; no code that comes with a model is run. The hub needs the network.",
    )
    return model.strip()


def _prompt() -> str | None:
    return (
        st.text_input(
            "Prompt put before each text", placeholder="none", help="Some encoders ask for one, such as “query: ”."
        )
        or None
    )


def _max_length(place: Any) -> int | None:
    length: int | None = place.number_input(
        "Longest text, in tokens",
        min_value=1,
        value=None,
        step=1,
        placeholder="the model's own limit",
        help="What is longer is cut off there; how many texts that were is said on the map's page.",
    )
    return length


def _causal(dataset: Dataset | None) -> Choice:
    model = _model()
    left, middle, right = _columns(3, dataset)
    pooling = left.selectbox("Pooling", ["last", "mean"], format_func=_POOLINGS.__getitem__)
    layer = middle.number_input(
        "Layer",
        value=-1,
        step=1,
        help="-1 is the last. The middle layers often part topics better: the last is bent towards the next word.",
    )
    settings = {"pooling": pooling, "layer": int(layer), "max_length": _max_length(right)}
    return Choice({"kind": "causal", "model": model, **settings})


def choose_vectors(dataset: Dataset) -> Vectors:
    """Where the vectors of these rows are; called with the dataset it gives them: float32 (n_rows, n_dims)."""
    columns = [name for name in dataset.metadata_columns if _holds_vectors(dataset, name)]
    column = st.selectbox(
        "Column with the vectors",
        columns,
        index=0 if columns else None,
        placeholder="no column holds lists of numbers",
        disabled=not columns,
    )
    file = st.file_uploader("or a .npy file, a row for each row of the texts", type=None, key="vectors file")

    def vectors(rows: Dataset) -> np.ndarray:
        if file is not None:
            return precomputed.from_npy(file.getvalue(), rows.empty)
        if column is None:
            raise EncoderError("Choose the vectors: a column with lists of numbers, or a .npy file.")
        return precomputed.from_column(rows.frame[column].tolist(), rows.empty)

    return vectors


def _holds_vectors(dataset: Dataset, column: str) -> bool:
    values = dataset.frame[column]
    return values.dtype == "str" and precomputed.holds_vectors(values.dropna().head(5).tolist())


def _endpoint(dataset: Dataset) -> Choice:
    from labelling.encoders.endpoint import EndpointEncoder

    try:
        bound = resources.endpoints()
    except EncoderError as error:
        page.error(error)
        bound = {}
    names = [*bound, *([ANOTHER_ADDRESS] if resources.alone() else [])]
    if not names:
        st.info("No endpoint is set up on this server: docs/encoders.md says how whoever runs it does that.")
        return Choice({"kind": "endpoint", "model": ""})
    left, right = st.columns(2)
    chosen = left.selectbox("Endpoint", names, help="Texts are sent there. What is set up here brings its own key.")
    where: dict[str, Any] = {"endpoint": chosen}
    if chosen == ANOTHER_ADDRESS:
        typed = left.text_input(
            "Address",
            placeholder="https://embeddings.example.org/v1",
            help="Texts are sent to this address, followed by /embeddings; no key goes along. Addresses of this "
            "machine or its network, and keys, are set up in a file: docs/encoders.md.",
        )
        where = {"base_url": typed.strip()}
    model = right.text_input("Model on that server", placeholder="text-embedding-3-small")
    per_minute = right.number_input(
        "Requests a minute, at most", min_value=1, value=None, step=1, placeholder="as many as the server takes"
    )
    price = left.number_input(
        "Price of a million tokens", min_value=0.0, value=None, placeholder="as the server's owner says it"
    )
    settings: dict[str, Any] = {
        "kind": "endpoint",
        "model": model.strip(),
        **where,
        "requests_per_minute": per_minute,
    }
    if not settings["model"] or settings.get("base_url") == "":
        return Choice(settings)  # said when it is wanted
    encoder = resources.encoder_for(settings)
    assert isinstance(encoder, EndpointEncoder)  # noqa: S101 - by its kind
    _ = encoder.fingerprint  # says what is wrong with a field
    cost = encoder.cost(dataset.texts, price)
    host = page.escape(urlsplit(encoder.base_url).netloc)
    price_said = ""
    if cost.price is not None:
        shown = f"about {cost.price:,.2f}" if cost.price >= 0.01 else "less than 0.01"
        price_said = f", {shown} in the currency of the price"
    st.info(
        f"**{count(cost.n_texts, 'text')} will be sent to {host}**, some {count(cost.n_tokens, 'token')} at "
        f"most{price_said}; each text once.",
        icon=":material/cloud_upload:",
    )
    return Choice(settings)


def prepare(choice: Choice, dataset: Dataset) -> tuple[dict[str, Any], np.ndarray | None]:
    """What a project stores of the choice: settings, and vectors where they were brought along.

    Raises EncoderError where the encoder can't be loaded or fitted, or the vectors can't be taken.
    """
    if choice.vectors is not None:
        vectors = choice.vectors(dataset)
        return {**choice.settings, "n_dims": vectors.shape[1]}, vectors
    if choice.settings.get("kind") == "tfidf":
        texts = [text for text, empty in zip(dataset.texts, dataset.empty, strict=True) if not empty]
        return registry.fit_encoder(texts, resources.workspace().folder), None
    if choice.settings:
        if choice.settings.get("model", "needs none") == "":
            raise EncoderError(
                "Type in the model: a name on the Hugging Face hub, a folder here, or the server's name for it."
            )
        if choice.settings.get("base_url") == "":
            raise EncoderError("Type in the address of the endpoint.")
        _ = resources.encoder_for(choice.settings).n_dims  # one that can't be loaded is said before anything is made
    return choice.settings, None


def name(settings: Mapping[str, Any]) -> str:
    """An encoder in words, from its settings."""
    kind = settings.get("kind", "sentence")
    if kind in ("tfidf", "own"):
        return {"tfidf": "TF-IDF and SVD", "own": "vectors brought along"}[kind]
    about = [str(settings.get("model") or PACKAGED_MODEL), settings.get("pooling")]
    return ", ".join(part for part in about if part)
