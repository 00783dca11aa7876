import pytest
from django.apps import apps

from tests.transfers.rules.people import People


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not apps.is_installed("tests.smallapp"):
        skip = pytest.mark.skip(reason="the small tables are not installed: set EXTRA_APPS=tests.smallapp")
        for item in items:
            if "/transfers/rules/" in str(item.path):
                item.add_marker(skip)


@pytest.fixture
def people(db: None) -> People:
    return People()
