"""Generative language models as encoders: the hidden state of the last token, without any training."""

import os

from labelling.encoders import EncoderError
from labelling.encoders._body import BodyEncoder
from labelling.encoders._transformer import Checkpoint


class CausalLMEncoder(BodyEncoder):
    """Embed texts with a generative (causal) language model, as it is.

    Each token's state of such a model knows the tokens before it alone, so the last token's is that of the whole text.
    A stateless scikit-learn transformer: `make_pipeline(CausalLMEncoder(model), RidgeClassifier()).fit(texts, y)` is a
    classifier. Only the model's body is loaded, on first use. Calls from several threads take turns.

    Parameters
    ----------
    model : str or path-like
        A local folder, or the id of a model on the Hugging Face hub, such as "openai-community/gpt2". Only safetensors
        weights are read, and no code that comes with a model is run.
    pooling : {"last", "mean"}, default="last"
        The state of each text's last token, or the mean over its tokens. What is padding is told by the attention
        mask, so that a text may end in the token that pads.
    layer : int, default=-1
        Whose output is taken: 0 is what goes into the first layer, 1 the first layer's output and so on; -1 is the
        last layer's, after the model's final normalisation. The middle ones often part topics better than the last,
        which is bent towards the next token.
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
    The embeddings are float32 whatever the numbers of the model. A text without a token is read as the token that
    begins a text.

    References
    ----------
    Muennighoff (2022), "SGPT: GPT Sentence Embeddings for Semantic Search", on pooling; Skean et al. (2025), "Layer by
    Layer: Uncovering Hidden Representations in Language Models", ICML, on the middle layers.
    """

    _poolings = ("last", "mean")

    def __init__(
        self,
        model: str | os.PathLike[str],
        pooling: str = "last",
        *,
        layer: int = -1,
        max_length: int | None = None,
        normalize: bool = True,
        batch_tokens: int | None = None,
        device: str | None = None,
        numbers: str | None = None,
    ) -> None:
        self.model = model
        self.pooling = pooling
        self.layer = layer
        self.max_length = max_length
        self.normalize = normalize
        self.batch_tokens = batch_tokens
        self.device = device
        self.numbers = numbers

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.model is None:
            raise TypeError("model must be the folder or hub id of a generative language model, got None")
        if isinstance(self.layer, bool) or not isinstance(self.layer, int):
            raise TypeError(f"layer must be a whole number, got {self.layer!r}")

    def _check_checkpoint(self, checkpoint: Checkpoint) -> None:
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

        config = checkpoint.model.config
        if config.model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or not getattr(config, "is_decoder", True):
            raise EncoderError(
                f"the model {os.fspath(self.model or '')!r} is no generative language model but {config.model_type!r}, "
                "of which the last token tells nothing special: pool it with TransformerEncoder"
            )
        super()._check_checkpoint(checkpoint)
        n_layers = int(config.get_text_config().num_hidden_layers)
        if not -n_layers - 1 <= self.layer <= n_layers:
            raise EncoderError(f"layer must be between {-n_layers - 1} and {n_layers} for this model, got {self.layer}")
