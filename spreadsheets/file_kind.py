"""What the reader has to know about the kind of file: its columns, and the words for its problems."""

from dataclasses import dataclass

from wording.problems import Sentence


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of CSV file.

    `columns` are looked for. A file that lacks one of `required`, or has one of `unambiguous` twice, is rejected; of
    any other column the first one counts. `name` begins a sentence, such as "people.csv"; the other texts are whole
    sentences that say what to do next.
    """

    columns: tuple[str, ...]
    required: tuple[str, ...]
    unambiguous: tuple[str, ...]
    name: Sentence
    choose: Sentence
    start_again: Sentence
    keep_header: Sentence
