<%!
from zero_downtime.report.rehearse.timeline import CHART, LEFT, ROW, WIDTH, timeline
from zero_downtime.report.rehearse.words import cost_facts, crash_facts, forecast_facts, milliseconds, rollback_facts, seconds, summary, wait_facts
%>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Rehearsal: ${result.verdict}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --faint: #6b7685; --rule: #dfe4ea;
  --good: #177245; --bad: #b3261e; --care: #8a5a00; --step: #64748b; --reads: #c2413b;
  --writes: #d98a1f; --nobody: #8fb5a3; --reader: #2563b0; --writer: #b45309; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --paper: #14181f; --faint: #93a0b1;
  --rule: #2b333f; --good: #5cc48d; --bad: #f08178; --care: #e0b055; --step: #7c8ba1;
  --reader: #6ea8ee; --writer: #e8a558; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .3rem; }
h3 { font-size: .95rem; margin: 1.2rem 0 .3rem; }
code { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
p, ul { margin: .3rem 0; } ul { padding-left: 1.2rem; }
.faint { color: var(--faint); } .safe { color: var(--good); } .unsafe { color: var(--bad); }
.warning { color: var(--care); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0;
  border-top: 1px solid var(--rule); }
th { font-weight: 600; color: var(--faint); border: 0; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--faint); }
svg .grid { stroke: var(--rule); } svg polyline { fill: none; stroke-width: 1.6; }
svg .reader { stroke: var(--reader); } svg .writer { stroke: var(--writer); }
svg .step { fill: var(--step); } svg .reads { fill: var(--reads); } svg .writes { fill: var(--writes); }
svg .nobody { fill: var(--nobody); } svg text.inside { fill: #fff; font-size: 11px; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .3em 0 1em; }
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
<p class="faint">Locks that block <span class="key" style="background: var(--reads)"></span>readers and
writers <span class="key" style="background: var(--writes)"></span>writers <span class="key"
style="background: var(--nobody)"></span>neither. Longest waits of
<span class="key" style="background: var(--reader)"></span>readers
<span class="key" style="background: var(--writer)"></span>writers.</p>
% for revision in result.revisions:
<h2 id="${revision.revision}"><span class="${'safe' if revision.safe else 'unsafe'}">
${'✓' if revision.safe else '✗'}</span> <code>${revision.revision}</code> ${revision.message}
% if revision.phase:
<span class="faint">${revision.phase}</span>
% endif
</h2>
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
<p><b>crashes</b> ${crash_facts(revision.crashes)}</p>
% endif
% for forecast in revision.forecasts:
<p><b>forecast</b> ${forecast_facts(forecast)}</p>
% endfor
% endfor
</body>
</html>
<%def name="direction(name, run)">
<h3>${name} <span class="faint">in ${seconds(run.seconds)}</span></h3>
<% drawn = timeline(run) %>
<svg viewBox="0 0 ${WIDTH} ${drawn.height}" role="img" aria-label="timeline of the ${name}">
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
% if bar.label and bar.width >= 12:
<text class="inside" x="${bar.x + bar.width / 2}" y="${bar.y + 15}" text-anchor="middle">${bar.label}</text>
% endif
</g>
% endfor
</svg>
<table>
<tr><th></th><th>step</th><th>takes</th><th>locks</th><th>readers wait</th><th>writers wait</th></tr>
% for number, step in enumerate(run.steps, 1):
<tr><td class="number">${number}</td><td><code>${step.sql}</code>
% if step.rewrote:
<span class="unsafe">rewrites ${', '.join(step.rewrote)}</span>
% endif
% for said in (*cost_facts(step), *wait_facts(step)):
<br><span class="faint">${said}</span>
% endfor
% for said in step.differences:
<br><span class="warning">${said}</span>
% endfor
</td><td class="number">${seconds(step.seconds)}</td><td>
% for lock in step.locks:
${lock.mode} <span class="faint">${lock.relation}</span><br>
% endfor
</td><td class="number">${milliseconds(step.reads.max_ms) if step.reads.operations else '–'}</td>
<td class="number">${milliseconds(step.writes.max_ms) if step.writes.operations else '–'}</td></tr>
% endfor
</table>
</%def>
