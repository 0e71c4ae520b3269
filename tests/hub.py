"""A stand-in for the Hugging Face hub on this machine: the part of its HTTP API by which data sets are loaded."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """The data sets by id and revision: each of files by name. `gated` ids let nobody download without the token."""

    files: dict[str, dict[str, dict[str, bytes]]]
    gated: tuple[str, ...] = ()
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, token
    url: str = ""

    def sha(self, id_: str, revision: str) -> str | None:
        """A commit's number, as there would be one; itself where it is one. None where there is no such revision."""
        shas = {name: hashlib.sha1(f"{id_}@{name}".encode()).hexdigest() for name in self.files[id_]}
        return shas.get(revision) or (revision if revision in shas.values() else None)

    def at(self, id_: str, sha: str) -> dict[str, bytes]:
        return next(files for name, files in self.files[id_].items() if self.sha(id_, name) == sha)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path).strip("/")
            token = self.headers.get("authorization", "")
            hub.asked.append((self.command, path, token))
            about = path.startswith("api/datasets/")
            rest = path.removeprefix("api/").removeprefix("datasets/")
            id_ = next((name for name in hub.files if rest == name or rest.startswith(f"{name}/")), None)
            if id_ is None:
                return self.error(401, "RepoNotFound")
            rest = rest.removeprefix(id_).strip("/")
            revision = (rest.removeprefix("revision/") or "main") if about else rest.split("/")[1]
            sha = hub.sha(id_, revision)
            if sha is None:
                return self.error(404, "RevisionNotFound")
            files = hub.at(id_, sha)
            if about:
                siblings = [{"rfilename": name, "size": len(data), "blobId": "0"} for name, data in files.items()]
                return self.answer(json.dumps({"_id": "0", "id": id_, "sha": sha, "siblings": siblings}).encode(), {})
            if id_ in hub.gated and token != "Bearer hf_let_in":
                return self.error(403, "GatedRepo")
            name = rest.split("/", 2)[2]
            if name not in files:
                return self.error(404, "EntryNotFound")
            etag = hashlib.sha1(files[name]).hexdigest()
            return self.answer(files[name], {"ETag": f'"{etag}"', "X-Repo-Commit": sha})

        def answer(self, content: bytes, headers: dict[str, str], status: int = 200) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def error(self, status: int, code: str) -> None:
            self.answer(b"{}", {"X-Error-Code": code, "X-Error-Message": code}, status)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
