# SPDX-License-Identifier: GPL-2.0-or-later

"""Prints ``pymig/_core.pyi``, the types of the extension module, made from ``csrc/pymig.h``: run ``make stub``.

C's structs become classes. One class stands for the struct, for a pointer to one and for an array of them, because cffi
gives all three the same fields. Integers, enums and their constants are ``int``, every pointer to integers is
``Numbers``, every pointer to ``char`` is ``Chars``.
"""

from __future__ import annotations

import builtins
import re
import sys
from typing import TYPE_CHECKING

from cffi_build import HERE, declarations
from pycparser import c_ast, c_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGERS = ("int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "size_t")
BUILT_IN = {"char": "Chars", "bool": "bool", "float": "float", "double": "float", "void": "None"}
WIDTH = 120

HEAD = """\
# SPDX-License-Identifier: GPL-2.0-or-later

# The types of the extension module. Made from csrc/pymig.h by csrc/stub.py: do not edit, run `make stub`.
# At run time the module holds ffi and lib alone; import the classes for annotations only.
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Generic, Literal, TypeVar, overload

from typing_extensions import Buffer, Self

_T = TypeVar("_T", bound=CData)

class CData:
    def __getitem__(self, index: int, /) -> Any: ...
    def __int__(self) -> int: ...
    def __len__(self) -> int: ...

class CType(Generic[_T]): ...

class Chars(CData):
    def __getitem__(self, index: int, /) -> bytes: ...

class Numbers(CData):
    def __getitem__(self, index: int, /) -> int: ...
    def __iter__(self) -> Iterator[int]: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...

class Struct(CData):
    def __getitem__(self, index: int, /) -> Self: ...
    def __iter__(self) -> Iterator[Self]: ...
    def __setitem__(self, index: int, value: Self, /) -> None: ...
"""

FFI = """
class FFI:
    NULL: Final[Any]
    def addressof(self, c_object: _T, /) -> _T: ...
    def buffer(self, c_data: Any, /) -> Buffer: ...
    @overload
    def cast(self, c_type: CType[_T], source: object, /) -> _T: ...
    @overload
    def cast(self, c_type: str, source: object, /) -> CData: ...
    def from_buffer(self, c_type: CType[Numbers] | str, buffer: Buffer, /) -> Numbers: ...
    def gc(self, c_object: _T, destructor: Callable[[_T], object], /) -> _T: ...
    def release(self, c_object: CData, /) -> None: ...
    def string(self, text: Chars, /) -> bytes: ...
    def unpack(self, array: Numbers, length: int, /) -> list[int]: ...
"""


def parsed(header: str) -> c_ast.FileAST:
    """The header's declarations as pycparser reads them."""
    plain = re.sub(r"/\*.*?\*/", "", declarations(header), flags=re.DOTALL)
    known = "".join(f"typedef int {name};\n" for name in (*INTEGERS, "bool"))
    return c_parser.CParser().parse(known + plain, "pymig.h")


class Stub:
    """The stub, as far as the declarations have been read.

    Args:
        tree: the header.
    """

    def __init__(self, tree: c_ast.FileAST) -> None:
        self.types = dict.fromkeys((*INTEGERS, "int", "long"), "int") | BUILT_IN
        self.structs: dict[str, list[str]] = {}
        self.constants: list[str] = []
        self.functions: list[str] = []
        for declaration in tree.ext:
            if declaration.name is None or declaration.name not in self.types:  # an enum without a name has constants
                self._read(declaration)

    def _read(self, declaration: c_ast.Node) -> None:
        kind = declaration.type
        if isinstance(kind, c_ast.FuncDecl):
            self.functions.append(self._function(declaration.name, kind))
            return
        if isinstance(kind, c_ast.TypeDecl):
            kind = kind.type
        if isinstance(kind, c_ast.Enum):
            self.constants += [f"    {item.name}: Final[int]" for item in kind.values.enumerators]
            self.types[declaration.name] = "int"
        elif isinstance(kind, c_ast.Struct):
            self.types[declaration.name] = declaration.name
            self.structs[declaration.name] = [
                f"    {field.name}: {self._result(field.type)}" for field in kind.decls or ()
            ]
        else:
            self.types[declaration.name] = self._result(declaration.type)

    def _function(self, name: str, kind: c_ast.FuncDecl) -> str:
        parameters = [
            f"{no_builtin(parameter.name)}: {self._parameter(parameter.type)}"
            for parameter in kind.args.params
            if self._result(parameter.type) != "None"
        ]
        given = ["self", *parameters, "/"] if parameters else ["self"]
        return laid_out(f"    def {name}(", given, f") -> {self._result(kind.type)}: ...")

    def _result(self, kind: c_ast.Node) -> str:
        """The type of a value that C gives."""
        if isinstance(kind, c_ast.TypeDecl):
            name = kind.type.name if isinstance(kind.type, c_ast.Struct) else " ".join(kind.type.names)
            return self.types.get(name, name)
        target = self._result(kind.type)
        if isinstance(kind.type, c_ast.PtrDecl):
            return "CData"
        return {"int": "Numbers", "bool": "Numbers"}.get(target, target)

    def _parameter(self, kind: c_ast.Node) -> str:
        """The type of an argument: cffi makes an array of bytes or of a sequence where C only reads it."""
        plain = self._result(kind)
        is_read = isinstance(kind, (c_ast.PtrDecl, c_ast.ArrayDecl)) and "const" in getattr(kind.type, "quals", ())
        wider = {"Chars": "Chars | bytes", "Numbers": "Numbers | Sequence[int]"}
        return wider.get(plain, plain) if is_read else plain

    def lines(self) -> Iterator[str]:
        """The text of the stub, in pieces."""
        yield HEAD
        for name, fields in self.structs.items():
            if fields:
                yield f"\nclass {name}(Struct):\n" + "\n".join(fields) + "\n"
        yield "\n"
        for name, fields in self.structs.items():
            if not fields:
                yield f"class {name}(CData): ...\n"
        yield FFI
        c_types = {'"char[]"': "Chars", '"uint8_t[]", "uint16_t[]", "uint32_t[]", "uint64_t[]"': "Numbers"}
        c_types |= {f'"{name} *", "{name}[]"': name for name, fields in self.structs.items() if fields}
        named = [(f"Literal[{names}]", made) for names, made in c_types.items()] + [("str", "CData")]
        for given, made in [("CType[_T]", "_T"), *named]:
            yield "    @overload\n"
            yield laid_out(
                "    def new(", ["self", f"c_type: {given}", "value: object = None", "/"], f") -> {made}: ...\n"
            )
        for given, made in [("_T", "_T"), *named]:
            yield "    @overload\n"
            yield laid_out("    def typeof(", ["self", f"c_type: {given}", "/"], f") -> CType[{made}]: ...\n")
        yield "\nclass Lib:\n" + "\n".join([*self.constants, *self.functions]) + "\n"
        yield "\nffi: FFI\nlib: Lib\n"


def no_builtin(name: str) -> str:
    """The name, with an underscore where Python has one like it."""
    return f"{name}_" if hasattr(builtins, name) else name


def laid_out(start: str, items: list[str], end: str) -> str:
    """A call or a signature, on as many lines as the formatter would give it."""
    line = f"{start}{', '.join(items)}{end}"
    if len(line.rstrip()) <= WIDTH:
        return line
    indent = "        "
    inner = f"{indent}{', '.join(items)}"
    if len(inner) > WIDTH:
        inner = "\n".join(f"{indent}{item}," for item in items)
    return f"{start}\n{inner}\n    {end}"


if __name__ == "__main__":
    sys.stdout.writelines(Stub(parsed((HERE / "pymig.h").read_text())).lines())
