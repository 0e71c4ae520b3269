"""Scripts of others, over HTTP: the browser keeps them, where the websocket would bring them at every opening."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

FOLDER = "_corral"  # beside the pages, as the browser sees it
# The name has the content's hash in it.
_FOREVER = "public, max-age=31536000, immutable"


@cache
def _plotly_js() -> bytes:
    import plotly

    # The installed package's own: nothing is vendored or fetched.
    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes()


@cache
def _plotly_name() -> str:
    return f"plotly-{hashlib.sha256(_plotly_js()).hexdigest()[:16]}.min.js"


@cache
def _plotly_packed() -> bytes:
    return gzip.compress(_plotly_js())


def plotly_address() -> str:
    """Where plotly.js is, as seen from a page of the app."""
    return f"./{FOLDER}/{_plotly_name()}"


def is_asset(path: str) -> bool:
    return path.rpartition("/")[0].endswith(f"/{FOLDER}")


def answer(method: str, path: str, asked: Headers) -> Response:
    """The file of this name, for ever the same; 404 where there is none, 405 for what is no GET or HEAD."""
    if method not in ("GET", "HEAD"):
        return PlainTextResponse("Method not allowed", 405, {"Allow": "GET, HEAD"})
    if path.rpartition("/")[2] != _plotly_name():
        return PlainTextResponse("Not found", 404)
    headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
    packed = "gzip" in asked.get("accept-encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    content = _plotly_packed() if packed else _plotly_js()
    if method == "HEAD":
        headers["Content-Length"], content = str(len(content)), b""
    return Response(content, headers=headers, media_type="text/javascript")
