import os

import pytest
from django.apps import apps

from tests.transfers.rules.people import People

# The example app's models can be imported only if it is installed.
collect_ignore = (
    [] if "tests.apps.exampleapp" in os.environ.get("EXTRA_APPS", "") else ["test_example_app.py"]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not apps.is_installed("tests.apps.smallapp"):
        skip = pytest.mark.skip(reason="needs the small tables: set EXTRA_APPS=tests.apps.smallapp")
        for item in items:
            if "/transfers/rules/" in str(item.path) and item.path.name != "test_contract.py":
                item.add_marker(skip)


@pytest.fixture
def people(db: None) -> People:
    return People()
