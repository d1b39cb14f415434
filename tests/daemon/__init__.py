# SPDX-License-Identifier: GPL-2.0-or-later

"""A daemon in miniature; see __main__.py."""
