"""What is worth labelling next, one proposal at a time, and the answers to it.

With yes, no and unknown for each label the proposals are for the label in focus: yes and no are then what is suggested.
"""

import copy
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from labelling.errors import StepError
from labelling.labels import Outcome
from labelling.labels.label import BY_TEXT, NO, UNKNOWN, YES, clean_name
from labelling.queues.answers import BY, n_right, with_checks
from labelling.queues.proposal import Proposal
from labelling.queues.proposals import LIKELY, ProposalQueue
from labelling.session.labels import Labels
from labelling.session.selection import Selection
from labelling.workspace import Project

ANSWERS = {YES: "yes", NO: "no"}
NOT_READY = "What to label next is still being worked out: press again in a moment."
RECENT = 5  # proposals, by which it is told how right they are
ALIKE = 0.6  # of what is read has to be suggested one label, for that to be the name that is offered


class Proposals:
    """A queue of proposals. What it has learnt is in the log: after an undo it is as it was before.

    Attributes
    ----------
    proposal : Proposal or None, the one that is looked at; its rows are selected
    n_left : int, how many of the rows that it may propose have no label
    n_in_bulk : int, how many of these are expected to come many at once
    given : set of int, the rows of the proposal that were given a label of their own
    """

    def __init__(self, project: Project, labels: Labels, selection: Selection) -> None:
        self.project, self.labels, self.selection = project, labels, selection
        self.log = labels.log
        self.proposal: Proposal | None = None
        self.n_left = self.n_in_bulk = 0
        self._queue: tuple[int, ProposalQueue] | None = None  # and the space that it is of
        self.given: set[int] = set()
        self._alone: set[int] = set()  # the actions that gave them
        self._parts: list[Proposal] = []  # of what was split: they come next
        self._passed = np.zeros(project.n_rows, bool)  # over, and not to be proposed again for now
        # Up to which action of the log the queue has learnt, and for which label in focus.
        self._learnt: tuple[int, int | None] | None = None
        self._proved: tuple[tuple[int, int | None, int] | None, tuple[int, int]] = None, (0, 0)

    def fitted(self) -> ProposalQueue:
        """A queue for the space that is shown, which takes seconds for many texts; several sessions can share it."""
        space = self.project.current
        graph = space.need_neighbours()
        return ProposalQueue().fit(np.asarray(space.embeddings, np.float32), graph)

    def use(self, queue: ProposalQueue) -> None:
        """Ask this queue of `fitted`."""
        own = copy.copy(queue)
        self._queue, self._learnt, self._parts = (self.project.current.id, own), None, []

    @property
    def is_ready(self) -> bool:
        """Whether there is a queue for the space that is shown."""
        return self._queue is not None and self._queue[0] == self.project.current.id

    @property
    def is_stale(self) -> bool:
        """Whether what is proposed was labelled or hidden, or this person did something else meanwhile."""
        if self.proposal is None:
            return False
        if self._learnt is None or self._learnt[1] != self._focus or not self.is_ready:
            return True
        since = self.log.actions[self._learnt[0] :]
        own = any(action.who == self.log.who and action.seq not in self._alone for action in since)
        open_rows = self.labels.unlabelled & self.selection.map.seen
        return own or not open_rows[np.setdiff1d(self.proposal.rows, list(self.given))].all()

    def find(self, aim: float) -> Proposal | None:
        """The next proposal, by the labels and answers so far, at most a share of `aim` right; None where none is left.

        Its rows become the selection. Only what the map shows is proposed.
        """
        queue = self._need_queue()
        if not self.is_ready:
            raise StepError(NOT_READY)
        if self._learnt != (self.log.seq, self._focus):
            answers = {seq: how for seq, how in self.log.hows(BY).items() if how.get("of") == self._focus}
            queue.replay(with_checks(answers, self.log.checks_of))
            self._learnt, self._parts = (self.log.seq, self._focus), []
        queue.aim, queue.mixed = aim, not self.log.multi_label
        open_rows = self.labels.unlabelled & self.selection.map.seen
        self.n_left = int(np.count_nonzero(open_rows))
        denied = self.log.denied()
        parts = [part for part in self._parts if open_rows[part.rows].all()]
        known = None if self.log.multi_label else self.log.imported()
        found = parts[:1] or queue.next(self._labels(), among=open_rows & ~self._passed, denied=denied, known=known)
        self._parts = parts[1:]
        if not found and self._passed.any():
            self._passed[:] = False  # nothing but what was passed over is left
            found = queue.next(self._labels(), among=open_rows, denied=denied, known=known)
        self.proposal = found[0] if found else None
        self.given.clear()
        self._alone.clear()
        self.n_in_bulk = queue.n_in_bulk()
        if self.proposal is not None:
            self.selection.select(np.sort(self.proposal.rows), BY, kind=self.proposal.kind)
        return self.proposal

    @property
    def suggests(self) -> bool:
        """Whether each text of the proposal stands beside a label that is likelier right than not."""
        return self.proposal is not None and self.proposal.labels is not None and self.proposal.expected >= LIKELY

    @property
    def proved(self) -> tuple[int, int]:
        """Of what was suggested for many texts at once, in the last such proposals on this map and in checks of them:
        how many of those that were read were right, and how many were read.

        Few that are read as a whole, and those on another map, tell nothing of it.
        """
        now = self.log.seq, self._focus, self.project.current.id
        if self._proved[0] != now:
            answers = {
                seq: how
                for seq, how in self.log.hows(BY).items()
                if (how.get("of"), how.get("space")) == now[1:] and how.get("n", 0) > len(how.get("read", ()))
            }
            last = [record for record in with_checks(answers, self.log.checks_of) if record.get("logit") is not None]
            last = last[-RECENT:]
            self._proved = now, (sum(map(n_right, last)), sum(len(record["read"]) for record in last))
        return self._proved[1]

    def name_for(self) -> str | None:
        """The label that the proposal is of: that of all its rows, or the one that most of what is read looks like."""
        proposal = self.proposal
        if proposal is None:
            return None
        labels = proposal.labels if self.suggests else self._need_queue().suggested(proposal.sample)
        if labels is None or not (found := Counter(label for label in labels.tolist() if label is not None)):
            return None
        (value, n), enough = found.most_common(1)[0], 1 if self.suggests else ALIKE
        return self._name(int(value)) if n >= enough * len(labels) else None

    def names(self) -> list[str] | None:
        """The label suggested for each row of the sample; None where the reader is to name one for all."""
        if self.proposal is None or not self.suggests:
            return None
        return [self._name(int(value)) for value in self._suggested(self.proposal.sample)]

    def _suggested(self, rows: np.ndarray) -> np.ndarray:
        """The values suggested for these rows of a proposal that has some."""
        return np.array(self._need_proposal().suggested(rows.tolist()))

    # ---------------------------------------------------------------- answers

    def rows_to_label(self, wrong: Collection[int], name: str | None = None, *, only_read: bool = False) -> np.ndarray:
        """What accepting it (as `name`) labels: all but what is `wrong`, and what was not read now but was said before
        not to be of that label; where two or more are wrong, or it is `only_read`, those that were read alone.
        """
        proposal = self._need_proposal()
        if only_read or not self._is_accepted(wrong):
            return np.setdiff1d(proposal.sample, list(wrong))
        rows, labels = self.log.denied()
        label = None if name is None else self.log.find(name)
        denied = rows[labels == label.id] if label is not None else rows[:0]
        return np.setdiff1d(proposal.rows, [*wrong, *np.setdiff1d(denied, proposal.sample)])

    def _is_accepted(self, wrong: Collection[int]) -> bool:
        proposal = self._need_proposal()
        return len(wrong) < 2 or len(proposal.sample) == len(proposal.rows)

    def give_texts(self, rows: np.ndarray, name: str) -> Outcome:
        """Give these texts of the proposal a label of their own, as a step by itself; the others are still proposed."""
        self._need_proposal()
        outcome = self.log.assign(rows, name, overwrite=True, how={**self.selection.on_map, "by": BY_TEXT})
        if outcome.n_changed:
            self._alone.add(self.log.seq)
        self.given.update(rows.tolist())
        return outcome

    def accept(self, wrong: Collection[int], name: str | None = None, *, only_read: bool = False) -> Outcome:
        """Label `rows_to_label`: each as suggested, or all `name`; with yes, no and unknown these are the words
        "yes" and "no" for the label in focus, or a label for which all are a yes.

        Raises LabelError for what can't be a name.
        """
        rows = self.rows_to_label(wrong, name, only_read=only_read)
        if name is None and not self.suggests:
            raise StepError("Nothing is suggested for these: type a name, or choose a label.")
        if name is not None:
            clean_name(name)
        if not len(rows):
            self.refuse(wrong)
            return Outcome(0)
        how = self._answered(self._is_accepted(wrong) and not only_read, wrong, name)
        if name is None and (name := self.name_for()) is None:
            outcome = self.log.assign_each(rows, self._suggested(rows), how=how)
        else:
            label, answer = self._meant(name)
            outcome = self.log.assign(rows, label, answer=answer, how=how)
        self._done()
        return outcome

    def _meant(self, name: str) -> tuple[str, int]:
        """The label and the answer that a name stands for."""
        if self.log.multi_label and self.labels.focus is not None:
            for answer, word in ANSWERS.items():
                if name == word:
                    return self.labels.focus.name, answer
        return name, YES

    def _name(self, value: int) -> str:
        return ANSWERS[value] if self.log.multi_label else self.log.label(value).name

    @property
    def _focus(self) -> int | None:
        focus = self.labels.focus
        return focus.id if focus is not None and self.log.multi_label else None

    def refuse(self, wrong: Collection[int] = ()) -> None:
        """Label nothing: it is mixed. `wrong` where it was said which of those read do not belong."""
        self.log.refuse(self._answered(False, wrong or None, None))
        self._done()

    def split(self) -> None:
        """Refuse it, and go on with its two parts. Raises ProposalError for what is suggested labels."""
        parts = self._need_queue().split(self._need_proposal())
        self.refuse()
        self._parts = [*parts, *self._parts]

    def pass_over(self) -> None:
        """Go on to another; this one comes again when there is no other."""
        self._passed[self._need_proposal().rows] = True
        self.proposal = None

    def _answered(self, accepted: bool, wrong: Collection[int] | None, name: str | None) -> Mapping[str, Any]:
        proposal = self._need_proposal()
        if name is not None and proposal.labels is not None:
            # Of the suggestions those were wrong that are not what it was called, or that were and did not belong.
            same = self._suggested(proposal.sample) == self._value(name)
            belongs = ~np.isin(proposal.sample, list(wrong or ()))
            wrong = proposal.sample[same != belongs].tolist()
            accepted = accepted and len(wrong) < 2
        record = self._need_queue().answer(
            proposal,
            accepted,
            label=self._value(name),
            wrong=None if wrong is None else sorted(wrong),
        )
        self._learnt = None  # until it stands in the log
        return {**self.selection.on_map, **record, **({} if self._focus is None else {"of": self._focus})}

    def _value(self, name: str | None) -> Any:
        """What the queue calls it: a label's id, 1 for yes, 0 for no; a new label by its name."""
        if name is None or self.log.multi_label:
            return next((answer for answer, word in ANSWERS.items() if word == name), name)
        label = self.log.find(name)
        return name if label is None else label.id

    def _done(self) -> None:
        self._learnt = self.log.seq, self._focus
        self.proposal = None

    def _labels(self) -> np.ndarray:
        if not self.log.multi_label:
            return self.log.codes
        focus = self._focus
        return np.full(self.log.n_rows, UNKNOWN) if focus is None else self.log.label_values(focus)

    def _need_queue(self) -> ProposalQueue:
        if self._queue is None:
            raise StepError(NOT_READY)
        return self._queue[1]

    def _need_proposal(self) -> Proposal:
        if self.proposal is None:
            raise StepError("There is no proposal any more: press for the next one.")
        return self.proposal
