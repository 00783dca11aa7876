"""The lines that the check of undeclared references prints can be pasted as they are."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import models
from django.db.models import Model

from accounts.models import RoleAssignment, User
from records.quality.models import CCR, ContactGoalProgress, Evaluation
from tests.transfers.checks.declaring import entry, model
from transfers.checks import declarations, pasting
from transfers.checks.catalog.tables import TableName
from transfers.rules import Column, Combine, DataType, KeepTarget


def hints(of: type[Model], entries: Sequence[DataType] = ()) -> list[str]:
    return [str(message.hint) for message in declarations.undeclared([of], entries, {})]


def pasted(hint: str) -> DataType:
    """Run the indented lines: the imports, and the entry of the list."""
    *imports, declaration = [
        line.strip() for line in hint.split("If a transfer")[0].splitlines() if line[0] == " "
    ]
    names: dict[str, Any] = {}
    exec("\n".join(imports), names)
    result = eval(declaration.removesuffix(","), names)
    assert isinstance(result, DataType)
    return result


def test_the_lines_name_what_they_need() -> None:
    [hint] = hints(CCR)
    assert pasted(hint) == DataType("Ccrs", CCR, (Column("agent"),), Combine(), "What it is.")
    assert "the datatypes.py of the app 'quality'" in hint


def test_a_model_with_several_columns_gets_one_entry() -> None:
    first, second = hints(Evaluation)
    assert pasted(first).owners == tuple(Column(name) for name in ("evaluator", "approver"))
    assert '"quality.Evaluation.approver": "the reason",' in first
    assert second == "See quality.Evaluation.evaluator: a model has one DataType."


def test_a_column_of_a_model_that_is_declared_already() -> None:
    [hint] = hints(Evaluation, [entry(Evaluation, Column("evaluator"))])
    assert "add it to the owners of the DataType 'Notes':\n    Column(\"approver\")," in hint


def test_a_known_key_gets_a_policy() -> None:
    [hint] = hints(ContactGoalProgress)
    assert pasted(hint).rule == Combine(on_clash=KeepTarget())


def test_a_through_table_is_named_by_the_field() -> None:
    note = model(readers=models.ManyToManyField(User, related_name="+"))
    [hint] = hints(note._meta.get_field("readers").remote_field.through)
    assert f"from {note.__module__} import Note\n" in hint
    assert 'Note.readers.through, (Column("user"),), Combine(on_clash=KeepTarget())' in hint


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_no_file_of_an_installed_package_is_named(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RoleAssignment._meta.app_config, "path", f"/opt/python/{folder}/accounts")
    assert "datatypes.py of an app of your own, which EXTRA_APPS lists" in hints(RoleAssignment)[0]


def test_lines_for_a_table_without_a_model_are_python() -> None:
    lines = pasting.lines_for_table(TableName("archive", "Old notes", is_visible=False), "Author_id")
    code = "\n".join(line[4:] for line in lines.splitlines() if line.startswith("    ")).split(
        '"archive.Old'
    )[0]
    compiled = compile(code, "models.py", "exec")
    assert "OldNotes" in compiled.co_names
    assert """db_table = '"archive"."Old notes"'""" in code
