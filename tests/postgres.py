"""A PostgreSQL server for the tests: Debian's binaries, a temporary folder, a unix socket, no network."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

REQUIRED = bool(os.environ.get("CORRAL_POSTGRES_REQUIRED"))


def binaries() -> Path | None:
    """The folder of the newest installed server's programs, None where there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parents[1].name), reverse=True
    )
    return found[0].parent if found else None


class Server:
    """A server of its own, with databases that anybody who reaches its folder may use as `postgres`.

    With `durable` a commit is flushed to disk, as it is by default; the tests that kill no server are quicker without.
    """

    def __init__(self, *, durable: bool = False, where: Path | None = None) -> None:
        found = binaries()
        if found is None:
            raise FileNotFoundError("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
        self.bin = found
        self.durable = durable
        # A socket's path may have 107 characters only: not pytest's own folder.
        self.folder = Path(tempfile.mkdtemp(prefix="corral-pg-", dir=where))
        self.data = self.folder / "data"
        self._as: list[str] = []
        if os.geteuid() == 0:  # the server refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            self.folder.chmod(0o755)
        made = [*self._as, str(self.bin / "initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust"]
        subprocess.run([*made, "-E", "UTF8", "--no-locale", "--no-sync"], check=True, capture_output=True, cwd="/")
        self.start()

    def start(self) -> None:
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=60"]
        if not self.durable:
            settings += ["fsync=off", "full_page_writes=off"]
        command = [*self._as, str(self.bin / "pg_ctl"), "-D", str(self.data), "-w", "-l", str(self.folder / "log")]
        options = " ".join(f"-c {setting}" for setting in settings)
        for _ in range(50):  # after a kill, until the last of its processes has gone
            done = subprocess.run([*command, "-o", options, "start"], capture_output=True, cwd="/")
            if done.returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def stop(self, mode: str = "fast") -> None:
        command = [*self._as, str(self.bin / "pg_ctl"), "-D", str(self.data), "-w", "-m", mode, "stop"]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    def kill(self) -> None:
        """SIGKILL for the server and all that serve its connections, as if the machine had lost its power."""
        postmaster = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in [postmaster, *map(int, children)]:
            os.kill(process, signal.SIGKILL)

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self) -> str:
        """The URL of an empty database: what was in it before is gone, and so is who was connected to it."""
        with self.connect() as connection:
            if connection.execute("select 1 from pg_database where datname = 'corral'").fetchone() is None:
                connection.execute("create database corral template template0")
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'corral'")
        with self.connect("corral") as connection:
            connection.execute("drop schema public cascade")
            connection.execute("create schema public")
        return f"postgresql://postgres@/corral?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True)
