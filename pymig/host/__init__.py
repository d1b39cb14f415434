# SPDX-License-Identifier: GPL-2.0-or-later

"""What a host can do: memory, the facts of a host, and why something is missing there."""
