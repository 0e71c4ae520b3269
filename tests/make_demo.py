"""Makes the files with the demos' embeddings and maps anew, once a text has changed: `python -m tests.make_demo`."""

import tempfile
from pathlib import Path

from labelling.encoders import registry
from labelling.projections import UmapProcess
from labelling.tasks import ready_made
from labelling.tasks.embed import embed
from labelling.tasks.maps import make_umap
from labelling.tasks.projects import create_project
from labelling.tasks.workbench import open_workbench
from labelling.ui.texts.load import DEMOS
from labelling.workspace import Project, Workspace


def make(folder: Path, process: UmapProcess, demo: str) -> Project:
    """A demo's project as the app makes it where nothing came along."""
    workspace = Workspace(folder)
    project = create_project(workspace, DEMOS[demo].name, DEMOS[demo].read(), {})
    assert embed(open_workbench(workspace, project, lambda settings: registry.encoder_for(settings, folder)))
    assert make_umap(project, project.spaces()[0], process)
    return project


def main() -> None:
    process = UmapProcess()
    for demo, its in DEMOS.items():
        with tempfile.TemporaryDirectory() as name:
            project = make(Path(name), process, demo)
            ready_made.save(its.made, project, registry.encoder_for({}, Path(name)))
        print(f"{its.made}: {its.made.stat().st_size:,} bytes")
    process.close()


if __name__ == "__main__":
    main()
