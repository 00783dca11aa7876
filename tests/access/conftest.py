import pytest

from tests.transfers.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The named cast of the page tests."""
    return Cast()
