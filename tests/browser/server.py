"""Corral, started as its users start it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.browser.app import TIMEOUT

ROOT = Path(__file__).parents[2]


class Server:
    """`streamlit run app.py` on a free port of this machine, with these secrets (TOML) if any.

    Where CORRAL_TEST_SEED is set, a number, the server makes other maps: no test may hang on where a point lies.
    """

    def __init__(self, workspace: Path, secrets: str = "") -> None:
        self.workspace = workspace
        self.options = ["--server.headless=true"]
        if secrets:
            path = workspace.parent / "secrets.toml"
            path.write_text(secrets)
            self.options.append(f"--secrets.files={path}")
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={self.port}"]
        environment = {**os.environ, "CORRAL_WORKSPACE": str(self.workspace)}
        if "CORRAL_TEST_SEED" in os.environ:
            environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent / "other_maps"), str(ROOT)])
        self.log = (self.workspace.parent / "server.log").open("ab")
        self.process = subprocess.Popen(
            [*command, *self.options],
            cwd=ROOT,
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        end = time.monotonic() + TIMEOUT / 1000
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(Path(self.log.name).read_text())

    def kill(self) -> None:
        """SIGKILL for the server and its child process: nothing gets a chance to tidy up."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
