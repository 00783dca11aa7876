"""Start-up checks: no question is open, and every column of the adopted tables in which a person stands is decided."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from adopting.coverage import coverage
from adopting.questions import open_questions
from transfers.registry import declarations
from wording.display_text import visible


@register
def questions_are_answered(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    declarations()  # imports them
    return [
        Error(
            f"{visible(question.about)}: {question.text}",
            hint=f"Correct the value in {question.where} if it is wrong, and write decided(…) instead of undecided(…).",
            id="adopting.E001",
        )
        for question in open_questions()
    ]


@register(Tags.database)
def columns_are_decided(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not databases or "default" not in databases:
        return []
    return list(undecided_columns())


def undecided_columns() -> Iterator[CheckMessage]:
    for column in coverage():
        if column.state == "undecided" and not column.is_asked:
            yield Error(
                f"{visible(column.column)} holds people, but is neither an owner of a data type nor in"
                " NOT_TRANSFERRED.",
                hint="Run the command at the top of the adopted app's README.md again: it prints the lines to add.",
                id="adopting.E002",
            )
