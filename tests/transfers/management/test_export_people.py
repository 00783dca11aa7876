"""The command line exports the same people.csv as the browser, byte for byte, and records the same audit event."""

from io import BytesIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from audit.models import AuditEvent
from tests.fixtures.cast import Cast, agent, signed_in
from transfers.people_csv import read


def from_browser(cast: Cast) -> bytes:
    return b"".join(signed_in(cast.ada).get(reverse("transfers:people-export")).streaming_content)


def test_the_file_equals_the_browsers(cast: Cast, tmp_path: Path) -> None:
    agent(cast.sales, "=Gus +Gone", is_active=False)

    call_command("export_people", by="ada.admin", output=tmp_path / "people.csv")

    assert (tmp_path / "people.csv").read_bytes() == from_browser(cast)


def test_a_name_that_ends_in_xlsx_gives_a_workbook(cast: Cast, tmp_path: Path) -> None:
    call_command("export_people", by="ada.admin", output=tmp_path / "people.XLSX")

    content = (tmp_path / "people.XLSX").read_bytes()
    assert content.startswith(b"PK")
    assert (
        read(BytesIO(content)).blank == read(BytesIO(from_browser(cast))).blank == cast.abacus.users.count()
    )


def test_standard_output_gets_bytes_and_nothing_else(
    cast: Cast, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    call_command("export_people", by="ada.admin")

    assert capfdbinary.readouterr().out == from_browser(cast)


def test_the_export_is_in_the_audit_log(cast: Cast, tmp_path: Path) -> None:
    call_command("export_people", by="ADA.ADMIN@example.com", output=tmp_path / "people.csv")

    event = AuditEvent.objects.get(kind="users-exported")
    assert (event.actor_id, event.tenant_id) == (cast.ada.pk, cast.abacus.pk)
    assert event.details["users"] == cast.abacus.users.count()


def test_a_missing_permission_is_named(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Transfer data in bulk") as refusal:
        call_command("export_people", by="otto.operator", output=tmp_path / "people.csv")

    assert refusal.value.returncode == 2
    assert not (tmp_path / "people.csv").exists()


@pytest.mark.parametrize("name", ["nobody.there", "gone.agent"])
def test_unknown_and_inactive_people_get_the_same_message(cast: Cast, name: str) -> None:
    agent(cast.sales, "Gone Agent", is_active=False)

    with pytest.raises(CommandError, match=f"no active user has the user name or email {name}"):
        call_command("export_people", by=name)


def test_a_file_that_cannot_be_written_is_named(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_people", by="ada.admin", output=tmp_path)
