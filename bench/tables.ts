// The report as Markdown.

import type { Bar } from './bars.js';
import type { Comparison, Report } from './report.js';
import type { Summary } from './summary.js';

export function asMarkdown(report: Report): string {
  const { machine, options, comparisons, bars } = report;
  const about =
    `${options.points} points × 768 floats (Cosine) with a payload of ten fields, ` +
    `${(report.bytes / 1e6).toFixed(0)} MB encoded; ${options.rounds} alternating round(s), medians (least–most). ` +
    `${machine.cores} cores (${machine.cpu}), ${machine.memoryGigabytes} GB of memory, ` +
    `${machine.system}, Node ${machine.node}; source Qdrant ${machine.source}, target Qdrant ${machine.target}. ` +
    `Ours with ${options.slices} slices and batches of ${options.batchBytes} bytes.`;
  return [about, ...comparisons.map(comparisonTable), '### Bars', barTable(bars)].join('\n\n');
}

function comparisonTable({ shards, summaries }: Comparison): string {
  const head = ['', 'points/s', 'MB/s', 'seconds', 'CPU s', 'CPU s/GB', 'peak MB', 'CPU s source', 'target'];
  return `### ${shards} shard(s)\n\n${table(head, summaries.map(summaryRow))}`;
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

function barTable(bars: readonly Bar[]): string {
  const rows = bars.map(({ what, measured, unit, bar, isMet }) => {
    const limit = unit === '×' || what.includes('ingest') ? '≥' : '≤';
    const digits = unit === 'MB' || unit === '%' ? 0 : 1;
    return [what, `${measured.toFixed(digits)} ${unit}`, `${limit} ${bar} ${unit}`, isMet ? 'met' : 'missed'];
  });
  return table(['one shard', 'measured', 'bar', ''], rows);
}

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map((_, column) => (column === 0 ? ':--' : '--:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
