# SPDX-License-Identifier: GPL-2.0-or-later

"""What pyproject.toml cannot say: the extension module, the tag of its wheel, an sdist that can be built again."""

import gzip
import os
import sysconfig
import tarfile
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.sdist import sdist

# One wheel serves every interpreter from this one on. Free-threaded interpreters have no limited API: theirs is a
# wheel of its own, which cffi sees to.
FLOOR = "cp310"

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


class Sdist(sdist):
    """An sdist that depends on its files alone, if SOURCE_DATE_EPOCH gives their time; so do setuptools' wheels."""

    def make_archive(self, base_name: str, archive_format: str, *args: Any, **kwargs: Any) -> str:
        """The path of the archive."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch is None or archive_format != "gztar":
            return super().make_archive(base_name, archive_format, *args, **kwargs)

        def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.mode = 0o755 if member.mode & 0o100 else 0o644
            member.mtime, member.uid, member.gid, member.uname, member.gname = int(epoch), 0, 0, "", ""
            return member

        path = Path(f"{base_name}.tar.gz")
        with (
            path.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=int(epoch)) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            archive.add(kwargs["base_dir"], filter=plain)
        return str(path)


setup(
    cffi_modules=["csrc/cffi_build.py:ffi"],
    cmdclass={"sdist": Sdist},
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": FLOOR}},
)
