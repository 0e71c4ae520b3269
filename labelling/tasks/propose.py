"""What is worth labelling next, of a project."""

import numpy as np

from labelling.errors import StepError
from labelling.labels import LabelLog
from labelling.queues.answers import BY, with_checks
from labelling.queues.proposal import Proposal
from labelling.queues.proposals import ProposalQueue
from labelling.workspace import Project


def propose(project: Project, log: LabelLog, n: int = 1, *, aim: float = 0.9) -> list[Proposal]:
    """The next `n` proposals by the labels and answers so far; fewer where no more texts are left.

    Their labels are ids of the log's. Raises StepError where the neighbour graph of the space that is shown is not made
    yet, and with yes, no and unknown for each label.
    """
    if log.multi_label:
        raise StepError("With yes, no and unknown what comes next hangs on the label in focus: see the page.")
    space = project.current
    graph = space.need_neighbours()
    queue = ProposalQueue(aim=aim).fit(np.asarray(space.embeddings, np.float32), graph)
    queue.replay(with_checks(log.hows(BY), log.checks_of))
    open_rows = ~project.dataset.empty
    return queue.next(log.codes, n, among=open_rows, denied=log.denied(), known=log.imported())
