"""The only exception that this package raises to its callers."""

from wording.problems import Problem


class FileRejected(Exception):
    """The file is rejected as a whole; `problem` says why and what to do next."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem
