"""Encoder models of the transformers library, pooled: the mean, the maximum or the first of their tokens."""

import os

from labelling.encoders._body import BodyEncoder


class TransformerEncoder(BodyEncoder):
    """Embed texts with the body of any transformer, pooled over the tokens of each text.

    A stateless scikit-learn transformer: `transform(texts)` is `encode(texts)`, so it can be the first step of a
    pipeline. The model is loaded on first use, with whatever head it has left out. Calls from several threads take
    turns. A sentence-transformers model is better served by `SentenceEncoder`, which pools as the model was trained.

    Parameters
    ----------
    model : str or path-like, default=None
        A local folder, or the id of a model on the Hugging Face hub, such as "FacebookAI/roberta-base". None is
        all-MiniLM-L6-v2 from the installed package. Only safetensors weights are read, and no code that comes with a
        model is run. Of a model with encoder and decoder the encoder is run.
    pooling : {"mean", "cls", "max"}, default="mean"
        The mean or the maximum over the tokens of a text, special tokens included and padding left out; or "cls", the
        state of the first token.
    max_length : int, default=None
        Number of tokens after which a text is cut off. None is the model's own limit.
    normalize : bool, default=True
        Scale every embedding to length 1.
    batch_tokens : int, default=None
        Number of tokens that go through the model at once, padding included. None is what suits the device.
    device : str, default=None
        A torch device such as "cpu" or "cuda". None is the GPU where there is one.
    numbers : {"float32", "bfloat16", "float16"}, default=None
        The type of numbers that the model is run in. None is float32, but on a CUDA device that has it bfloat16, or
        else float16.

    Notes
    -----
    The embeddings are float32 whatever the numbers of the model.

    References
    ----------
    Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL.
    """

    _poolings = ("mean", "cls", "max")

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        pooling: str = "mean",
        *,
        max_length: int | None = None,
        normalize: bool = True,
        batch_tokens: int | None = None,
        device: str | None = None,
        numbers: str | None = None,
    ) -> None:
        self.model = model
        self.pooling = pooling
        self.max_length = max_length
        self.normalize = normalize
        self.batch_tokens = batch_tokens
        self.device = device
        self.numbers = numbers
