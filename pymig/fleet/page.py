# SPDX-License-Identifier: GPL-2.0-or-later

"""A matrix as one self-contained page of HTML, which can be read without scripting."""

from __future__ import annotations

from html import escape

from pymig.fleet.report import FEW, LABELS, MEANINGS, described, few, happens, kind_of
from pymig.values import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymig.ends.plan import Plan, Settings
    from pymig.fleet.report import Reason, Report

SYMBOLS = {**LABELS, "ok": "✓"}
"""What a cell shows, by its kind."""

# The colours of Okabe and Ito, which the colour-blind can tell; each kind also has a letter of its own.
STYLE = """
:root{color-scheme:light}
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem;color:#111;background:#fff}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:1.6rem 0 .5rem}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}
table{border-collapse:collapse}th,td{padding:.25rem .5rem;text-align:left;vertical-align:top;border:1px solid #ccc}
.scroll{overflow:auto;max-width:100%;max-height:80vh}
caption{text-align:left;padding:.2rem 0}
#matrix td,#matrix th{text-align:center;min-width:1.6rem}#matrix tbody th{text-align:left;white-space:nowrap}
#matrix small{display:inline-block;max-width:13rem;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom}
#matrix small{font-weight:normal}
#matrix thead th{position:sticky;top:0;background:#fff}#matrix tbody th{position:sticky;left:0;background:#fff}
#matrix a{color:inherit;text-decoration:none;display:block}#matrix td:focus-within{outline:3px solid #000}
.ok{background:#009e73}
.completes{background:#f0e442}
.waits{background:#56b4e9}
.refused{background:#d55e00}
.fails{background:#cc79a7}
.hangs{background:#0072b2;color:#fff}
.unknown{background:#fff;outline:2px dashed #555;outline-offset:-3px}
#legend{list-style:none;display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;padding:0}
#legend b{display:inline-block;min-width:1.5rem;text-align:center;margin-right:.35rem}
#reasons li{margin:.45rem 0}#reasons li:target{outline:3px solid #000}
form{display:flex;flex-wrap:wrap;gap:.8rem;align-items:end;margin:.6rem 0}form[hidden]{display:none}
label{display:flex;flex-direction:column;font-size:.85rem}input,select{font:inherit;padding:.15rem .3rem}
.faded{opacity:.12}
"""

SCRIPT = """
"use strict";
const form = document.getElementById("filters"), matrix = document.getElementById("matrix");
const members = [...document.querySelectorAll("#classes tbody tr")].map(row => row.cells[1].textContent.toLowerCase());
const columns = document.createElement("style");
document.head.append(columns);
function matches(wanted) {
  const text = wanted.toLowerCase();
  return members.map(names => names.includes(text));
}
function apply() {
  const sources = matches(form.source.value), destinations = matches(form.destination.value), only = form.only.value;
  columns.textContent = destinations.map((shown, i) => shown ? "" :
    `#matrix tr>:nth-child(${i + 2}){display:none}`).join("");
  let count = 0;
  [...matrix.tBodies[0].rows].forEach((row, i) => {
    row.hidden = !sources[i];
    [...row.cells].slice(1).forEach((cell, j) => {
      const fits = !only || cell.className.split(" ")[0] === only;
      cell.classList.toggle("faded", !fits);
      if (fits && sources[i] && destinations[j]) count += Number(cell.dataset.pairs);
    });
  });
  document.getElementById("count").textContent = `${count} pairs of ends`;
}
function remember() {
  const set = [...new FormData(form)].filter(([, value]) => value);
  history.replaceState(null, "", "#" + new URLSearchParams(set));
  apply();
}
function restore() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const name of ["source", "destination", "only"]) if (wanted.has(name)) form[name].value = wanted.get(name);
  apply();
}
form.hidden = false;
form.addEventListener("input", remember);
form.addEventListener("submit", event => event.preventDefault());
window.addEventListener("hashchange", restore);
restore();
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(report: Report, plan: Plan) -> str:
    """The page."""
    return "".join(_parts(report, plan))


def _parts(report: Report, plan: Plan) -> Iterator[str]:
    ends, classes = len(report.names), len(report.ends)
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Who can migrate where: {ends} ends</title><style>{STYLE}</style></head>\n<body>"
    yield f"<h1>Who can migrate where</h1><p>{ends} ends, {classes} of which answer differently: a row and a column "
    yield f"each. Plan: <code>{_text(_planned(plan))}</code></p>\n"
    yield from _legend(report)
    yield from _filters()
    yield from _matrix(report)
    yield from _classes(report)
    yield from _reasons(report)
    yield f"<script>{SCRIPT}</script></body></html>\n"


def _legend(report: Report) -> Iterator[str]:
    counts = dict.fromkeys(MEANINGS, 0)
    for reason, pairs in report.pairs().items():
        counts[kind_of(reason)] += pairs
    yield '<ul id="legend">'
    for kind, meaning in MEANINGS.items():
        if counts[kind]:
            yield f'<li><b class="{kind}">{SYMBOLS[kind]}</b>{meaning}: {counts[kind]} pairs</li>'
    yield "</ul>\n"


def _filters() -> Iterator[str]:
    yield '<form id="filters" hidden>'
    for name in ("source", "destination"):
        yield f'<label>{name} has in its names<input name="{name}" type="search" autocomplete="off"></label>'
    yield '<label>show<select name="only"><option value="">all pairs</option>'
    for kind, meaning in MEANINGS.items():
        yield f'<option value="{kind}">{meaning}</option>'
    yield '</select></label><output id="count"></output></form>\n'


def _matrix(report: Report) -> Iterator[str]:
    titles = [_text(_title(reason)) for reason in report.reasons]
    kinds = [kind_of(reason) for reason in report.reasons]
    names = [_text(few(members)) for members in report.members]
    short = [_text(few(members, 1)) for members in report.members]
    heads = [f'<th scope="col" title="to {name}">{i}</th>' for i, name in enumerate(names, 1)]
    yield '<div class="scroll"><table id="matrix"><caption>rows: from; columns: to</caption>'
    yield f"<thead><tr><th></th>{''.join(heads)}</tr></thead>\n<tbody>"
    for i, numbers in enumerate(report.numbers):
        yield f'<tr><th scope="row" title="from {names[i]}">{i + 1} <small>{short[i]}</small></th>'
        for j, place in enumerate(numbers):
            kind, pairs = kinds[place], len(report.members[i]) * len(report.members[j])
            label = SYMBOLS[kind] + ("" if kind == "ok" else str(place + 1))
            yield f'<td class="{kind}" data-pairs="{pairs}" title="{titles[place]}">'
            yield f'<a href="#reason-{place + 1}">{label}</a></td>'
        yield "</tr>\n"
    yield "</tbody></table></div>\n"


def _classes(report: Report) -> Iterator[str]:
    yield '<h2>Ends</h2><table id="classes"><thead><tr><th></th><th>names</th><th>number</th><th>QEMU</th><th>host</th>'
    yield "<th>machine</th><th>capabilities</th></tr></thead><tbody>\n"
    for i, (members, end) in enumerate(zip(report.members, report.ends, strict=True), 1):
        cells = (_names(members), str(len(members)), *map(_text, described(end)))
        yield f"<tr><th>{i}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"
    yield "</tbody></table>\n"


def _reasons(report: Report) -> Iterator[str]:
    places = {reason: place for place, reason in enumerate(report.reasons, 1)}
    yield '<h2>Reasons</h2><ul id="reasons">'
    for reason, pairs in report.pairs().items():
        kind = kind_of(reason)
        label = f"{SYMBOLS[kind]}{places[reason]}"
        yield f'<li id="reason-{places[reason]}"><b class="{kind}">&nbsp;{label}&nbsp;</b> {_text(happens(reason))} '
        yield f"({pairs} pairs)"
        for heading, text in (("rule", reason.rule), ("says", reason.says), ("what happens", reason.consequence)):
            yield f"<br>{heading}: <code>{_text(text)}</code>" if text else ""
        yield f"<br>remedy: {_text(reason.remedy)}" if reason.remedy else ""
        yield "</li>\n"
    yield "</ul>\n"


def _title(reason: Reason) -> str:
    return f"{happens(reason)}; {reason.why}" if reason.why else happens(reason)


def _names(members: list[str]) -> str:
    """A class's names, of which the first are shown at once."""
    shown, more = (_text(", ".join(names)) for names in (members[:FEW], members[FEW:]))
    return f"{shown}<details><summary>and {len(members) - FEW} more</summary>{more}</details>" if more else shown


def _planned(plan: Plan) -> str:
    """A plan in one line."""
    ends = [_settings(settings) for settings in plan.ends]
    wanted = [ends[0]] if ends[0] == ends[1] else [f"source: {ends[0]}", f"destination: {ends[1]}"]
    uris = {"uri": plan.uri, "incoming-uri": plan.incoming_uri}
    wanted += [f"{name}={uri}" for name, uri in uris.items() if uri is not None]
    wanted += [f"{name}={value}" for name, value in {**plan.migrate, **plan.migrate_incoming}.items()]
    return "; ".join((*wanted, *(["switched to postcopy"] if plan.postcopy else ()), plan.order))


def _settings(settings: Settings) -> str:
    capabilities = [f"{'+' if on else '-'}{name}" for name, on in settings.capabilities.items()]
    parameters = [f"{name}={value}" for name, value in settings.parameters.items()]
    return " ".join((*capabilities, *parameters)) or "nothing is set"


def _text(text: str) -> str:
    return escape(escaped(text))
