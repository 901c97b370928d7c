"""What code reads of Discord's objects, found by its types: the ways in by which words of people come.

Nothing here is a list of functions. Whatever a module is made of is walked, and so is every module of the bot
that it imports, and what those import.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mypy.build import BuildResult, build
from mypy.modulefinder import BuildSource
from mypy.nodes import (
    CallExpr,
    ClassDef,
    Expression,
    FuncDef,
    MemberExpr,
    MypyFile,
    Node,
    OpExpr,
    RefExpr,
    StrExpr,
    TypeInfo,
)
from mypy.options import Options
from mypy.patterns import ClassPattern
from mypy.types import AnyType, Instance, TupleType, Type, TypeVarType, UnionType, get_proper_type

ROOT = Path(__file__).parents[2]
UNKNOWN = "?"
"""Stands for a type that is not known, so that it could be anything."""
WHOLE = "as text"
"""Stands for reading the object itself, which has its name for a text."""
HIDDEN = {"operator.attrgetter", "operator.methodcaller", "builtins.vars"}
"""What reads attributes that stand nowhere in the code as such."""
AS_TEXT = {"builtins.str", "builtins.repr", "builtins.format", "builtins.ascii"}
MEANINGS = {"node", "info", "type", "names", "analyzed", "definition", "metaclass_type"}
"""Where mypy keeps what a name stands for, which is code of other places."""


class Read(NamedTuple):
    """An attribute that a function reads of an object of this class."""

    function: str
    kind: str
    attribute: str

    @property
    def entrance(self) -> tuple[str, str]:
        return self.kind, self.attribute


def below(*places: str) -> set[str]:
    """The modules of packages, and modules, by their dotted names."""
    found = set()
    for place in places:
        path = ROOT / place.replace(".", "/")
        files = path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
        found |= {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files}
    return {name.removesuffix(".__init__") for name in found}


def reads(modules: Collection[str], changed: Mapping[str, str] | None = None) -> set[Read]:
    """All that these modules, and those of the bot that they import, read of Discord's objects.

    ``changed`` has the source text of modules that are not to be taken from their files. What is read of
    objects of no known type counts in the modules that are named here, not in what they import.
    """
    texts = _with_imported({*modules, *(changed or ())}, changed or {})
    options = Options()
    options.python_version = (3, 11)
    options.cache_dir = "/dev/null"
    options.incremental = False
    options.export_types = True
    options.preserve_asts = True
    # What others wrote is only asked for its types.
    options.per_module_options = {"*": {"preserve_asts": False}, "bot.*": {"preserve_asts": True}}
    options.check_untyped_defs = True
    options.explicit_package_bases = True
    options.mypy_path = [str(ROOT)]
    sources = [BuildSource(str(_path(name)), name, text) for name, text in texts.items()]
    result = build(sources, options)
    assert not result.errors, result.errors
    own = {*modules, *(changed or ())}
    found = {read for name in texts for read in _of_module(result, name, is_own=name in own)}
    assert found, "whatever looked at these modules saw nothing"
    return found


def _path(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _with_imported(modules: set[str], changed: Mapping[str, str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    left = sorted(modules)
    while left:
        name = left.pop()
        if name in texts:
            continue
        texts[name] = changed.get(name) or _path(name).read_text(encoding="utf-8")
        left += [each for each in _imported(texts[name]) if each in changed or _path(each).exists()]
    return texts


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None, "imports are absolute"
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == "bot")


def _of_module(result: BuildResult, name: str, *, is_own: bool) -> set[Read]:
    tree = result.graph[name].tree
    assert tree is not None
    reader = _Reader(result.types)
    reader.walk(tree, name)
    return {read for read in reader.found if is_own or read.kind != UNKNOWN}


class _Reader:
    """Walks a module and keeps what it reads: mypy lets nobody derive from its own visitors."""

    def __init__(self, types: dict[Expression, Type]) -> None:
        self.found: set[Read] = set()
        self._types = types
        self._walked: set[int] = set()

    def walk(self, node: Node, where: str) -> None:
        """Keep what is read in here; ``where`` is the function or class around it."""
        if id(node) in self._walked:
            return
        self._walked.add(id(node))
        if isinstance(node, FuncDef | ClassDef):
            where = f"{where}.{node.name}"
        for kind, attribute in self._read(node):
            self.found.add(Read(where, kind, attribute))
        for child in _children(node):
            self.walk(child, where)

    def _read(self, node: Node) -> Iterator[tuple[str, str]]:
        if isinstance(node, RefExpr) and node.fullname in HIDDEN:
            yield UNKNOWN, node.fullname
        if isinstance(node, MemberExpr) and not isinstance(node.node, MypyFile | TypeInfo):
            if not _is_module(node.expr):
                yield from ((kind, node.name) for kind in _kinds(self._types.get(node.expr)))
        elif isinstance(node, ClassPattern) and node.class_ref.fullname.startswith("discord."):
            yield from ((node.class_ref.fullname.rpartition(".")[2], name) for name in node.keyword_keys)
        elif isinstance(node, CallExpr):
            yield from self._called(node)
        elif isinstance(node, OpExpr) and node.op == "%":
            yield from ((kind, WHOLE) for kind in _deep(self._types.get(node.right)))

    def _called(self, call: CallExpr) -> Iterator[tuple[str, str]]:
        callee = call.callee
        name = callee.fullname if isinstance(callee, RefExpr) else ""
        if name == "builtins.getattr":
            attribute = call.args[1]
            read = attribute.value if isinstance(attribute, StrExpr) else UNKNOWN
            yield from ((kind, read) for kind in _kinds(self._types.get(call.args[0])))
        # An f-string is a call of its pieces' format; what makes a text may also be handed over, as to map.
        makers = [callee, *call.args]
        if any(isinstance(each, RefExpr) and each.fullname in AS_TEXT for each in makers) or (
            isinstance(callee, MemberExpr) and callee.name == "format"
        ):
            for argument in call.args:
                yield from ((kind, WHOLE) for kind in _deep(self._types.get(argument)))


def _children(node: Node) -> Iterator[Node]:
    """What stands inside a piece of code; not what its names mean, which stands elsewhere."""
    for kind in type(node).__mro__:
        for name in getattr(kind, "__mypyc_attrs__", ()):
            if name not in MEANINGS:
                yield from _nodes(getattr(node, name, None))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node) and not isinstance(value, TypeInfo):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _nodes(each)


def _is_module(expression: Expression) -> bool:
    return isinstance(expression, RefExpr) and isinstance(expression.node, MypyFile)


def _kinds(type_: Type | None) -> Iterator[str]:
    """The classes of Discord's that something may be of; unknown where anything goes."""
    proper = get_proper_type(type_)
    if proper is None or isinstance(proper, AnyType):
        yield UNKNOWN
    elif isinstance(proper, UnionType):
        for item in proper.items:
            yield from _kinds(item)
    elif isinstance(proper, TypeVarType):
        yield from _kinds(proper.upper_bound)
    elif isinstance(proper, Instance) and proper.type.fullname.startswith("discord."):
        yield proper.type.name


def _deep(type_: Type | None) -> Iterator[str]:
    """The classes of Discord's that something is of or holds."""
    proper = get_proper_type(type_)
    if isinstance(proper, UnionType | TupleType):
        for item in proper.items:
            yield from _deep(item)
    elif isinstance(proper, Instance):
        for item in proper.args:
            yield from _deep(item)
        yield from (kind for kind in _kinds(proper) if kind != UNKNOWN)
