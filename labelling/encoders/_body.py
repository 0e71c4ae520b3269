"""Encoders that run a transformer's body and pool its hidden states."""

import os
from collections.abc import Sequence

import numpy as np

from labelling.encoders._base import ModelEncoder, check_number, check_texts
from labelling.encoders._folders import fingerprint, model_folder
from labelling.encoders._transformer import Checkpoint, check_whole, hidden_states, load, pad, pool, tokenize
from labelling.encoders.device import batch_tokens, named, run_in_batches

# Special tokens and the prefix space that tokenizers add to a text; generous.
_ADDED_TOKENS = 8


class BodyEncoder(ModelEncoder):
    """Base of the encoders that are a tokenizer, a body, a pooling, and maybe normalisation."""

    model: str | os.PathLike[str] | None
    pooling: str
    layer: int = -1
    max_length: int | None
    normalize: bool

    _poolings: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the model's files and of the parameters that decide a vector.

        Raises
        ------
        EncoderError
            The model can't be found.
        """
        self._check_parameters()
        max_length = None if self.max_length is None else int(self.max_length)
        folder = model_folder(None if self.model is None else os.fspath(self.model))
        decides = (type(self).__name__, self.pooling, int(self.layer), max_length, bool(self.normalize))
        return named(fingerprint(folder, *decides), self._numbers())

    @property
    def n_dims(self) -> int:
        """Number of columns of the embeddings. Loads the model."""
        return self._load().n_dims

    @property
    def max_tokens(self) -> int | None:
        """Number of tokens after which a text is cut off; None where the model has no limit. Loads the model."""
        return self._load().length(self.max_length)

    @property
    def missing_keys(self) -> tuple[str, ...]:
        """Parameters that the checkpoint lacks; no vector depends on them. Loads the model."""
        return self._load().missing_keys

    @property
    def unexpected_keys(self) -> tuple[str, ...]:
        """Tensors of the checkpoint that are not used, such as a head's. Loads the model."""
        return self._load().unexpected_keys

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Parameters
        ----------
        texts : sequence of str
            An empty string is a text.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_dims)

        Raises
        ------
        EncoderError
            The model can't be loaded, or a text holds half of a surrogate pair.
        TypeError
            `texts` is a single string, or one of the texts is not a string.
        """
        texts = check_texts(texts)
        with self._lock:
            checkpoint = self._load()
            import torch

            if not texts:
                return np.empty((0, checkpoint.n_dims), dtype=np.float32)
            tokens = tokenize(checkpoint, texts, max_length=checkpoint.length(self.max_length))

            def run(rows: np.ndarray) -> torch.Tensor:
                batch = pad(checkpoint, [tokens[row] for row in rows])
                states = hidden_states(checkpoint.model, batch, self.layer).float()
                return pool(states, batch["attention_mask"], self.pooling)

            lengths = [len(row["input_ids"]) for row in tokens]
            with torch.inference_mode():
                cut, found = zip(*run_in_batches(run, lengths, self._budget(checkpoint)), strict=True)
                vectors = torch.cat(found)  # nothing is copied back before all are there
                if self.normalize:
                    vectors = torch.nn.functional.normalize(vectors)
            embeddings = np.empty(vectors.shape, dtype=np.float32)
            embeddings[np.concatenate(cut)] = vectors.cpu().numpy()
        return embeddings

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the texts of which only the first `max_tokens` tokens are read."""
        texts = check_texts(texts)
        limit = self.max_tokens
        if limit is None:
            return 0
        # A byte makes at most one token, so most texts need no tokenizer.
        candidates = [text for text in texts if len(text.encode()) > limit - _ADDED_TOKENS]
        with self._lock:
            return sum(len(row["input_ids"]) > limit for row in tokenize(self._load(), candidates))

    def _budget(self, checkpoint: Checkpoint) -> int:
        if self.batch_tokens is not None:
            return self.batch_tokens
        n_kept = 0 if self.layer == -1 else int(checkpoint.model.config.get_text_config().num_hidden_layers)
        return batch_tokens(checkpoint.model.device, checkpoint.n_dims, self._numbers(), n_kept)

    def _load(self) -> Checkpoint:
        """The model, loaded when first asked for or when it was set or trained anew."""
        # By what is in the folder, not by its name: it may have been trained anew under the same name.
        key = (self.fingerprint, self.device)
        with self._lock:
            if self._loaded is None or self._loaded[0] != key:
                checkpoint = load(self.model, device=self.device, numbers=self._numbers())
                self._check_checkpoint(checkpoint)
                self._loaded = (key, checkpoint)
            return self._loaded[1]

    def _check_checkpoint(self, checkpoint: Checkpoint) -> None:
        checkpoint.length(self.max_length)
        check_whole(checkpoint.missing_keys, os.fspath(self.model or ""))

    def _check_parameters(self) -> None:
        if self.model is not None and not isinstance(self.model, str | os.PathLike):
            raise TypeError(f"model must be a folder or a hub id, got {self.model!r}")
        if self.pooling not in self._poolings:
            raise ValueError(f"pooling must be one of {', '.join(map(repr, self._poolings))}, got {self.pooling!r}")
        self._check_run()
        if self.max_length is not None:
            check_number("max_length", self.max_length, 1)
