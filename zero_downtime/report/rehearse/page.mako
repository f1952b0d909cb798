<%!
from zero_downtime.rehearse.times import milliseconds, seconds
from zero_downtime.report.rehearse.timeline import CHART, LEFT, ROW, WIDTH, timeline
from zero_downtime.report.rehearse.words import crash_facts, error_facts, forecast_facts, had_clients, lock_fact, rollback_facts, step_facts, summary, wait_facts, worst_wait

MANY = 8  # revisions: in a longer history those that are safe are folded
LONG = 400  # characters of a statement
%>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Rehearsal: ${result.verdict}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --faint: #5d6876; --rule: #dfe4ea;
  --good: #177245; --bad: #b3261e; --care: #8a5a00; --step: #64748b; --reads: #c2413b;
  --writes: #d98a1f; --nobody: #8fb5a3; --reader: #2563b0; --writer: #b45309; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --paper: #14181f; --faint: #93a0b1;
  --rule: #2b333f; --good: #5cc48d; --bad: #f08178; --care: #e0b055; --step: #5b6b82;
  --reader: #6ea8ee; --writer: #e8a558; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1000px; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0; } h3 { font-size: .95rem; margin: 1.2rem 0 .3rem; }
h2, summary.revision { font-size: 1.1rem; font-weight: 600; margin: 2rem 0 .3rem; }
summary { cursor: pointer; } details.revision:not([open]) summary.revision { margin: .6rem 0; }
a { color: inherit; }
code { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
p, ul { margin: .3rem 0; } ul { padding-left: 1.2rem; }
.faint { color: var(--faint); } .safe { color: var(--good); } .unsafe { color: var(--bad); }
.warning { color: var(--care); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
.wide > table, svg { min-width: 640px; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0;
  border-top: 1px solid var(--rule); }
th { font-weight: 600; color: var(--faint); border: 0; white-space: nowrap; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.locks { min-width: 12rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--faint); }
svg .grid { stroke: var(--rule); } svg polyline { fill: none; stroke-width: 1.6; }
svg .reader { stroke: var(--reader); } svg .writer { stroke: var(--writer); }
svg .step { fill: var(--step); } svg .reads { fill: var(--reads); } svg .writes { fill: var(--writes); }
svg .nobody { fill: var(--nobody); } svg text.inside { fill: #fff; font-size: 11px; }
.key { white-space: nowrap; margin-right: .9em; }
.key span { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .3em; }
</style>
</head>
<body>
<h1>Rehearsal: <span class="${result.verdict}">${result.verdict}</span></h1>
<p class="faint">${summary(result)}</p>
% if result.reasons:
<ul class="unsafe">
% for reason in result.reasons:
<li>${reason}</li>
% endfor
</ul>
% endif
% for note in result.notes:
<p class="warning">${note}</p>
% endfor
% if len(result.revisions) > 1:
<div class="wide"><table>
<tr><th></th><th>revision</th><th>upgrade</th><th>longest wait of a client</th><th>rollback</th></tr>
% for revision in result.revisions:
<tr><td>${mark(revision)}</td>
<td><a href="#${revision.revision | u}"><code>${revision.revision}</code></a> ${revision.message}</td>
<td class="number">${'fails' if revision.upgrade.failed else seconds(revision.upgrade.seconds)}</td>
<td class="number">${worst_wait(revision)}</td>
<td>${revision.rollback.outcome if revision.rollback else 'not reached'}</td></tr>
% endfor
</table></div>
% endif
% for revision in result.revisions:
<details class="revision" ${'' if revision.safe and len(result.revisions) > MANY else 'open'}>
<summary class="revision" id="${revision.revision}">${mark(revision)} <code>${revision.revision}</code> ${revision.message}
% if revision.phase:
<span class="faint">${revision.phase}</span>
% endif
% if revision.warnings:
<span class="warning">${len(revision.warnings)} warning${'s' if len(revision.warnings) > 1 else ''}</span>
% endif
</summary>
% if revision.reasons or revision.warnings:
<ul>
% for reason in revision.reasons:
<li class="unsafe">${reason}</li>
% endfor
% for warning in revision.warnings:
<li class="warning">${warning}</li>
% endfor
</ul>
% endif
% for name, run in (("upgrade", revision.upgrade), ("downgrade", revision.downgrade)):
% if run.steps:
${direction(name, run)}
% endif
% endfor
% if revision.rollback:
<p><b>rollback</b> <span class="${'safe' if revision.rollback.outcome == 'restores' else 'unsafe'}">
${revision.rollback.outcome}</span> ${' · '.join(rollback_facts(revision.rollback))}</p>
% endif
% if revision.crashes:
<p><b>crashes</b> ${crash_facts(revision)}</p>
% endif
% for forecast in revision.forecasts:
<p><b>forecast</b> ${forecast_facts(forecast)}</p>
% endfor
</details>
% endfor
<script>
// A revision that is folded opens when a link leads to it.
const open = () => { const at = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (at) at.parentElement.open = true; };
addEventListener("hashchange", open); open();
</script>
</body>
</html>
<%def name="mark(revision)"><span class="${'safe' if revision.safe else 'unsafe'}">${'✓' if revision.safe else '✗'}</span></%def>
<%def name="key(color, name)"><span class="key"><span style="background: var(--${color})"></span>${name}</span></%def>
<%def name="direction(name, run)">
<h3>${name} <span class="faint">in ${seconds(run.seconds)}</span></h3>
<% drawn = timeline(run) %>
<div class="wide"><svg viewBox="0 0 ${WIDTH} ${drawn.height}" role="img" aria-label="timeline of the ${name}">
% for tick in drawn.ticks:
<line class="grid" x1="${tick.x}" x2="${tick.x}" y1="0" y2="${drawn.height - 18}"/>
<text x="${tick.x}" y="${drawn.height - 4}" text-anchor="middle">${tick.label}</text>
% endfor
% if drawn.worst:
<text x="${LEFT - 10}" y="16" text-anchor="end">waits, up to ${drawn.worst}</text>
<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${CHART}" y2="${CHART}"/>
<polyline class="reader" points="${drawn.reads}"/>
<polyline class="writer" points="${drawn.writes}"/>
% endif
% for row in drawn.rows:
<text x="${LEFT - 10}" y="${row.y + 15}" text-anchor="end">${row.name}</text>
% endfor
% for bar in drawn.bars:
<g><title>${bar.title}</title><rect class="${bar.kind}" x="${bar.x}" y="${bar.y + 3}"
width="${bar.width}" height="${ROW - 6}" rx="2"/>
% if bar.label and bar.width >= 8 * len(bar.label) + 4:
<text class="inside" x="${bar.x + bar.width / 2}" y="${bar.y + 15}" text-anchor="middle">${bar.label}</text>
% endif
</g>
% endfor
</svg></div>
% if drawn.worst or len(drawn.rows) > 1:
<p class="faint">
% if drawn.worst:
${key("reader", "longest wait of readers")}${key("writer", "of writers")}
% endif
% if len(drawn.rows) > 1:
${key("reads", "lock that blocks readers and writers")}${key("writes", "writers")}${key("nobody", "neither")}
% endif
</p>
% endif
<div class="wide"><table>
<tr><th></th><th>step</th><th>takes</th><th>locks</th>${'<th>readers wait</th><th>writers wait</th>' if had_clients(run) else '' | n}</tr>
% for number, step in enumerate(run.steps, 1):
<tr><td class="number">${number}</td><td>
% if len(step.sql) > LONG:
<details><summary><code>${step.sql[:LONG - 1]}…</code></summary><code>${step.sql}</code></details>
% else:
<code>${step.sql}</code>
% endif
% for said in step_facts(step):
<br><span class="${'unsafe' if said.startswith('rewrites') else 'faint'}">${said}</span>
% endfor
% for said in wait_facts(step):
<br><span class="faint">${said}</span>
% endfor
% for said in error_facts(step):
<br><span class="unsafe">${said}</span>
% endfor
% for said in step.differences:
<br><span class="warning">${said}</span>
% endfor
</td><td class="number">${seconds(step.seconds)}</td><td class="locks">
% for lock in step.locks:
${lock.mode} <span class="faint">${lock.relation} ${lock_fact(lock)}</span><br>
% endfor
</td>
% if had_clients(run):
<td class="number">${milliseconds(step.reads.wait_ms) if step.reads.operations else '–'}</td>
<td class="number">${milliseconds(step.writes.wait_ms) if step.writes.operations else '–'}</td>
% endif
</tr>
% endfor
</table></div>
</%def>
