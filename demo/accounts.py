"""The demo's sign-ins. Pure data, because `make run` prints it."""

from dataclasses import dataclass

from accounts.permissions import (
    TENANT_ADMINISTRATOR,
    TRANSFER_ADMINISTRATOR,
    TRANSFER_OPERATOR,
    TRANSFER_VIEWER,
    StandardRole,
)

PASSWORD = "move-with-care"  # noqa: S105  (public on purpose; never put into a database for real use)  # nosec B105


@dataclass(frozen=True)
class Account:
    """`everything`: sees the whole tenant, otherwise two teams. `second`: belongs to the second tenant."""

    username: str
    first_name: str
    last_name: str
    standard_role: StandardRole
    sentence: str
    everything: bool = True
    second: bool = False
    password: str = PASSWORD

    @property
    def role(self) -> str:
        return self.standard_role.name


ACCOUNTS = [
    Account(
        "admin", "Ada", "Lindqvist", TRANSFER_ADMINISTRATOR, "Runs single and bulk transfers; sees everybody."
    ),
    Account(
        "operator",
        "Otto",
        "Brandão",
        TRANSFER_OPERATOR,
        "Runs single transfers only, and sees two teams and a few people besides.",
        everything=False,
    ),
    Account(
        "viewer", "Vera", "Nováková", TRANSFER_VIEWER, "Sees transfers and the audit log; changes nothing."
    ),
    Account(
        "tenantadmin",
        "Teo",
        "Marchetti",
        TENANT_ADMINISTRATOR,
        "May do everything, but can never be in a pair.",
    ),
    Account(
        "otheradmin",
        "Oona",
        "Virtanen",
        TRANSFER_ADMINISTRATOR,
        "The same as admin, in the second tenant: sees nobody of the first.",
        second=True,
    ),
]
