import pytest

from accounts.models import User
from tests.fixtures.cast import Cast

PASSWORD = "right password"


@pytest.fixture
def ada(cast: Cast) -> User:
    """Ada, a transfer administrator, with PASSWORD as her password."""
    cast.ada.set_password(PASSWORD)
    cast.ada.save()
    return cast.ada
