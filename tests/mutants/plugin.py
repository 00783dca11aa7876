"""Puts the broken SQL in the place of the right one, for this run of the tests."""

import json
import os
from importlib import import_module

import pytest
from django.utils.module_loading import import_string


@pytest.fixture(autouse=True, scope="session")
def broken_sql() -> None:
    mutant = json.loads(os.environ["MUTANT"])
    right = import_string("transfers.engine.steps.sql_file")

    def sql_file(name: str) -> str:
        return mutant["text"] if name == mutant["step"] else right(name)

    for module in ("steps", "stage", "batch"):
        import_module(f"transfers.engine.{module}").sql_file = sql_file  # type: ignore[attr-defined]
