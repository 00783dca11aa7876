"""All files of the app."""

from adopting.proposing.plan import Plan
from adopting.snapshot import SNAPSHOT, as_json, snapshot_of
from adopting.writing.code import in_docstring
from adopting.writing.datatypes import DataTypesFile, schemas_of
from adopting.writing.models import models_file
from adopting.writing.naming import Names
from adopting.writing.readme import readme
from adopting.writing.statements import grants, indexes

APPS = """from django.apps import AppConfig


class {name}Config(AppConfig):
    name = "{app}"
    verbose_name = "{title}"
"""


def files_of(plan: Plan, app: str, command: str) -> dict[str, str]:
    names = Names(app, plan)
    title = app.replace("_", " ").capitalize()
    schemas = in_docstring(", ".join(schemas_of(plan)))
    words = "".join(word.capitalize() for word in app.split("_"))
    return {
        "__init__.py": f'"""Tables of {schemas}, which belong to another program."""\n',
        "apps.py": APPS.format(name=words, app=app, title=title),
        "models.py": models_file(plan, names),
        "datatypes.py": DataTypesFile(plan, names).text(),
        "indexes.sql": indexes(plan),
        "grants.sql": grants(plan),
        "README.md": readme(plan, app, command),
        SNAPSHOT: as_json(snapshot_of(plan)),
    }
