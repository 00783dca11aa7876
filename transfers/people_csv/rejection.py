"""The one exception that leaves this package."""

from transfers.problems import Problem


class FileRejected(Exception):
    """The file as a whole cannot be taken; ``problem`` says why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem
