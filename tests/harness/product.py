"""The packages of the product, for tests that inspect all of them."""

PACKAGES = (
    "accounts",
    "adopting",
    "audit",
    "demo",
    "operations",
    "records",
    "spreadsheets",
    "tenancy",
    "transfer_site",
    "transfers",
    "web",
    "wording",
)
