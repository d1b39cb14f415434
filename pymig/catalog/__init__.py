# SPDX-License-Identifier: GPL-2.0-or-later

"""From a text that QEMU or libvirt says, or from a name, to what it means: see pymig/catalog/explain.py."""
