// The report on snapshot migration as Markdown.

import { barTable, machineText, table } from '../tables.js';
import type { MoveComparison, MoveReport } from './move-report.js';
import type { MoveSummary } from './move-summary.js';
import { NEAREST, QUERIES } from './recall.js';

export function movesAsMarkdown({ machine, comparisons, bars }: MoveReport): string {
  const about =
    `Points of 768 floats (Cosine) with a payload of ten fields, four of them indexed. ${machineText(machine)}; ` +
    `source Qdrant ${machine.source}, target Qdrant ${machine.target}.`;
  return [about, ...comparisons.map(comparisonTable), '### Bars', barTable(bars, '')].join('\n\n');
}

function comparisonTable({ shards, points, rounds, bytes, source, summaries }: MoveComparison): string {
  const head = ['', 'seconds', 'MB/s', 'of the pipe', 'recall', 'CPU s', 'CPU s servers', 'peak MB'];
  const about =
    `${points} points, ${(bytes / 1e6).toFixed(0)} MB of snapshot with the graph; ${rounds} alternating round(s) and then ` +
    `one of scroll migration, medians (least–most). On the source ${source.indexedVectors} vectors are in graphs, and ` +
    `recall@${NEAREST} of ${QUERIES} searches is ${percent(source.recall, 2)}.`;
  return `### ${shards} shard(s), moved\n\n${about}\n\n${table(head, summaries.map(row))}`;
}

function row(summary: MoveSummary): string[] {
  const { line, seconds, megabytesPerSecond: rate, ofPipe } = summary;
  return [
    line,
    `${seconds.median.toFixed(2)} (${seconds.least.toFixed(2)}–${seconds.most.toFixed(2)})`,
    rate === undefined ? '' : rate.median.toFixed(0),
    ofPipe === undefined ? '' : percent(ofPipe, 0),
    percent(summary.recall, 2),
    summary.cpuSeconds.toFixed(2),
    summary.serverCpuSeconds.toFixed(2),
    summary.peakMegabytes.toFixed(0),
  ];
}

function percent(share: number, digits: number): string {
  return `${(share * 100).toFixed(digits)} %`;
}
