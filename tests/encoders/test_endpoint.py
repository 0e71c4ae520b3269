import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from labelling.encoders import EncoderError, endpoint
from labelling.encoders._addresses import pinned
from labelling.encoders.endpoint import EndpointEncoder

KEY = "sk-very-secret"
Answer = tuple[int, Any, dict[str, str]]


class Endpoint:
    """A server on this machine that answers as it is told, first `answers` in their order and then with embeddings."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append({"path": self.path, **body})
                outer.headers.append(self.headers)
                status, content, headers = outer.answers.pop(0) if outer.answers else (200, embeddings_of(body), {})
                data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def texts(self) -> list[list[str]]:
        return [request["input"] for request in self.requests]


def vector(text: str) -> list[float]:
    return [float(len(text)), 1.0, float(text.count("e"))]


def embeddings_of(body: dict[str, Any]) -> dict[str, Any]:
    data = [{"index": i, "embedding": vector(text)} for i, text in enumerate(body["input"])]
    return {"data": data[::-1], "model": body["model"]}  # the order is told by the index


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for name in ("OPENAI_API_KEY", "EMBEDDINGS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    server = Endpoint()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(endpoint, "time", FakeTime(seconds.append))
    return seconds


class FakeTime:
    """The module `time`, whose `sleep` only notes for how long."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.now = 1_000_000.0
        self._sleep = sleep

    def sleep(self, seconds: float) -> None:
        self._sleep(round(seconds, 3))
        self.now += seconds

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


def test_embeddings_come_in_the_order_of_the_texts(server):
    texts = [f"text {'e' * i}" for i in range(10)]
    encoder = EndpointEncoder("small", server.url, batch_size=4, normalize=False)
    embeddings = encoder.encode(texts)
    assert embeddings.dtype == np.float32
    np.testing.assert_array_equal(embeddings, [vector(text) for text in texts])
    assert server.texts() == [texts[:4], texts[4:8], texts[8:]]
    assert server.requests[0]["path"] == "/v1/embeddings"
    assert server.requests[0]["model"] == "small"
    assert "dimensions" not in server.requests[0]
    assert encoder.n_dims == 3
    assert encoder.encode([]).shape == (0, 3)
    normalized = EndpointEncoder("small", f"{server.url}/").encode(texts)
    np.testing.assert_allclose(np.linalg.norm(normalized, axis=1), 1, atol=1e-6)


def test_nothing_is_sent_before_it_is_wanted(server):
    encoder = EndpointEncoder("small", server.url, dimensions=3)
    assert (encoder.n_dims, encoder.max_tokens) == (3, 8191)
    assert encoder.fingerprint
    assert encoder.cost(["a text", "a text", " "], 2.0).n_texts == 1
    assert encoder.count_truncated(["a"]) == 0
    assert server.requests == []
    encoder.encode(["a"])
    assert server.requests[0]["dimensions"] == 3


def test_what_it_costs_is_said_beforehand(server):
    texts = ["a" * 3000, "b" * 6000, "b" * 6000, ""]
    cost = EndpointEncoder("small", server.url).cost(texts, price=0.02)
    assert (cost.n_texts, cost.n_tokens) == (2, 3000)
    assert cost.price == pytest.approx(3000 * 0.02 / 1e6)
    assert EndpointEncoder("small", server.url).cost(texts).price is None
    assert EndpointEncoder("small", server.url, max_length=100).cost(texts).n_tokens == 200


def test_long_texts_are_cut_off_and_counted(server):
    encoder = EndpointEncoder("small", server.url, max_length=2)
    assert encoder.count_truncated(["123456", "1234567", "ééé", "éééé", ""]) == 2
    encoder.encode(["1234567", "12345é", ""])
    assert server.texts() == [["123456", "12345", " "]]  # no half letter; the API refuses an empty text


def test_a_request_stays_small(server, monkeypatch):
    monkeypatch.setattr(endpoint, "_BYTES_PER_REQUEST", 10)
    EndpointEncoder("small", server.url).encode(["12345", "12345", "1", "a long long text", "2"])
    assert server.texts() == [["12345", "12345"], ["1"], ["a long long text"], ["2"]]


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(server, monkeypatch):
    encoder = EndpointEncoder("small", server.url)
    encoder.encode(["a"])
    assert server.headers[-1]["authorization"] is None
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    encoder.encode(["a"])
    assert server.headers[-1]["authorization"] is None  # it is for OpenAI
    monkeypatch.setenv("EMBEDDINGS_API_KEY", KEY)
    encoder.encode(["a"])
    assert server.headers[-1]["authorization"] == f"Bearer {KEY}"
    server.answers.append((401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, {}))
    with pytest.raises(EncoderError, match="EMBEDDINGS_API_KEY holds a key that it refuses") as info:
        encoder.encode(["a"])
    for shown in (str(info.value), repr(encoder), str(encoder.get_params()), str(vars(encoder)), encoder.fingerprint):
        assert KEY not in shown
    assert EndpointEncoder("small").key_name == "OPENAI_API_KEY"
    assert EndpointEncoder("small", "https://api.openai.com.example/v1").key_name == "EMBEDDINGS_API_KEY"


def test_a_key_is_not_sent_in_the_clear(server, monkeypatch, no_network):
    monkeypatch.setenv("EMBEDDINGS_API_KEY", KEY)
    with pytest.raises(EncoderError, match=r"would be sent in the clear.*https://"):
        EndpointEncoder("small", "http://embeddings.example/v1").encode(["a"])
    monkeypatch.setenv("EMBEDDINGS_API_KEY", "key\nInjected: header")
    with pytest.raises(EncoderError, match="holds characters that no key has"):
        EndpointEncoder("small", "https://embeddings.example/v1").encode(["a"])
    assert no_network == []


def test_what_passes_is_tried_again(server, slept):
    busy = {"error": {"message": "Rate limit reached"}}
    in_five = {"retry-after": formatdate(1_000_000 + 3 + 5, usegmt=True)}
    server.answers += [(429, busy, {"retry-after": "3"}), (429, busy, in_five), (503, "busy", {}), (500, "", {})]
    EndpointEncoder("small", server.url).encode(["a"])
    assert slept == [3, 5, 4, 8]
    assert len(server.requests) == 5


def test_what_stays_is_an_error(server, slept, caplog):
    server.answers += [(503, "out of order", {})] * 3
    with pytest.raises(EncoderError, match=r"503 .*in the server's log \(tried 3 times\)"):
        EndpointEncoder("small", server.url, max_retries=2).encode(["a"])
    assert slept == [1, 2]
    server.answers.append((429, "later", {"retry-after": "86400"}))
    with pytest.raises(EncoderError, match="asks to wait 86,400 seconds"):
        EndpointEncoder("small", server.url).encode(["a"])
    quota = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    server.answers.append((429, quota, {}))
    with pytest.raises(EncoderError, match="429 "):
        EndpointEncoder("small", server.url).encode(["a"])
    assert slept == [1, 2]
    for said in ("503: out of order", "429: You exceeded your current quota"):
        assert said in caplog.text


def test_no_more_requests_than_allowed(server, slept):
    EndpointEncoder("small", server.url, requests_per_minute=30, batch_size=1).encode(["a", "b", "c"])
    assert slept == [2, 2]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((404, {"error": {"message": "The model `small` does not exist"}}, {}), "404 "),
        ((400, {"error": "inner secret"}, {}), "400 "),
        ((500, "[" * 100_000, {}), "500 "),
        ((401, {"error": {"message": "no key"}}, {}), "EMBEDDINGS_API_KEY is not set: set it and start Corral again"),
        ((302, "", {"location": "http://127.0.0.1:1/elsewhere"}), "Redirects are not followed"),
        ((200, "<html>inner secret", {}), "its answer holds no embeddings"),
        ((200, "[" * 100_000, {}), "its answer holds no embeddings"),
        ((200, {"data": []}, {}), r"an embedding for each of 2 texts, got \(0,\)"),
        ((200, {"data": [{"index": 0, "embedding": [1, 2]}]}, {}), r"each of 2 texts, got \(1, 2\)"),
        ((200, {"data": [{"embedding": [1, 2]}, {"embedding": [1]}]}, {}), "holds no embeddings"),
        ((200, {"data": ["a", "b"]}, {}), "holds no embeddings"),
        ((200, [], {}), "holds no embeddings"),
    ],
)
def test_an_answer_that_is_none(server, slept, answer, message):
    server.answers.append(answer)
    with pytest.raises(EncoderError, match=message) as info:
        EndpointEncoder("small", server.url, max_retries=0).encode(["a", "b"])
    assert server.url in str(info.value)
    assert "inner secret" not in str(info.value)  # what a foreign server says is for the log alone
    assert slept == []
    assert len(server.requests) == 1


def test_a_server_that_is_not_there(slept):
    with pytest.raises(EncoderError, match=r"gave no embeddings of 'small'.*\(tried 2 times\)"):
        EndpointEncoder("small", "http://127.0.0.1:9/v1", max_retries=1).encode(["a"])
    assert slept == [1]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"model": " "}, EncoderError, "needs the name of a model"),
        ({"base_url": "api.openai.com/v1"}, EncoderError, "must be an address such as 'https://api.openai.com/v1'"),
        ({"base_url": "file:///etc/passwd"}, EncoderError, "must be an address such as"),
        ({"base_url": "http://[::1"}, EncoderError, "must be an address such as"),
        ({"base_url": None}, EncoderError, "must be an address such as"),
        ({"base_url": "https://me:secret@example.org"}, EncoderError, "without key, password"),
        ({"base_url": "https://example.org/v1#"}, EncoderError, "without key, password"),
        ({"base_url": "https://example.org/v1?"}, EncoderError, "without key, password"),
        ({"key_variable": "AWS_SECRET_ACCESS_KEY"}, EncoderError, "must end in API_KEY"),
        ({"dimensions": 0}, ValueError, "dimensions must be at least 1, got 0"),
        ({"requests_per_minute": 0.5}, TypeError, "requests_per_minute must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    ],
)
def test_bad_parameters(no_network, parameters, error, message):
    with pytest.raises(error, match=message):
        EndpointEncoder(**{"model": "small", "base_url": "https://example.org/v1", **parameters}).encode(["a"])
    assert no_network == []


def test_fingerprint_names_what_decides_a_vector():
    encoders = [
        EndpointEncoder("small"),
        EndpointEncoder("large"),
        EndpointEncoder("small", "https://example.org/v1"),
        EndpointEncoder("small", dimensions=8),
        EndpointEncoder("small", max_length=8),
        EndpointEncoder("small", normalize=False),
    ]
    assert len({encoder.fingerprint for encoder in encoders}) == len(encoders)
    assert EndpointEncoder("small", batch_size=2, requests_per_minute=3).fingerprint == encoders[0].fingerprint


def test_scikit_learn_habits(server):
    encoder = clone(EndpointEncoder("small", server.url))
    assert make_pipeline(encoder, RidgeClassifier()).fit(["a", "eee", "b", "eeee"], [0, 1, 0, 1]).predict(["c"]) == [0]


INSIDE = [
    *("127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
    *("[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]"),
    # Old and new ways of writing an inner address in IPv6, and what nobody has been given.
    *("[fec0::1]", "[64:ff9b:1::7f00:1]", "[::ffff:0:127.0.0.1]", "[::127.0.0.1]", "[4000::1]"),
    *("2130706433", "0x7f.1", "224.0.0.1", "255.255.255.255"),
]


@pytest.mark.parametrize("host", INSIDE)
def test_addresses_of_the_inside_are_not_asked(host, server):
    port = server.server.server_port
    with pytest.raises(EncoderError, match=r"an address of this machine or of its network|no machine of the name"):
        EndpointEncoder("small", f"http://{host}:{port}/v1", any_address=False).encode(["a"])
    assert server.requests == []


def test_a_name_is_looked_up_once_and_asked_where_it_was(server, monkeypatch):
    looked_up = []

    def look_up(host, port, *args, **kwargs):
        looked_up.append(host)
        # Public at the first look, this machine at the second.
        address = "93.184.215.14" if len(looked_up) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    url, host, extensions = pinned("https://rebound.example:8443/v1/embeddings")
    assert (url, host) == ("https://93.184.215.14:8443/v1/embeddings", "rebound.example:8443")
    assert extensions == {"sni_hostname": "rebound.example"}
    with pytest.raises(EncoderError, match="or leads to one"):
        pinned("https://rebound.example/v1/embeddings")
    # One public address among several does not help.
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: both)
    with pytest.raises(EncoderError, match="or leads to one"):
        pinned("https://both.example/v1/embeddings")


def test_what_is_asked_is_the_machine_that_was_checked(server, monkeypatch):
    monkeypatch.setattr(
        endpoint, "pinned", lambda url: (url.replace("outside.example", "127.0.0.1"), "outside.example", {})
    )
    url = server.url.replace("127.0.0.1", "outside.example")
    assert EndpointEncoder("small", url, any_address=False).encode(["a"]).shape == (1, 3)
    assert server.headers[-1]["host"] == "outside.example"


def test_an_answer_is_bounded_in_size(server, monkeypatch):
    monkeypatch.setattr(endpoint, "_MAX_ANSWER", 1_000_000)
    server.answers.append((200, "x" * 3_000_000, {}))
    with pytest.raises(EncoderError, match="more than 1 MB"):
        EndpointEncoder("small", server.url).encode(["a"])
    assert "gzip" not in server.headers[-1]["accept-encoding"]


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 OK\r\nx-drip: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_is_bounded_in_time(monkeypatch, beginning):
    monkeypatch.setattr(endpoint, "_SECONDS_FOR_ALL", 0.5)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(beginning)
                while not over.wait(0.05):
                    connection.sendall(b"x")

        threading.Thread(target=drip, daemon=True).start()
        try:
            with pytest.raises(EncoderError, match="took more than"):
                EndpointEncoder("small", f"http://127.0.0.1:{listening.getsockname()[1]}/v1").encode(["a"])
        finally:
            over.set()
