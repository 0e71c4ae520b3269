"""Start the app from the command line."""

import os
import subprocess
import sys

from labelling.app_folder import APP_FOLDER


def start(project: str | None = None) -> int:
    """Run the app until it is ended, and say the address of a project; Streamlit's exit status.

    It runs in the app's own folder, where its settings are: the files that one has named are read before.
    """
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    if project is not None:
        port = os.environ.get("STREAMLIT_SERVER_PORT", "8501")
        sys.stdout.write(f"Its map, once the app has started: http://localhost:{port}/label?project={project}\n")
        sys.stdout.flush()
    try:
        return subprocess.run(command, cwd=APP_FOLDER, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        return 0
