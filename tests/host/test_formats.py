# SPDX-License-Identifier: GPL-2.0-or-later

"""The results of a probe as metrics and as labels, read by what reads them."""

import re

import pytest

from pymig.cli import main
from pymig.host.checks import ERROR, FAIL, NAMES, PASS, WARN, CheckResult
from pymig.host.formats import FORMATS

ANSWERS = [CheckResult(name, "?", (PASS, WARN, FAIL, ERROR)[i % 4], "x") for i, name in enumerate(NAMES)]


def printed(capsys, *words):
    status = main(["probe", *words])
    return status, capsys.readouterr().out


def test_prometheus_reads_its_format(capsys):
    parser = pytest.importorskip("prometheus_client.parser", reason="needs the package prometheus_client")
    for answers in (ANSWERS, ANSWERS[3:4]):
        [family] = parser.text_string_to_metric_families("\n".join([*FORMATS["prometheus"](answers), ""]))
        assert (family.name, family.type) == ("pymig_probe_check", "gauge")
        given = {(sample.labels["check"], sample.labels["status"]) for sample in family.samples if sample.value}
        assert given == {(answer.name, answer.status) for answer in answers}
        assert len(family.samples) == 4 * len(answers)
    [family] = parser.text_string_to_metric_families(printed(capsys, "--format", "prometheus")[1])
    assert {sample.labels["check"] for sample in family.samples} == set(NAMES)
    assert printed(capsys, "--format", "prometheus")[1].endswith("\n")


def test_node_feature_discovery_reads_its_format(capsys):
    """<namespace>/<name>=<value> a line, at most 64 kB, and each a valid label of Kubernetes, as NFD's guide has it."""
    lines = list(FORMATS["nfd"](ANSWERS))
    labels = dict(line.split("=") for line in lines)
    value = {PASS: "true", WARN: "false", FAIL: "false"}
    place = "feature.node.kubernetes.io/pymig-"
    assert labels == {f"{place}{one.name}": value[one.status] for one in ANSWERS if one.status != ERROR}
    valid = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
    assert all(valid.fullmatch(word) for line in lines for word in line.partition("/")[2].split("="))
    assert sum(map(len, lines)) < 1 << 16
    printed_one = printed(capsys, "--format", "nfd", "--only", "memlock")[1]
    assert re.fullmatch(rf"{re.escape(place)}memlock=(true|false)\n", printed_one)


@pytest.mark.parametrize("words", [["--format", "nfd", "--json"], ["--format", "xml"]])
def test_wrong_usage(capsys, words):
    assert printed(capsys, *words)[0] == 2


def test_the_status_is_that_of_the_probe(capsys):
    plain = printed(capsys)[0]
    assert [printed(capsys, "--format", name)[0] for name in FORMATS] == [plain, plain]
