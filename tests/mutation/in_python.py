# SPDX-License-Identifier: GPL-2.0-or-later

"""The mutants of a Python file: each operator applied to each node of its syntax tree that it fits."""

import ast
import copy

from .mutant import Mutant

SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


def _with(node, **fields):
    node = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(node, name, value)
    return f"({ast.unparse(node)})"


def _compare(node):
    for i, op in enumerate(node.ops):
        yield "compare", node, _with(node, ops=[*node.ops[:i], SWAPS[type(op)](), *node.ops[i + 1 :]])


def _operation(node):
    if type(node.op) in SWAPS:
        yield "logic" if isinstance(node, ast.BoolOp) else "arithmetic", node, _with(node, op=SWAPS[type(node.op)]())


def _unary(node):
    if isinstance(node.op, (ast.Not, ast.Invert)):
        yield "negation", node, f"({ast.unparse(node.operand)})"


def _condition(node):
    yield "condition", node.test, f"(not ({ast.unparse(node.test)}))"


def _comprehension(node):
    for test in node.ifs:
        yield "condition", test, f"(not ({ast.unparse(test)}))"


def _constant(node):
    if isinstance(node.value, bool):
        yield "constant", node, repr(not node.value)
    elif isinstance(node.value, int):
        yield "constant", node, repr(node.value + 1)
        yield "constant", node, repr(node.value - 1)
    elif isinstance(node.value, str):
        yield "text", node, repr(node.value + "~")


def _statement(node):
    if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call):
        yield "statement", node, "pass"


def _return(node):
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield "return", node.value, "None"


NODES = {
    ast.Compare: _compare,
    ast.BoolOp: _operation,
    ast.BinOp: _operation,
    ast.UnaryOp: _unary,
    ast.If: _condition,
    ast.While: _condition,
    ast.IfExp: _condition,
    ast.comprehension: _comprehension,
    ast.Constant: _constant,
    ast.Expr: _statement,
    ast.Raise: _statement,
    ast.AugAssign: _statement,
    ast.Continue: _statement,
    ast.Return: _return,
}


def _is_overload(node):
    return any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)


def _code_of(node):
    """The children that run: no annotations, docstrings, help texts, nor what only a type checker reads."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_silent(child):
                yield child


def _is_silent(node):
    match node:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.keyword(arg="help" | "metavar" | "description"):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__" | "TYPE_CHECKING")]):
            return True
        case ast.FunctionDef():
            return _is_overload(node)
    return False


def mutants(path, source):
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def walk(node, where):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            where = f"{where}.{node.name}".lstrip(".")
        for operator, changed, new in NODES.get(type(node), lambda _: ())(node):
            start = starts[changed.lineno - 1] + changed.col_offset
            end = starts[changed.end_lineno - 1] + changed.end_col_offset
            yield Mutant(path, source, start, end, new.encode(), operator, where)
        for child in _code_of(node):
            yield from walk(child, where)

    return list(walk(ast.parse(source), ""))
