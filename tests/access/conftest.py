import json

import pytest
from pytest_django import Settings

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
