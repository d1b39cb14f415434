# SPDX-License-Identifier: GPL-2.0-or-later

"""The results of ``pymig probe`` for what steers by metrics and labels."""

from __future__ import annotations

from pymig.host.checks import ERROR, FAIL, PASS, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymig.host.checks import CheckResult

NAMESPACE = "feature.node.kubernetes.io"
"""Of labels. Node Feature Discovery's documentation says that names without one should not be used."""

STATUSES = (PASS, WARN, FAIL, ERROR)
METRIC = "pymig_probe_check"
HELP = "Whether a check of the host has this status; of a check's statuses one is 1. ERROR: it could not be found out."


def prometheus(answers: Iterable[CheckResult]) -> Iterator[str]:
    """Lines of Prometheus' text format, for a ``.prom`` file of node_exporter's textfile collector."""
    yield f"# HELP {METRIC} {HELP}"
    yield f"# TYPE {METRIC} gauge"
    for answer in answers:
        for status in STATUSES:
            yield f'{METRIC}{{check="{answer.name}",status="{status}"}} {int(answer.status == status)}'


def nfd(answers: Iterable[CheckResult]) -> Iterator[str]:
    """Lines of a feature file of Node Feature Discovery's local source. What was not found out has no line."""
    for answer in answers:
        if answer.status != ERROR:
            yield f"{NAMESPACE}/pymig-{answer.name}={'true' if answer.status == PASS else 'false'}"


FORMATS = {"prometheus": prometheus, "nfd": nfd}
