# SPDX-License-Identifier: GPL-2.0-or-later

"""The mutants of a C file: each operator applied to each node of its syntax tree that it fits."""

import re

import tree_sitter
import tree_sitter_c

from .mutant import ROOT, Mutant

SWAPS = {
    "compare": {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="},
    "logic": {"&&": "||", "||": "&&"},
    "arithmetic": {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "+=": "-=", "-=": "+="},
    "bits": {"&": "|", "|": "&", "<<": ">>", ">>": "<<", "|=": "&=", "&=": "|="},
}
OPERATORS = {old: (name, new) for name, swaps in SWAPS.items() for old, new in swaps.items()}

INTERFACE = (ROOT / "csrc" / "pymig.h").read_text()
CAPABILITIES = re.findall(r"^    MIGRATION_CAPABILITY_([A-Z]\w+)", INTERFACE, re.MULTILINE)
RELEASES = re.findall(r"^    QEMU_(\d\w+),", INTERFACE, re.MULTILINE)
WORDS = {"ALWAYS": "NEVER", "NEVER": "ALWAYS", "EINVAL": "EIO", "ENOENT": "EIO", "EAGAIN": "EIO", "EBUSY": "EIO"}

# Not code that this machine runs, or not code at all.
SKIPPED = ("comment", "preproc_include", "preproc_def", "preproc_function_def")


def _other(names, name):
    """Another name, always the same one."""
    return names[(names.index(name) + 7) % len(names)]


def _binary(node, text):
    operator = node.child_by_field_name("operator")
    if text(operator) in OPERATORS:
        name, new = OPERATORS[text(operator)]
        yield name, operator, new
    if text(operator) == "|":
        yield "flags", node, text(node.child_by_field_name("left"))
        yield "flags", node, text(node.child_by_field_name("right"))


def _unary(node, text):
    if text(node)[0] in "!~":
        yield "negation", node, text(node)[1:]


def _condition(node, text):
    condition = node.child_by_field_name("condition")
    if condition is not None:
        yield "condition", condition, f"(!({text(condition)}))"


def _number(node, text):
    number = re.fullmatch(r"(0[xX][0-9a-fA-F]+|[1-9]\d*|0)([uUlL]*)", text(node))
    if number and node.parent.type not in ("array_declarator", "ERROR", "bitfield_clause"):
        value, suffix = int(number[1], 0), number[2]
        yield "constant", node, f"{value + 1}{suffix}"
        if value > 0:
            yield "constant", node, f"{value - 1}{suffix}"


def _truth(node, text):
    yield "constant", node, "false" if text(node) == "true" else "true"


def _statement(node, text):
    if node.type != "expression_statement" or node.named_child(0).type in (
        "call_expression",
        "assignment_expression",
        "update_expression",
    ):
        yield "statement", node, ";"


def _return(node, text):
    if node.named_child_count and text(node.named_child(0)) not in ("0", "NULL", "false"):
        yield "return", node.named_child(0), "0"


def _string(node, text):
    yield "text", node, text(node)[:-1] + '~"'


def _identifier(node, text):
    name = text(node)
    if name in CAPABILITIES and node.parent.type == "argument_list":
        yield "capability", node, _other(CAPABILITIES, name)
    if name in WORDS:
        yield "constant", node, WORDS[name]


def _call(node, text):
    arguments = node.child_by_field_name("arguments")
    if text(node.child_by_field_name("function")) in ("FROM", "BEFORE", "ONLY", "BETWEEN"):
        for release in re.finditer(r"\w+", text(arguments)):
            if release[0] in RELEASES:
                changed = text(arguments)[: release.start()] + _other(RELEASES, release[0])
                yield "release", arguments, changed + text(arguments)[release.end() :]


NODES = {
    "binary_expression": _binary,
    "assignment_expression": _binary,
    "unary_expression": _unary,
    "if_statement": _condition,
    "while_statement": _condition,
    "for_statement": _condition,
    "conditional_expression": _condition,
    "number_literal": _number,
    "true": _truth,
    "false": _truth,
    "expression_statement": _statement,
    "continue_statement": _statement,
    "break_statement": _statement,
    "return_statement": _return,
    "string_literal": _string,
    "identifier": _identifier,
    "call_expression": _call,
}


def _name_of(node, text):
    """The name that a function or a table has; None for other nodes."""
    if node.type not in ("function_definition", "init_declarator"):
        return None
    while node is not None and node.type != "identifier":
        node = node.child_by_field_name("declarator")
    return node and text(node)


def _is_skipped(node, text):
    foreign = node.type == "preproc_if" and "__aarch64__" in text(node)
    return node.type in SKIPPED or foreign or text(node).startswith("_Static_assert")


def mutants(path, source):
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))

    def text(node):
        return source[node.start_byte : node.end_byte].decode()

    def walk(node, where):
        if _is_skipped(node, text):
            return
        where = where or _name_of(node, text) or ""
        for operator, changed, new in NODES.get(node.type, lambda *_: ())(node, text):
            yield Mutant(path, source, changed.start_byte, changed.end_byte, new.encode(), operator, where)
        for child in node.children:
            yield from walk(child, where)

    return list(walk(parser.parse(source).root_node, ""))
