# SPDX-License-Identifier: GPL-2.0-or-later

"""Two ends of a migration: what each is, what is planned, and what will happen."""
