# SPDX-License-Identifier: GPL-2.0-or-later

"""Which QEMU: releases, builds, capabilities, known faults."""
