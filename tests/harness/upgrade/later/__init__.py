"""Made-up migrations of the app `transfers`, each in a package that also includes the real migrations.

They show that the upgrade tests pass for a correct migration and notice faulty ones.
"""

from pkgutil import iter_modules

from transfers import migrations

REAL = list(migrations.__path__)
NEWEST = ("transfers", max(found.name for found in iter_modules(REAL)))
