"""Which QEMU: releases, builds, capabilities, known faults."""
