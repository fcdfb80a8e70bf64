// The report as Markdown.

import type { Bar } from './bars.js';
import type { Comparison, Machine, Report } from './report.js';
import type { Summary } from './summary.js';

export function asMarkdown(report: Report): string {
  const { machine, options, comparisons, bars } = report;
  const about =
    `${options.points} points × 768 floats (Cosine) with a payload of ten fields, ` +
    `${(report.bytes / 1e6).toFixed(0)} MB encoded; ${options.rounds} alternating round(s), medians (least–most). ` +
    `${machineText(machine)}; source Qdrant ${machine.source}, target Qdrant ${machine.target}. ` +
    `Ours with ${options.slices} slices and batches of ${options.batchBytes} bytes.`;
  return [about, ...comparisons.map(comparisonTable), '### Bars', barTable(bars, 'one shard')].join('\n\n');
}

export function machineText({ cores, cpu, memoryGigabytes, system, node }: Machine): string {
  return `${cores} cores (${cpu}), ${memoryGigabytes} GB of memory, ${system}, Node ${node}`;
}

function comparisonTable({ shards, ownCore, wide, summaries }: Comparison): string {
  const head = ['', 'points/s', 'MB/s', 'seconds', 'CPU s', 'CPU s/GB', 'peak MB', 'CPU s source', 'target'];
  const title = `### ${shards} shard(s)${ownCore ? ', the target on a core of its own' : ''}${wide ? ', an integer of 2^63 and more in every payload' : ''}`;
  return `${title}\n\n${table(head, summaries.map(summaryRow))}`;
}

function summaryRow(summary: Summary): string[] {
  const { line, pointsPerSecond, seconds, serverCpuSeconds } = summary;
  return [
    line,
    `${whole(pointsPerSecond.median)} (${whole(pointsPerSecond.least)}–${whole(pointsPerSecond.most)})`,
    summary.megabytesPerSecond.toFixed(1),
    seconds.median.toFixed(2),
    summary.cpuSeconds.toFixed(2),
    summary.cpuSecondsPerGigabyte.toFixed(1),
    whole(summary.peakMegabytes),
    serverCpuSeconds.source.toFixed(1),
    serverCpuSeconds.target.toFixed(1),
  ];
}

export function barTable(bars: readonly Bar[], title: string): string {
  const rows = bars.map(({ what, measured, unit, bar, direction, isMet }) => {
    const digits = unit === 'MB' || unit === '%' ? 0 : 1;
    return [
      what,
      `${measured.toFixed(digits)} ${unit}`,
      `${direction} ${bar} ${unit}`,
      isMet ? 'met' : 'missed',
    ];
  });
  return table([title, 'measured', 'bar', ''], rows);
}

export function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map((_, column) => (column === 0 ? ':--' : '--:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
