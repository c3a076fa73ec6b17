"""Read PyTorch's TorchScript, exported programs and pickles by hand: a bare `hatch build` has no PyTorch."""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.project.model_facts.facts import ModelFacts, Tensor, UnreadableModelError
from hatch_mlpackage.project.model_facts.pickled import Unpickled, read_pickle
from hatch_mlpackage.project.model_facts.stand_ins import ImportedName, Made
from hatch_mlpackage.project.model_facts.text import parse_function, parse_json

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.archive import Archive
    from hatch_mlpackage.project.model_facts.budget import Budget
    from hatch_mlpackage.project.model_facts.model_file import ModelFile

PICKLE = "it is a pickle of a module, which is a program that runs when it is loaded"
_EXPORT = "export it with torch.export.save, or script it with torch.jit.script"
# The names in a pickle that holds only tensors.
_HARMLESS = re.compile(
    r"collections\.OrderedDict|builtins\.set|__builtin__\.set|torch(\.storage)?\.\w*Storage|torch\._utils\._rebuild_\w+"
    r"|torch\.(Size|device|serialization\._get_layout|b?float\d*|u?int\d+|bool|double|half|long|int|short)"
)
# torch's ScalarType as exported programs number it (torch/_export/serde/schema.py).
_TYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    12: "bool",
    28: "uint16",
}
_ONE = (Tensor(name="output", type=""),)  # several may be in a list, a tuple or a dict
_PROGRAMS = ("models/model.json", "serialized_exported_program.json")  # since 2.8, and before


def read_pytorch(model: ModelFile) -> ModelFacts:
    """Read a file of torch.jit.save, torch.export.save or torch.save."""
    with model.file() as file:
        if not zipfile.is_zipfile(file):
            raise UnreadableModelError(f"it is not an archive of PyTorch 1.6 or later: {_EXPORT}")
    with model.archive() as archive:
        program = next((name for name in archive.names if name.endswith(_PROGRAMS)), None)
        if program is not None:
            return _exported(archive, program, model.budget)
        top = archive.names[0].partition("/")[0]
        unpickled = read_pickle(archive.stream(f"{top}/data.pkl"))
        maker = unpickled.root.maker if isinstance(unpickled.root, Made) else None
        if isinstance(maker, ImportedName) and maker.module.startswith("__torch__"):
            return _script(archive, top, maker, model.budget)
    return _pickle(unpickled)


def _pickle(unpickled: Unpickled) -> ModelFacts:
    root = unpickled.root
    if not isinstance(root, Made) or root.type == "collections.OrderedDict":
        raise UnreadableModelError(f"it holds weights without the program that uses them: {_EXPORT}")
    if unpickled.own:
        raise UnreadableModelError(f"it needs {unpickled.own} from the program that trained it: {_EXPORT}")
    return ModelFacts(
        inputs=(Tensor(name="data", type="float32"),),
        signatures=("pickle",),
        runs_code=PICKLE,
        modules=frozenset(name.module.partition(".")[0] for name in unpickled.names),
        missing=("the version of PyTorch that made it", "what it takes"),
    )


def _script(archive: Archive, top: str, root: ImportedName, budget: Budget) -> ModelFacts:
    """Read the arguments of forward() from the source that TorchScript keeps, which has no shapes."""
    source = archive.read(f"{top}/code/{root.module.replace('.', '/')}.py").decode()
    forward = parse_function(_head_of_forward(source, root.name), budget)
    arguments = forward.args.args[1:]
    required = arguments[: len(arguments) - len(forward.args.defaults)]
    for argument in required:
        kind = ast.unparse(argument.annotation) if argument.annotation else "Tensor"
        if kind != "Tensor":
            raise UnreadableModelError(f"its forward() takes '{argument.arg}', a {kind}, and not tensors alone")
    return ModelFacts(
        inputs=tuple(Tensor(name=argument.arg, type="float32") for argument in required),
        outputs=_ONE if forward.returns and ast.unparse(forward.returns) == "Tensor" else (),
        signatures=("script",),
        missing=("the version of PyTorch that made it", "what it takes"),
    )


def _head_of_forward(source: str, name: str) -> str:
    """Return the first lines of a class's forward(), up to its body, as a function of its own."""
    class_ = re.search(rf"(?m)^class {re.escape(name)}\b", source)
    after = source[class_.end() :] if class_ else ""
    next_class = after.find("\nclass ")
    start = after.find("\n  def forward(", 0, next_class if next_class >= 0 else None)
    end = after.find(":\n", start)
    if min(start, end) < 0:
        raise UnreadableModelError("its module has no forward()")
    return f"{after[start:end].lstrip()}: pass"


def _exported(archive: Archive, program: str, budget: Budget) -> ModelFacts:
    """Read the inputs of an exported program from its description in JSON."""
    _refuse_programs(archive)
    document: Any = parse_json(archive.read(program), budget)
    module = document["graph_module"]
    values = module["graph"]["tensor_values"]
    given = [spec["user_input"]["arg"] for spec in module["signature"]["input_specs"] if "user_input" in spec]
    if any("as_tensor" not in argument for argument in given) or any(
        "constant_input" in spec for spec in module["signature"]["input_specs"]
    ):
        raise UnreadableModelError("it takes something other than tensors")
    returned = [spec for spec in module["signature"].get("output_specs", ()) if "user_output" in spec]
    _require_positions(module["module_call_graph"], len(given), budget)
    version = document.get("torch_version")
    known = isinstance(version, str) and bool(re.match(r"\d+(\.\d+)+", version))
    return ModelFacts(
        versions={"torch": str(version).partition("+")[0]} if known else {},
        inputs=tuple(_tensor(argument["as_tensor"]["name"], values) for argument in given),
        outputs=_ONE if len(returned) == 1 else (),
        signatures=("program",),
        missing=() if known else ("the version of PyTorch that made it",),
    )


def _require_positions(calls: list[dict[str, Any]], count: int, budget: Budget) -> None:
    """Check that forward() takes each input as one positional argument, in this order."""
    whole = next(call["signature"] for call in calls if call["fqn"] == "")
    positional, keywords = parse_json(whole["in_spec"], budget)[1]["children_spec"]
    plain = [child for child in positional["children_spec"] if child["type"] is None]
    if keywords["children_spec"] or len(plain) != len(positional["children_spec"]) or len(plain) != count:
        raise UnreadableModelError("its forward() takes keyword arguments, or tensors in lists or dicts")


def _tensor(name: str, values: dict[str, Any]) -> Tensor:
    about = values[name]
    if about["dtype"] not in _TYPES:
        raise UnreadableModelError(f"its input '{name}' has a type that numpy lacks")
    return Tensor(
        name=name, type=_TYPES[about["dtype"]], shape=tuple(size.get("as_int", -1) for size in about["sizes"])
    )


def _refuse_programs(archive: Archive) -> None:
    """Refuse a program with a pickle of more than tensors, which torch.export.load would fall back to."""
    strange = sorted({str(name) for name in _names_in(archive) if not _HARMLESS.fullmatch(str(name))})
    if strange:
        raise UnreadableModelError(f"a pickle in it names {', '.join(strange)}, which no tensor needs")


def _names_in(archive: Archive) -> Iterator[ImportedName]:
    for member in archive.names:
        if member.endswith(".pkl"):
            yield from read_pickle(archive.stream(member)).names
        elif member.endswith(".pt"):
            yield from _names_in(archive.inner(member))
