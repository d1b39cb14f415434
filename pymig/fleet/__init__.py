# SPDX-License-Identifier: GPL-2.0-or-later

"""Many ends at once: who can go where, and why not."""
