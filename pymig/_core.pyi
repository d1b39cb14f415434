# The compiled core: csrc/pymig.h through cffi, whose objects have no types of their own.
from typing import Any

ffi: Any
lib: Any
