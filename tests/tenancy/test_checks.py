"""A page without an access declaration prevents the site from starting, and every permission belongs to a role."""

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import get_resolver, include, path
from pytest_django import DjangoAssertNumQueries

from accounts.access import PermissionMissing, public, require, requires, signed_in
from accounts.access.checks import every_page_declares_access, url_patterns
from accounts.permissions import STANDARD_ROLES, TENANT_ADMINISTRATOR, Permission, StandardRole
from tests.fixtures.cast import Cast, person


def forgotten(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


URLS = f"{__name__}.Urls"


class Urls:
    urlpatterns = [
        path("public/", public(lambda request: HttpResponse())),
        path("mine/", signed_in(forgotten)),
        path("bulk/", requires(Permission.TRANSFER_BULK)(forgotten)),
        path("deep/", include([path("deeper/", include([path("forgotten/", forgotten)]))])),
    ]


def test_all_product_pages_declare_access() -> None:
    assert every_page_declares_access(None) == []
    assert sum(1 for _ in url_patterns(get_resolver())) > 20


def test_page_without_access_declaration_is_an_error_at_any_depth() -> None:
    with override_settings(ROOT_URLCONF=Urls):
        (error,) = every_page_declares_access(None)
    assert error.id == "accounts.E001"
    assert "forgotten/" in error.msg
    assert "@requires" in error.hint


def test_check_runs_at_start_up() -> None:
    with override_settings(ROOT_URLCONF=Urls):
        assert "accounts.E001" in [message.id for message in run_checks()]


@pytest.mark.parametrize("permission", Permission)
def test_tenant_administrator_holds_every_permission(permission: Permission) -> None:
    assert permission in TENANT_ADMINISTRATOR.permissions


def test_only_tenant_administrator_may_administer_the_tenant() -> None:
    assert [role for role in STANDARD_ROLES if Permission.ADMINISTER_TENANT in role.permissions] == [
        TENANT_ADMINISTRATOR
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("role", STANDARD_ROLES, ids=lambda role: role.name)
@pytest.mark.parametrize("permission", Permission)
def test_permission_is_held_only_through_a_role(
    cast: Cast, permission: Permission, role: StandardRole
) -> None:
    holder = person(cast.abacus, "Hal Holder", role)
    assert holder.may(permission) is (permission in role.permissions)
    if permission in role.permissions:
        require(holder, permission)
    else:
        with pytest.raises(PermissionMissing, match=permission.label):
            require(holder, permission)


@pytest.mark.django_db
def test_one_of_several_permissions_is_enough(cast: Cast) -> None:
    require(cast.otto, Permission.TRANSFER_BULK, Permission.TRANSFER_ONE)


@pytest.mark.django_db
def test_inactive_user_has_no_permissions(cast: Cast) -> None:
    cast.ada.is_active = False
    assert not any(cast.ada.may(permission) for permission in Permission)


@pytest.mark.django_db
def test_permissions_are_queried_once(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        for permission in Permission:
            cast.ada.may(permission)
