"""What pyproject.toml cannot say: the extension module, and the tag of its wheel."""

import sysconfig

from setuptools import setup

# One wheel serves every interpreter from this one on. Free-threaded interpreters have no limited API: theirs is a
# wheel of its own, which cffi sees to.
FLOOR = "cp310"

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

setup(
    cffi_modules=["csrc/cffi_build.py:ffi"],
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": FLOOR}},
)
