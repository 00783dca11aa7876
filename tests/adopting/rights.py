"""Print the rights that the start-up check asks for, as statements: one for each table of the data types."""

import sys

import django

if __name__ == "__main__":
    django.setup()

    from django.conf import settings

    from accounts.models import User
    from adopting.writing.statements import sql_name
    from transfers.checks.catalog.reading import read_catalog
    from transfers.checks.database import all_models
    from transfers.checks.tables.relations import RIGHTS, needed_rights
    from transfers.registry import data_types

    catalog = read_catalog(all_models(data_types()), [User])
    needed: dict[str, set[str]] = {}
    for entry in data_types():
        for model, rights in needed_rights(entry, catalog).items():
            table = catalog.table(model)
            needed.setdefault(sql_name(table.schema, table.name), set()).update(rights)
    role = sql_name(settings.APPLICATION_ROLE)
    for name, rights in sorted(needed.items()):
        listed = ", ".join(right for right in RIGHTS if right in rights)
        sys.stdout.write(f"GRANT {listed} ON {name} TO {role};\n")
