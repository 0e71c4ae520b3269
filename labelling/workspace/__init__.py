"""Projects on disk and in the database, their spaces, and who may open them."""

from labelling.database.engine import WorkspaceError
from labelling.workspace.project import MULTI_LABEL, ONE, Project
from labelling.workspace.sharing import as_account
from labelling.workspace.spaces import CLASSIFIER, Space, Suggestions, save_array
from labelling.workspace.workspace import ProjectInfo, Workspace, default_folder

__all__ = [
    "CLASSIFIER",
    "MULTI_LABEL",
    "ONE",
    "Project",
    "ProjectInfo",
    "Space",
    "Suggestions",
    "Workspace",
    "WorkspaceError",
    "as_account",
    "default_folder",
    "save_array",
]
