import os

import pytest
from django.apps import apps

from tests.transfers.rules.people import People

# The example's models can only be imported where it is installed.
collect_ignore = [] if "tests.exampleapp" in os.environ.get("EXTRA_APPS", "") else ["test_example_app.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not apps.is_installed("tests.smallapp"):
        skip = pytest.mark.skip(reason="the small tables are not installed: set EXTRA_APPS=tests.smallapp")
        for item in items:
            if "/transfers/rules/" in str(item.path):
                item.add_marker(skip)


@pytest.fixture
def people(db: None) -> People:
    return People()
