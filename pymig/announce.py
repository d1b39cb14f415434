"""What announce_params gives; a module of its own, because a named tuple takes longer to make than a check."""

from typing import NamedTuple


class AnnounceParameters(NamedTuple):
    """How the guest's new place is announced on the network (QEMU's AnnounceParameters).

    Attributes:
        initial: the first delay, in ms.
        max: the longest delay, in ms.
        rounds: how many announcements.
        step: by how much the delay grows, in ms.
    """

    initial: int
    max: int
    rounds: int
    step: int
