"""A session with the tasks at hand, for tests of both together."""

from typing import Any

from labelling.encoders.precomputed import OwnVectors
from labelling.session import Session
from labelling.tasks.classify import classify
from labelling.tasks.embed import embed
from labelling.tasks.evaluate import evaluate
from labelling.tasks.export import export, preview
from labelling.tasks.learnable import can_learn, learnable, what_is_needed
from labelling.tasks.maps import make_umap, map_part
from labelling.tasks.tune import fit
from labelling.tasks.workbench import EncoderFor, Workbench
from labelling.workspace import Project, Workspace


class Worker(Session):
    """A person at a project, who does its tasks, too; each method is the task of its name."""

    def __init__(
        self,
        workspace: Workspace,
        project: Project,
        encoder_for: EncoderFor,
        who: str | None = None,
        vectors: OwnVectors | None = None,
    ) -> None:
        super().__init__(project, encoder_for, who)
        self.workspace = workspace
        self.bench = Workbench(project, self.log, workspace.cache_of(project.owner), encoder_for, vectors)

    def embed(self, *given: Any) -> bool:
        return embed(self.bench, *given)

    def look_at_part(self, embeddings: Any) -> Any:
        return self.map.look_at_part(map_part(self.project, embeddings))

    def make_umap(self, *given: Any) -> bool:
        return make_umap(self.project, *given)

    def tune(self, *given: Any, **options: Any) -> Any:
        return fit(self.project, self.log, *given, **options)

    def classify(self, *given: Any, **options: Any) -> Any:
        return classify(self.bench, *given, **options)

    def evaluate(self, *given: Any, **options: Any) -> Any:
        return evaluate(self.project, self.log, *given, **options)

    def export(self, *given: Any, **options: Any) -> bytes:
        return export(self.project, *given, **options)

    def preview(self, *given: Any, **options: Any) -> Any:
        return preview(self.project, self.log, *given, **options)

    def learnable(self, *given: Any) -> Any:
        return learnable(self.project, self.log, *given)

    def can_learn(self, *given: Any) -> bool:
        return can_learn(self.project, self.log, *given)

    def what_is_needed(self, *given: Any) -> str:
        return what_is_needed(self.project, self.log, *given)
