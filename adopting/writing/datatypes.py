"""datatypes.py: the data types, grouped, with their keys as comments and the questions in their places."""

from collections.abc import Callable, Iterator, Sequence

from adopting.catalog.tables import Table
from adopting.people.standing import Stand
from adopting.proposing import children, rules
from adopting.proposing.plan import ChildPlan, Kept, Plan, Proposal
from adopting.writing.code import Call, Named, Words, comment, in_docstring, text
from adopting.writing.naming import Names
from adopting.writing.shared import Asked, Shared
from transfers.rules import Combine, Latest, Overwrite, Rename, Rule

HEAD = '''"""What a transfer does with the tables of {schemas}, as `manage.py adopt` proposed it.

Each question stops the start until its value is right and its word is `decided`.
"""
'''


class DataTypesFile:
    """Writes the file and remembers the names to import."""

    def __init__(self, plan: Plan, names: Names) -> None:
        self.plan, self.names = plan, names
        self.used: set[str] = {"DataType"}
        self.shared = Shared()

    def text(self) -> str:
        schemas = ", ".join(schemas_of(self.plan))
        self.share()
        types, stays = self.types(), self.not_transferred()
        parts = [
            self.adopted(),
            *self.shared.lines(),
            "DATA_TYPES: list[DataType] = [",
            *types,
            "]",
            "",
            stays,
        ]
        imports = [
            *imported("adopting.questions", ["Adopted", "undecided"]),
            *imported("transfers.rules", sorted(self.used)),
            "",
            "from . import models",
        ]
        if not types:
            parts[-4:-1] = ["DATA_TYPES: list[DataType] = []", ""]
            imports = imports[:-2]
        asks = "undecided(" in "\n".join(parts)
        if not asks:
            imports[0] = "from adopting.questions import Adopted"
        return "\n".join([HEAD.format(schemas=in_docstring(schemas)), *imports, "", *parts])

    def share(self) -> None:
        """Make one question of those that are the same for several tables."""
        self.shared.collect(
            [
                *(self.asked_rule(proposal) for proposal in self.plan.proposals.values()),
                *(self.asked(kept) for kept in self.plan.kept if asks(kept)),
            ]
        )

    # --- what was adopted

    def adopted(self) -> str:
        plan = self.plan
        lists = [Named("schemas", tuple_of([text(plan.database.schema)]))]
        if plan.database.only:
            lists.append(Named("tables", tuple_of([text(path) for path in plan.database.only])))
        if found := found_paths(plan):
            lists.append(Named("found", tuple_of([text(path) for path in found])))
        code = Call("Adopted(", [f"people={text(plan.database.people.path)}", *lists])
        return code.text(before="ADOPTED = ") + "\n"

    # --- data types

    def types(self) -> list[str]:
        lines: list[str] = []
        for title, proposals in groups(list(self.plan.proposals.values()), self.names.words):
            if title:
                lines.append(f"    # --- {title} {'-' * (100 - len(title))}")
            for proposal in proposals:
                lines += [*self.remarks(proposal), self.data_type(proposal).text(4, after=",")]
        return lines

    def remarks(self, proposal: Proposal) -> Iterator[str]:
        table = proposal.table
        found = "; ".join(f"{owner.column}: {short(owner)}" for owner in proposal.owners)
        yield from comment(f"{table.path}. {found}.", 4)
        for key in table.indexes:
            if key.is_unique or key.constraint:
                kind = "primary key" if key.is_primary else "unique" if key.is_unique else "exclusion"
                condition = f" WHERE {key.predicate}" if key.predicate else ""
                listed = key.constraint or f"({', '.join(key.expressions)})"
                yield from comment(f"{kind} {key.name} {listed}{condition}", 4)
        for found_key in self.plan.database.references_to(table.oid):
            if found_key.on_delete in "cnd":
                effect = {"c": "deletes the rows", "n": "clears it in the rows", "d": "changes the rows"}
                of = f"of {found_key.table.schema}.{found_key.table.name} with it in {', '.join(found_key.columns)}"
                yield from comment(f"a deleted row {effect[found_key.on_delete]} {of} ({found_key.name})", 4)

    def data_type(self, proposal: Proposal) -> Call:
        table = proposal.table
        owners = tuple_of([owner for stand in proposal.owners for owner in self.owner(stand)])
        rule = self.shared.code(self.asked_rule(proposal))
        title = self.names.titles[table.oid]
        sentence = Words(sentence_of(table))
        arguments: list[str | Call] = [
            text(title),
            f"models.{self.names.of_class(table.oid)}",
            owners,
            rule,
            sentence,
        ]
        listed = tuple_of([self.child(child) for child in proposal.children])
        if asked := children.question(self.plan, proposal):
            listed = Call("undecided(", [text(table.path), Words(asked), listed], always=True)
        if proposal.children or asked:
            arguments.append(Named("children", listed))
        if proposal.self_edges != "keep":
            arguments.append(f"self_edges={text(proposal.self_edges)}")
        return Call("DataType(", arguments, always=True)

    def asked_rule(self, proposal: Proposal) -> Asked:
        columns = dict.fromkeys(owner.column for owner in proposal.owners)
        return Asked(
            proposal.table.path,
            tuple(columns),
            rules.question(proposal),
            self.rule(proposal.table, proposal.rule),
        )

    def owner(self, stand: Stand) -> Iterator["str | Call"]:
        """Yield the owner, or one for each kind that means a person."""
        field = text(self.names.field(stand.oid, stand.column))
        holds = self.plan.database.people.holds
        more = [] if holds == "id" else [f"holds={text(holds)}"]
        as_text = ["as_text=True"] if self.is_text(stand) else []
        if stand.form == "array":
            yield self.call("ArrayColumn", [field, *more])
        elif stand.form == "json":
            yield self.call("JsonPath", [field, *map(text, stand.path), *as_text, *more])
        elif stand.form == "kind":
            kind_field = text(self.names.field(stand.oid, stand.kind_column))
            for kind in stand.kinds:
                yield self.call("Polymorphic", [field, kind_field, text(kind), *as_text, *more])
        else:
            yield self.call("Column", [field, *more])

    def is_text(self, stand: Stand) -> bool:
        """Return whether the IDs are texts where those of our own users are numbers."""
        if stand.form == "json":
            return stand.as_text
        column = self.plan.database.tables[stand.oid].columns[stand.column]
        is_ours = self.plan.database.people.holds == "id"
        return is_ours and column.base_type.startswith(("text", "character"))

    def call(self, name: str, arguments: Sequence["str | Call"]) -> Call:
        self.used.add(name)
        return Call(f"{name}(", arguments)

    def rule(self, table: Table, rule: Rule) -> Call:
        if isinstance(rule, Overwrite):
            return self.call("Overwrite", [])
        policy = rule.on_clash if isinstance(rule, Combine) else None
        if policy is None:
            return self.call("Combine", [])
        arguments = []
        if isinstance(policy, Latest | Rename):
            column = policy.by if isinstance(policy, Latest) else policy.field
            arguments = [text(self.names.field(table.oid, column))]
        return self.call("Combine", [Named("on_clash", self.call(type(policy).__name__, arguments))])

    def child(self, child: ChildPlan) -> Call:
        oid = child.table.oid
        arguments: list[str | Call] = [
            f"models.{self.names.of_class(oid)}",
            text(self.names.field(oid, child.column)),
        ]
        if child.goes_with_parent:
            arguments.append("goes_with_parent=True")
        if child.detached:
            arguments.append("detached=True")
        if child.children:
            arguments.append(Named("children", tuple_of([self.child(deeper) for deeper in child.children])))
        return self.call("Child", arguments)

    # --- columns that stay

    def not_transferred(self) -> str:
        entries = {self.path(kept.stand): self.entry(kept) for kept in self.plan.kept}
        if not entries:
            return "NOT_TRANSFERRED: dict[str, str] = {}\n"
        return "\n".join(["NOT_TRANSFERRED = {", *(entries[path] for path in sorted(entries)), "}", ""])

    def entry(self, kept: Kept) -> str:
        """Return the line of the column. Of several columns with one question, only the first one's asks it."""
        asked = self.asked(kept)
        code = self.shared.code(asked) if asks(kept) or asked.sort in self.shared.names else asked.value
        before = f"{text(self.path(kept.stand))}: "
        shown = f"    {before}{code}," if isinstance(code, str) else code.text(4, before=before, after=",")
        aside = self.plan.aside.get(kept.stand.oid)
        otherwise = self.otherwise(aside) if aside and kept.stand == aside.owners[0] else ()
        return "\n".join([*otherwise, *comment(kept.remark, 4), shown])

    def otherwise(self, aside: Proposal) -> Iterator[str]:
        """Yield the data type for those who answer the question the other way, as a comment."""
        used = set(self.used)
        code = self.data_type(aside).text(4, after=",")
        more, self.used = sorted(self.used - used), used
        lines = ", ".join(f'"{self.path(owner)}"' for owner in aside.owners)
        imports = " and import decided from adopting.questions"
        imports += f", {' and '.join(more)} from transfers.rules" if more else ""
        yield from comment(
            f"To transfer them, move these lines to DATA_TYPES without the #, remove {lines} here{imports}:",
            4,
        )
        yield from (f"    # {line.removeprefix('    ')}" for line in code.splitlines())

    def path(self, stand: Stand) -> str:
        """Return the column as the app and its model name it."""
        names = self.names
        return f"{names.app}.{names.of_class(stand.oid)}.{names.field(stand.oid, stand.column)}"

    def asked(self, kept: Kept) -> Asked:
        columns = kept.columns or (kept.stand.column,)
        path = self.plan.database.tables[kept.stand.oid].path
        return Asked(path, columns, kept.question, Words(kept.reason), is_about_columns=True)


# --- Parts -----------------------------------------------------------------------------------------------------------


def asks(kept: Kept) -> bool:
    return kept.stand.column in kept.columns[:1] or not kept.columns


def tuple_of(items: Sequence["str | Call"]) -> Call:
    return Call("(", items)


def imported(module: str, names: list[str]) -> list[str]:
    return (
        [Call(f"from {module} import ", names, "").flat()]
        if len(", ".join(names)) < 70
        else [Call(f"from {module} import (", names, always=True).text()]
    )


def schemas_of(plan: Plan) -> list[str]:
    return list(dict.fromkeys(table.relation.schema for table in plan.database.tables.values()))


def found_paths(plan: Plan) -> list[str]:
    """Return the columns without a foreign key in which people were found."""
    tables = plan.database.tables
    stands = [stand for stand in plan.stands if not stand.is_foreign_key]
    return sorted({f"{tables[stand.oid].path}.{stand.column}" for stand in stands})


def sentence_of(table: Table) -> str:
    words = " ".join(table.comment.split())
    sentence = words if words else f"Rows of {table.path}"
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def short(stand: Stand) -> str:
    if stand.is_foreign_key:
        return f"foreign key to {stand.target}"
    named = f", where {stand.kind_column} is {' or '.join(stand.kind_names)}" if stand.kind_names else ""
    if stand.share is None:
        return f"found by its name, the sample has no value{named}"
    return f"of {stand.seen} sampled values {stand.share:.0%} are people{named}"


def groups(
    proposals: list[Proposal], title: Callable[[Table], list[str]]
) -> Iterator[tuple[str, list[Proposal]]]:
    """Yield the proposals by the first word of their tables, if several tables share one, the rest at the end."""
    by_word: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        words = title(proposal.table)
        by_word.setdefault(words[0] if words else "", []).append(proposal)
    alone = [proposal for found in by_word.values() if len(found) == 1 for proposal in found]
    shared = {word: found for word, found in by_word.items() if len(found) > 1}
    for word, found in shared.items():
        yield word.capitalize(), found
    if alone:
        yield ("Others" if shared else ""), alone
