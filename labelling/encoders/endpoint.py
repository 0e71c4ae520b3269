"""Embeddings from an OpenAI-compatible endpoint. The only encoder that sends texts to another machine."""

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from labelling import errors
from labelling.encoders import EncoderError
from labelling.encoders._addresses import pinned
from labelling.encoders._base import TextEncoder, check_number, check_texts

OPENAI = "https://api.openai.com/v1"
# Where the key is, at OpenAI and elsewhere: a key goes to no other address than the one it is for.
OPENAI_KEY_VARIABLE = "OPENAI_API_KEY"
KEY_VARIABLE = "EMBEDDINGS_API_KEY"

# English has some 4 to 5 bytes a token, other languages down to 3 a character: 3 counts too many rather than too few.
_BYTES_PER_TOKEN = 3
# OpenAI takes up to 300,000 tokens in a request.
_BYTES_PER_REQUEST = 300_000
_SECONDS_TO_ANSWER = 60.0  # without a byte
_SECONDS_FOR_ALL = 300.0  # from the first byte sent to the last one read
# 64 texts of 10,000 dimensions, each number written out in 25 characters, have 16 MB.
_MAX_ANSWER = 64_000_000
_LONGEST_WAIT = 120.0
# What may be better the next time: too many requests, and a server's troubles.
_WORTH_A_RETRY = (408, 409, 425, 429, 500, 502, 503, 504, 529)


@dataclass(frozen=True)
class Cost:
    """What embedding some texts takes: tokens, estimated rather too high, and their price."""

    n_texts: int
    n_tokens: int
    price: float | None


class EndpointEncoder(TextEncoder):
    """Embed texts by POST {base_url}/embeddings, as OpenAI's API defines it and many servers understand it.

    Every text is sent to that server. The key is read from the environment at each request and kept nowhere. A
    request that fails for a passing reason is sent again, after as long as the server asks for or twice as long as the
    last time. Calls from several threads take turns.

    Parameters
    ----------
    model : str
        The server's name of the model, such as "text-embedding-3-small".
    base_url : str, default="https://api.openai.com/v1"
        Where the API is. To another machine a key goes by "https" alone.
    key_variable : str, default=None
        Name of the environment variable that holds the key; it ends in "API_KEY". None is OPENAI_API_KEY for OpenAI's
        address and EMBEDDINGS_API_KEY for any other. Where it isn't set no key is sent, and none with "".
    dimensions : int, default=None
        Number of columns asked for, where the model can shorten its embeddings. None is the model's own.
    max_length : int, default=8191
        Number of tokens after which a text is cut off, counted as a token for 3 bytes: rather too early than refused.
    requests_per_minute : int, default=None
        No more are sent. None leaves it to the server to say when it is too much.
    normalize : bool, default=True
        Scale every embedding to length 1.
    batch_size : int, default=64
        Number of texts in a request.
    max_retries : int, default=6
        How often a failed request is sent again.
    any_address : bool, default=True
        Whether addresses of this machine, of its network and of no network at all may be asked. Without it the name is
        looked up once, and asked where it then was: it can't be another at the second look.

    References
    ----------
    https://platform.openai.com/docs/api-reference/embeddings
    """

    _next_turn = 0.0  # when the next request may be sent, by time.monotonic

    def __init__(
        self,
        model: str,
        base_url: str = OPENAI,
        *,
        key_variable: str | None = None,
        dimensions: int | None = None,
        max_length: int = 8191,
        requests_per_minute: int | None = None,
        normalize: bool = True,
        batch_size: int = 64,
        max_retries: int = 6,
        any_address: bool = True,
    ) -> None:
        self.model = model
        self.base_url = base_url
        self.key_variable = key_variable
        self.dimensions = dimensions
        self.max_length = max_length
        self.requests_per_minute = requests_per_minute
        self.normalize = normalize
        self.batch_size = batch_size
        self.max_retries = max_retries
        self.any_address = any_address

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the endpoint and of the parameters that decide a vector.

        What the server changes under the same name can't be seen from here.
        """
        self._check_parameters()
        decides = (self._url(), self.model, self.dimensions, int(self.max_length), bool(self.normalize))
        return sha256(repr(("endpoint", *decides)).encode()).hexdigest()

    @property
    def n_dims(self) -> int:
        """Number of columns of the embeddings. Sends one word, unless `dimensions` tells."""
        if self.dimensions is not None:
            return self.dimensions
        with self._lock:
            key = self.fingerprint
            if self._loaded is None or self._loaded[0] != key:
                self._loaded = (key, len(self._request(["word"])[0]))
            return self._loaded[1]

    @property
    def key_name(self) -> str:
        """Name of the environment variable that holds the key."""
        if self.key_variable is not None:
            return self.key_variable
        return OPENAI_KEY_VARIABLE if self._url().startswith(f"{OPENAI}/") else KEY_VARIABLE

    @property
    def max_tokens(self) -> int:
        """Number of tokens, estimated, after which a text is cut off."""
        return self.max_length

    def cost(self, texts: Sequence[str], price: float | None = None) -> Cost:
        """What embedding these texts takes, before anything is sent: each distinct text once.

        `price` is for a million tokens, in whatever currency; None where it isn't known.
        """
        distinct = [self._cut(text) for text in dict.fromkeys(texts) if text.strip()]
        n_tokens = sum(-(-len(text.encode()) // _BYTES_PER_TOKEN) for text in distinct)
        return Cost(len(distinct), n_tokens, None if price is None else n_tokens * price / 1e6)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32, shape (n_texts, n_dims).

        Raises
        ------
        EncoderError
            The endpoint refuses, can't be reached after `max_retries`, or answers something else than embeddings.
        TypeError
            `texts` is a single string, or one of the texts is not a string.
        """
        texts = [self._cut(text) for text in check_texts(texts)]
        with self._lock:
            if not texts:
                return np.empty((0, self.n_dims), np.float32)
            embeddings = np.concatenate([self._request(batch) for batch in self._batches(texts)])
            if self.normalize:
                lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
                embeddings = embeddings / np.where(lengths == 0, 1, lengths)
        return embeddings

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the texts of which only the first `max_tokens` tokens, as estimated, are sent."""
        n_bytes = self.max_length * _BYTES_PER_TOKEN
        return sum(len(text.encode()) > n_bytes for text in check_texts(texts))

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        n_bytes = 0
        for text in texts:
            n_bytes += len(text.encode())
            if batch and (len(batch) == self.batch_size or n_bytes > _BYTES_PER_REQUEST):
                yield batch
                batch, n_bytes = [], len(text.encode())
            batch.append(text)
        yield batch

    def _cut(self, text: str) -> str:
        n_bytes = self.max_length * _BYTES_PER_TOKEN
        # The API refuses an empty text.
        return text.encode()[:n_bytes].decode(errors="ignore") or " "

    def _url(self) -> str:
        return f"{self.base_url.strip().rstrip('/')}/embeddings"

    def _request(self, texts: list[str]) -> np.ndarray:
        """The embeddings of one request, after as many attempts as it takes."""
        import httpx2

        self._check_parameters()
        body: dict[str, Any] = {"model": self.model, "input": texts, "encoding_format": "float"}
        if self.dimensions is not None:
            body["dimensions"] = int(self.dimensions)
        key, problem = self._key(), ""
        for attempt in range(self.max_retries + 1):
            self._wait_for_turn()
            wait = None
            try:
                answer = self._post(body, key)
            except httpx2.InvalidURL as error:
                raise self._error(str(error)) from error
            except httpx2.HTTPError as error:
                problem = str(error) or type(error).__name__
            else:
                if answer.status == 200:
                    return self._read(answer, len(texts))
                # What it says may be from a machine that nobody here was meant to read: it is for the operator alone.
                errors.log.warning("%s answered %d: %s", self._url(), answer.status, self._without_key(answer.said))
                problem = f"{answer.status} {answer.reason}, what it said is in the server's log"
                if answer.status not in _WORTH_A_RETRY or b"insufficient_quota" in answer.content:
                    raise self._error(problem + self._advice(answer.status, bool(key)))
                wait = _retry_after(answer.retry_after)
            wait = 2.0**attempt if wait is None else wait
            if wait > _LONGEST_WAIT:
                raise self._error(f"{problem} (it asks to wait {wait:,.0f} seconds: go on then)")
            if attempt < self.max_retries:
                time.sleep(wait)
        raise self._error(f"{problem} (tried {self.max_retries + 1} times)")

    def _post(self, body: dict[str, Any], key: str) -> "_Answer":
        """Send one request and read its answer, as far as it is bounded in time and size."""
        import httpx2

        headers = {"Accept-Encoding": "identity"}  # what is packed can be a thousand times as large
        if key:
            headers["Authorization"] = f"Bearer {key}"
        url, extensions = self._url(), dict[str, str]()
        if not self.any_address:
            url, headers["Host"], extensions = pinned(url)
        # Redirects are not followed: they would take texts and key elsewhere. By a proxy of the environment the address
        # that was looked up here would not be the one that is asked.
        with (
            httpx2.Client(timeout=_SECONDS_TO_ANSWER, follow_redirects=False, trust_env=self.any_address) as client,
            _ended_after(_SECONDS_FOR_ALL, client) as too_long,
        ):
            content = bytearray()
            try:
                with client.stream("POST", url, json=body, headers=headers, extensions=extensions) as answer:
                    for chunk in answer.iter_raw():
                        content += chunk
                        if len(content) > _MAX_ANSWER:
                            raise self._error(f"its answer has more than {_MAX_ANSWER // 1_000_000} MB")
            except (httpx2.HTTPError, httpx2.StreamError, RuntimeError, OSError) as error:
                if too_long.is_set():
                    raise self._error(f"its answer took more than {_SECONDS_FOR_ALL:,.0f} seconds") from error
                raise
            retry_after = answer.headers.get("retry-after")
            return _Answer(answer.status_code, answer.reason_phrase[:60], retry_after, bytes(content))

    def _wait_for_turn(self) -> None:
        if self.requests_per_minute is not None:
            now = time.monotonic()
            turn = max(now, self._next_turn)
            self._next_turn = turn + 60 / self.requests_per_minute
            if turn > now:
                time.sleep(turn - now)

    def _key(self) -> str:
        key = os.environ.get(self.key_name, "").strip()  # there is none of no name
        if not (key.isascii() and key.isprintable()):
            raise self._error(f"the environment variable {self.key_name} holds characters that no key has")
        url = urlsplit(self._url())
        if key and url.scheme == "http" and url.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise self._error(
                f"the key in {self.key_name} would be sent in the clear: use an address that begins with https://, or "
                "unset the variable for a server that needs no key"
            )
        return key

    def _read(self, answer: "_Answer", n_texts: int) -> np.ndarray:
        try:
            entries = sorted(json.loads(answer.content)["data"], key=lambda entry: entry.get("index", 0))
            embeddings = np.array([entry["embedding"] for entry in entries], dtype=np.float32)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            errors.log.warning("%s answered no embeddings: %s", self._url(), self._without_key(answer.said))
            raise self._error("its answer holds no embeddings; how it begins is in the server's log") from error
        if embeddings.ndim != 2 or len(embeddings) != n_texts:
            raise self._error(f"its answer must hold an embedding for each of {n_texts} texts, got {embeddings.shape}")
        return embeddings

    def _advice(self, status: int, key: bool) -> str:
        if status in (401, 403) and not self.key_name:
            return ". If it wants a key, bind its address and its key in the file that CORRAL_ENDPOINTS names"
        if status in (401, 403):
            state = "holds a key that it refuses" if key else "is not set"
            return f". The environment variable {self.key_name} {state}: set it and start Corral again"
        if 300 <= status < 400:
            return ". Redirects are not followed: give the address that it leads to"
        return ""

    def _without_key(self, said: str) -> str:
        """What a server said, which may repeat what it was sent."""
        key = os.environ.get(self.key_name, "").strip()
        return said.replace(key, "…") if key else said

    def _error(self, problem: str) -> EncoderError:
        problem = self._without_key(problem)
        return EncoderError(f"the endpoint {self._url()} gave no embeddings of {self.model!r}: {problem[:400]}")

    def _check_parameters(self) -> None:
        if not isinstance(self.model, str) or not self.model.strip():
            raise EncoderError(
                f"an endpoint needs the name of a model, such as 'text-embedding-3-small', got {self.model!r}"
            )
        try:
            parts = urlsplit(self._url())
            host = parts.hostname
        except (ValueError, AttributeError):  # no address, or no string
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise EncoderError(f"base_url must be an address such as {OPENAI!r}, got {self.base_url!r}")
        if parts.username or parts.password or "?" in self.base_url or "#" in self.base_url:
            # After a ? or a # the rest of the path would not be the path.
            raise EncoderError(
                f"base_url must be an address without key, password, ? and #: put the key into {self.key_name}"
            )
        if self.key_variable and not self.key_variable.endswith("API_KEY"):
            # So that no other secret of this machine can be sent.
            raise EncoderError(f"key_variable must end in API_KEY, got {self.key_variable!r}")
        for name in ("dimensions", "requests_per_minute"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 1)
        for name, lowest in (("max_length", 1), ("batch_size", 1), ("max_retries", 0)):
            check_number(name, getattr(self, name), lowest)


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait as a Retry-After header says it, in seconds or as a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        return max(0, int(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


@contextmanager
def _ended_after(seconds: float, client: Any) -> Iterator[threading.Event]:
    """Close the client after so long, however its server keeps it waiting: byte by byte each read is soon enough.

    The event is set then.
    """
    ended = threading.Event()

    def end() -> None:
        ended.set()
        client.close()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()


@dataclass(frozen=True)
class _Answer:
    status: int
    reason: str
    retry_after: str | None
    content: bytes

    @property
    def said(self) -> str:
        """What the server said of an error, in a line."""
        text = self.content[:10_000].decode(errors="replace")
        try:
            said = json.loads(text)["error"]
            said = said["message"] if isinstance(said, dict) else said
        except (ValueError, KeyError, TypeError, RecursionError):
            said = text
        return " ".join(str(said).split())[:300] or "nothing more"
