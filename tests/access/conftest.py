import json
from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker, Settings

from transfer_site.settings import providers


@pytest.fixture(autouse=True)
def every_way_to_sign_in(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable password reset by email, and configure an identity provider at an address where no server listens."""
    monkeypatch.setenv("ABACUS_SECRET", "secret")
    entry = {
        "id": "abacus",
        "tenant": "Abacus",
        "name": "Abacus",
        "server_url": "http://127.0.0.1:9",
        "client_id": "transfer",
        "client_secret_env": "ABACUS_SECRET",
    }
    settings.SOCIALACCOUNT_PROVIDERS = providers.openid(json.dumps([entry]))
    settings.PASSWORD_RESET_BY_MAIL = True


@pytest.fixture(scope="module")
def kept_rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A transaction for rows that all tests of a module use. Each test runs in a savepoint of it, and leaves them as
    they were."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
