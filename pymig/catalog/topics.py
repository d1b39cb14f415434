# SPDX-License-Identifier: GPL-2.0-or-later

"""Texts that no table of C's holds, and what is known about them."""

from __future__ import annotations

from pymig.catalog.libvirt_topics import LIBVIRT_TOPICS
from pymig.catalog.met_topics import MET_TOPICS
from pymig.catalog.other_matters import OTHER_MATTERS
from pymig.catalog.qemu_topics import QEMU_TOPICS

TOPICS = (*LIBVIRT_TOPICS, *MET_TOPICS, *QEMU_TOPICS, *OTHER_MATTERS)

TOPIC_OF = {topic.name: topic for topic in TOPICS}

ECHOES = frozenset(text for topic in TOPICS if topic.name.startswith("echo/") for text in topic.texts)
"""Texts that only say that something else went wrong before."""

FAINTEST = "echo/load-failed"
"""What is said whatever went wrong."""
