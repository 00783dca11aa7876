"""The tenant on the connection follows blocks, rollbacks, threads and new connections."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Team, User
from tenancy import context
from tests.fixtures.cast import Cast


def tenant_in_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transfers.tenant', true)")
        return str(cursor.fetchone()[0])


def test_a_tenant_id_that_is_not_a_number_is_an_error(world: Cast) -> None:
    with pytest.raises(ValueError, match="invalid literal"), context.tenant_context("1 OR true"):  # type: ignore[arg-type]
        pass


def test_blocks_nest(db: None) -> None:
    with context.tenant_context(1):
        with context.tenant_context(2):
            assert tenant_in_database() == "2"
        with context.all_tenants_context():
            assert tenant_in_database() == "*"
        assert tenant_in_database() == "1"
        with context.setting_context(context.NO_TENANT):
            assert tenant_in_database() == ""


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_a_rollback_does_not_restore_an_earlier_tenant(db: None) -> None:
    with context.tenant_context(1):
        assert tenant_in_database() == "1"
        with rolled_back(), context.tenant_context(2):
            assert tenant_in_database() == "2"
        assert tenant_in_database() == "1"
        with context.tenant_context(3):
            with rolled_back():
                assert tenant_in_database() == "3"
            assert tenant_in_database() == "3"


def test_a_block_that_ends_in_a_failed_transaction_does_not_hide_the_error(cast: Cast) -> None:
    with (
        pytest.raises(IntegrityError),
        context.tenant_context(cast.abacus.pk),
        transaction.atomic(),
        context.all_tenants_context(),
    ):
        Team.objects.create(tenant=cast.abacus, name="Support")
    assert tenant_in_database() == "*"


@pytest.mark.django_db(transaction=True)
def test_the_tenant_is_set_again_after_a_whole_transaction_is_rolled_back() -> None:
    with context.tenant_context(1), rolled_back(), context.tenant_context(2):
        assert tenant_in_database() == "2"
    with context.tenant_context(2):
        assert tenant_in_database() == "2"
        with rolled_back(), context.all_tenants_context():
            assert tenant_in_database() == "*"
        assert tenant_in_database() == "2"


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_gets_the_tenant() -> None:
    with context.tenant_context(1):
        assert tenant_in_database() == "1"
        connection.close()
        assert tenant_in_database() == "1"


@pytest.mark.django_db(transaction=True)
def test_a_new_thread_sees_no_rows_until_it_sets_a_tenant(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "outside", context.NO_TENANT)
    found: list[int] = []

    def look() -> None:
        found.append(User.objects.count())
        with context.tenant_context(cast.foreign.pk):
            found.append(User.objects.count())
        connection.close()

    with context.tenant_context(cast.abacus.pk):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == [0, 1]


def test_an_unchanged_tenant_is_not_sent_again(db: None) -> None:
    """The statement that sets the tenant is sent only when the tenant changes."""
    with context.tenant_context(1):
        tenant_in_database()
        assert connection.tenant_set == "1"
        connection.tenant_set = "2"  # pretend 2 was sent: nothing is sent now, and the database still has 1
    with context.tenant_context(2):
        assert tenant_in_database() == "1"
        connection.tenant_set = None
