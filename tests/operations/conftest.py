import pytest

from tests.transfers.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()
