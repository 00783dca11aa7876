"""Describes a kind of file to the reader: its columns, and the texts used in messages about its problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wording.problems import Sentence


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file, which may be a CSV file or a workbook.

    `columns` are all columns that are read. A file that lacks a `required` column, or has an `unambiguous` column
    twice, is rejected. If another column is repeated, its first occurrence is read. `instead` maps a required
    column to columns of which one suffices in its place. `name`, for example "The list of users", is used at the start
    of sentences, and so is `typed`, which names what people type into the file. The other texts are complete sentences
    that say what to do next.
    """

    columns: tuple[str, ...]
    required: tuple[str, ...]
    unambiguous: tuple[str, ...]
    name: Sentence
    typed: Sentence
    choose: Sentence
    start_again: Sentence
    keep_header: Sentence
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
