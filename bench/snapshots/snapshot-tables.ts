// The report on snapshots as Markdown.

import { barTable, machineText, table } from '../tables.js';
import { PLAIN_PUT, PLAIN_UPLOAD } from './pipes.js';
import { titleOf } from './snapshot-bars.js';
import type { SnapshotComparison, SnapshotReport } from './snapshot-report.js';
import type { SnapshotSummary } from './snapshot-summary.js';

export function snapshotsAsMarkdown({ machine, comparisons, bars }: SnapshotReport): string {
  const about = `Points of 768 floats (Cosine) with a payload of ten fields. ${machineText(machine)}`;
  return [about, ...comparisons.map(comparisonTable), '### Bars', barTable(bars, '')].join('\n\n');
}

const PARTS: Record<string, string> = { [PLAIN_PUT]: 'PUT', [PLAIN_UPLOAD]: 'upload of a file' };

function comparisonTable(comparison: SnapshotComparison): string {
  const head = ['', 'seconds', 'MB/s', 'of the plain way', 'CPU s', 'CPU s servers', 'peak MB'];
  const { points, rounds, summaries } = comparison;
  const about = `${points} points, ${rounds} alternating round(s), medians (least–most).`;
  return `### ${titleOf(comparison)}\n\n${about}\n\n${table(head, summaries.map(row))}`;
}

function row(summary: SnapshotSummary): string[] {
  const { line, seconds, megabytesPerSecond: rate, ofPlain, ofPart } = summary;
  const percent = (part: number) => `${(part * 100).toFixed(0)} %`;
  const plain = ofPlain === undefined ? '' : percent(ofPlain);
  return [
    line,
    `${seconds.median.toFixed(2)} (${seconds.least.toFixed(2)}–${seconds.most.toFixed(2)})`,
    rate.median.toFixed(0),
    ofPart === undefined ? plain : `${plain}; ${percent(ofPart.share)} of the ${PARTS[ofPart.line]}`,
    summary.cpuSeconds.toFixed(2),
    summary.serverCpuSeconds.toFixed(2),
    summary.peakMegabytes.toFixed(0),
  ];
}
