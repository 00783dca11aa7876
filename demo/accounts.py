"""The accounts of the demo, as plain data, because the start script prints them before Django is set up."""

from dataclasses import dataclass

from accounts.permissions import (
    TENANT_ADMINISTRATOR,
    TRANSFER_ADMINISTRATOR,
    TRANSFER_OPERATOR,
    TRANSFER_VIEWER,
    StandardRole,
)

PASSWORD = "move-with-care"  # noqa: S105  (public on purpose; never for a production database)  # nosec B105


@dataclass(frozen=True)
class Account:
    """An account that can sign in to the demo.

    An account with `everything` sees all users of its tenant; any other account sees two teams and a few other users.
    An account with `second` belongs to the second tenant.
    """

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
        "admin",
        "Ada",
        "Lindqvist",
        TRANSFER_ADMINISTRATOR,
        "Runs single and bulk transfers and sees all users.",
    ),
    Account(
        "operator",
        "Otto",
        "Brandão",
        TRANSFER_OPERATOR,
        "Runs single transfers only, and sees two teams and a few other users.",
        everything=False,
    ),
    Account(
        "viewer",
        "Vera",
        "Nováková",
        TRANSFER_VIEWER,
        "Sees transfers and the audit log, and changes nothing.",
    ),
    Account(
        "tenantadmin",
        "Teo",
        "Marchetti",
        TENANT_ADMINISTRATOR,
        "Can do everything, but can never be the source or target of a transfer.",
    ),
    Account(
        "otheradmin",
        "Oona",
        "Virtanen",
        TRANSFER_ADMINISTRATOR,
        "Has the same role as admin, but in the second tenant, and sees no users of the first.",
        second=True,
    ),
]
