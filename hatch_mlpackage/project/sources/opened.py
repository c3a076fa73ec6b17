"""Find files that are opened by a literal path and are not in the image, and the loading of pickles."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Problem
from hatch_mlpackage.files.typed_tables import nearest

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
# What a script calls that looks for a file before it opens it, or makes it.
_LOOKS = frozenset(
    {".exists", ".is_dir", ".is_file", ".mkdir", "os.makedirs", "os.path.exists", "os.path.isdir", "os.path.isfile"}
)
_MOST_SHOWN = 5
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


def missing_models(tree: Tree, packed: Iterable[str], model_dir: str) -> Iterator[Problem]:
    """Yield the literal paths below AZUREML_MODEL_DIR that no declared model has.

    `packed` are paths below the app root, and so is `model_dir`, the folder that the variable names.
    """
    below = [path.removeprefix(f"{model_dir}/") for path in packed if path.startswith(f"{model_dir}/")]
    there = frozenset(below)
    for path, file in tree.reached.items() if there else ():
        if any(call.name in _LOOKS for call in file.calls):
            continue  # the script looks for what there is
        certain = [it for it in file.model_paths if it.when == "always" or (path == tree.entry and it.when == "maybe")]
        longest = [it for it in certain if not any(other.path.startswith(f"{it.path}/") for other in certain)]
        for opened in longest:
            if not (_is_there(opened.path, there) or opened.path.startswith(("..", "/")) or "*" in opened.path):
                yield Problem(
                    where=f"{file.path}:{opened.line}",
                    what=f"'{opened.path}' is not in AZUREML_MODEL_DIR.",
                    fix=_nearest_model(opened.path, below),
                    level="warning",
                    code=UNPACKED,
                )


def _nearest_model(opened: str, below: list[str]) -> str:
    """Suggest the path of a declared model: one with the same name, or with the name that is most like it."""
    names = {posixpath.basename(path): path for path in reversed(below)}
    close = nearest(posixpath.basename(opened), names) or nearest(opened, below)
    if close:
        return f"Did you mean '{names.get(close, close)}'?"
    return f"It has {', '.join(below[:_MOST_SHOWN])}{', …' if len(below) > _MOST_SHOWN else ''}."


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
