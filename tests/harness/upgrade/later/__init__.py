"""Made-up migrations of transfers for the harness, each in a package that includes the real ones."""

from pkgutil import iter_modules

from transfers import migrations

REAL = list(migrations.__path__)
NEWEST = ("transfers", max(found.name for found in iter_modules(REAL)))
