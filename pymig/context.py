"""What a check looks at beside the host."""

from __future__ import annotations

from pymig._core import ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pymig.qemu.build import QemuBuild


def require_bools(**values: object) -> dict[str, bool]:
    """The values, or a TypeError that names the first one that is no bool."""
    for name, value in values.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
    return values  # type: ignore[return-value]


def require_new(instance: object) -> None:
    """A TypeError if the object has been initialised before: what it owns in C may be in use."""
    if getattr(instance, "_owner", None) is not None:
        raise TypeError(f"a {type(instance).__name__} is initialised once")


def new_context(build: QemuBuild, target_page_size: int, **circumstances: bool) -> Any:
    """C's MigrationContext; a page size of 0 is the build's, and what is not named is false."""
    fields = {"build": build._c[0], "target_page_size": target_page_size, **circumstances}
    return ffi.new("MigrationContext *", fields)
