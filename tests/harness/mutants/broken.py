"""Replace a file of the engine with its mutant in the current process."""

import inspect
import types
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.harness.mutants.mutations import Mutant


def break_engine(mutant: Mutant) -> None:
    engine("stage").plan_cache.clear()
    if mutant.file.endswith(".sql"):
        break_statement(mutant)
    else:
        break_module(mutant)


def engine(name: str) -> Any:
    """Import a module of the engine, which is only possible after django.setup()."""
    return import_module(f"transfers.engine.{name}")


def break_statement(mutant: Mutant) -> None:
    right = engine("compiler.steps").sql_file

    def sql_file(name: str) -> str:
        return mutant.text if Path(name).stem == mutant.step else right(name)

    for name in ("compiler.steps", "stage", "batch", "prediction"):
        engine(name).sql_file = sql_file


def break_module(mutant: Mutant) -> None:
    """Replace constants, and the code inside each function, because other modules may have imported the function."""
    module = import_module(f"transfers.{mutant.file.removesuffix('.py').replace('/', '.')}")
    broken: dict[str, Any] = {**vars(module)}
    exec(compile(mutant.text, mutant.file, "exec"), broken)
    for name, right in list(vars(module).items()):
        replace(module, name, right, broken[name])


def replace(place: Any, name: str, right: Any, wrong: Any) -> None:
    right_code, wrong_code = code_holder(right), code_holder(wrong)
    if isinstance(right_code, types.FunctionType) and isinstance(wrong_code, types.FunctionType):
        right_code.__code__ = wrong_code.__code__
    elif inspect.isclass(right) and right is not wrong:
        for attribute, inner in list(vars(right).items()):
            if attribute in vars(wrong):
                replace(right, attribute, inner, vars(wrong)[attribute])
    elif isinstance(right, dict) and not name.startswith("__") and right is not wrong:
        right.update(wrong)
    elif is_constant(name, right) and right != wrong and not inspect.isclass(place):
        setattr(place, name, wrong)


def is_constant(name: str, value: Any) -> bool:
    return not (name.startswith("__") or callable(value) or inspect.ismodule(value))


def code_holder(value: Any) -> Any:
    """Return the plain function behind a property or decorated function, or the value itself."""
    value = value.fget if isinstance(value, property) else value
    return inspect.unwrap(value) if callable(value) else value
