"""Find files that are opened by a literal path and are not in the image, and the loading of pickles."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Problem

if TYPE_CHECKING:
    from hatch_mlpackage.project.sources.environment import ImageEnvironment
    from hatch_mlpackage.project.sources.read import Call, SourceFile
    from hatch_mlpackage.project.sources.tree import Tree

UNPACKED, PICKLE = "unpacked-file", "unpickling"

# Function → the name of its first argument, which is the path of a file that it reads.
_READS = {
    "io.open": "file",
    "joblib.load": "filename",
    "lightgbm.Booster": "model_file",
    "numpy.genfromtxt": "fname",
    "numpy.load": "file",
    "numpy.loadtxt": "fname",
    "onnx.load": "f",
    "onnxruntime.InferenceSession": "path_or_bytes",
    "open": "file",
    "pandas.read_csv": "filepath_or_buffer",
    "pandas.read_excel": "io",
    "pandas.read_feather": "path",
    "pandas.read_hdf": "path_or_buf",
    "pandas.read_json": "path_or_buf",
    "pandas.read_parquet": "path",
    "pandas.read_pickle": "filepath_or_buffer",
    "pandas.read_table": "filepath_or_buffer",
    "torch.jit.load": "f",
    "torch.load": "f",
    "xgboost.Booster": "model_file",
    ".load_model": "fname",
    ".read_bytes": "",
    ".read_text": "",
}
_PICKLES = frozenset(
    {
        "cloudpickle.load",
        "cloudpickle.loads",
        "dill.load",
        "dill.loads",
        "joblib.load",
        "pandas.read_pickle",
        "pickle.load",
        "pickle.loads",
        "sklearn.externals.joblib.load",
        "torch.load",
    }
)
_SAFE_TORCH = "2.6"  # since then torch.load reads only weights by default (its release notes)
# A user's folder on Linux, macOS or Windows, or a drive: only one machine has it.
_ONE_MACHINE = re.compile(r"/home/|/Users/|/root/|/mnt/[a-z]/|[A-Za-z]:[\\/]")
_MODEL_DIR = 'os.environ["AZUREML_MODEL_DIR"]'


def unpacked_files(tree: Tree, packed: Iterable[str], root: Path, models: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the files that are read by a literal path and are not in the image.

    `packed` are paths below the app root, where the worker runs. `models` maps a declared model's path in the project
    to its path in the image.
    """
    there = frozenset(packed)
    seen: set[str] = set()
    for path, file in tree.reached.items():
        for call in file.calls:
            opened = _read_path(call) if call.when == "always" or path == tree.entry else ""
            if opened and call.when != "guarded" and opened not in seen and not _is_there(opened, there):
                seen.add(opened)
                yield from _unpacked(opened, f"{file.path}:{call.node.lineno}", file, root, models)


def _is_there(opened: str, there: frozenset[str]) -> bool:
    place = posixpath.normpath(opened)
    return place in there or any(path.startswith(f"{place}/") for path in there)


def _unpacked(opened: str, where: str, file: SourceFile, root: Path, models: Mapping[str, str]) -> Iterator[Problem]:
    if _ONE_MACHINE.match(opened):
        what, fix = (
            "is a path that only one machine has.",
            "Declare it as a model, or put it into the source-directory.",
        )
        yield Problem(where=where, what=f"'{opened}' {what}", fix=fix, level="warning", code=UNPACKED)
        return
    if posixpath.isabs(opened) or opened.startswith(("~", "..")):
        return
    model = next((path for path in models if f"{posixpath.normpath(opened)}/".startswith(f"{path}/")), "")
    if model:
        inside = posixpath.normpath(opened).removeprefix(model)
        fix = f'Open os.path.join({_MODEL_DIR}, "{models[model]}{inside}").'
        what = f"'{opened}' is a model, which has another path in the image."
    elif (root / opened).exists():
        fix = "Put it into the source-directory and open it below Path(__file__).parent, or declare it as a model."
        what = f"'{opened}' is in the project, but not where the image's server runs."
    elif file.strings.count(opened) > 1:  # the code also looks for it or writes it
        return
    else:
        fix, what = "Declare it as a model, or put it into the source-directory.", f"'{opened}' is not in the image."
    yield Problem(where=where, what=what, fix=fix, level="warning", code=UNPACKED)


def _read_path(call: Call) -> str:
    """Return the literal path of the file that a call reads, or ""."""
    if call.name not in _READS:
        return ""
    keyword = _READS[call.name]
    if not keyword or (call.name.startswith(".") and not call.node.args):
        receiver = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
        return _literal(receiver) if isinstance(receiver, ast.Call | ast.BinOp) else ""
    if call.name in {"open", "io.open"} and _mode(call.node) not in {"r", "rb", "rt", "r+", "r+b", "rb+"}:
        return ""
    named = next((given.value for given in call.node.keywords if given.arg == keyword), None)
    path = _literal(call.node.args[0] if call.node.args else named)
    # A URL, a registry's name for a model, or any other text is not a path.
    return "" if re.match(r"[a-z][a-z0-9+.-]+:", path) or not re.search(r"[./\\]", path) or "\n" in path else path


def _mode(node: ast.Call) -> str:
    given = node.args[1] if len(node.args) > 1 else next((kw.value for kw in node.keywords if kw.arg == "mode"), None)
    if given is None:
        return "r"
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


def _literal(node: ast.expr | None) -> str:
    """Return a path that the source spells out, as a string, `Path("a") / "b"` or `os.path.join("a", "b")`, or ""."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(text))):
            return posixpath.join(_literal(left), text) if _literal(left) else ""
        case ast.Call(func=ast.Name(id="Path" | "PurePath") | ast.Attribute(attr="Path" | "join"), args=[*parts]) if (
            parts
        ):
            words = [_literal(part) for part in parts]
            return posixpath.join(*words) if all(words) else ""
    return ""


def unpickling(tree: Tree, environment: ImageEnvironment) -> Iterator[Problem]:
    """Say what loading a pickle means, at the first place that loads one."""
    for file in tree.reached.values():
        for call in file.calls:
            if call.name in _PICKLES and not _is_safe(call, environment):
                yield Problem(
                    where=f"{file.path}:{call.node.lineno}",
                    what=f"{call.name} runs whatever code the file holds.",
                    fix="Package only models whose origin you know; ONNX, safetensors and skops files hold none.",
                    level="hint",
                    code=PICKLE,
                )
                return


def unpickles(tree: Tree) -> bool:
    """Tell whether the sources load a file that may import packages of its own."""
    return any(
        call.name in _PICKLES or call.name.endswith("load_model")
        for file in tree.reached.values()
        for call in file.calls
    )


def _is_safe(call: Call, environment: ImageEnvironment) -> bool:
    if call.name != "torch.load":
        return False
    given = next((kw.value for kw in call.node.keywords if kw.arg == "weights_only"), None)
    if isinstance(given, ast.Constant):
        return bool(given.value)
    return given is None and environment.has("torch", since=_SAFE_TORCH)
