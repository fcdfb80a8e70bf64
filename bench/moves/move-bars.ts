// The bars of snapshot migration.

import { atLeast, atMost, type Bar } from '../bars.js';
import type { MoveComparison } from './move-report.js';
import type { MoveSummary } from './move-summary.js';
import { provedLine, SCROLL, searchableLine, snapshotLine, transferLine } from './our-moves.js';

const PUSH = snapshotLine('push');
const LEAST_OF_PIPE = 70;
const MOST_MEGABYTES = 300;

export function moveBars(comparisons: readonly MoveComparison[]): Bar[] {
  return comparisons.flatMap(({ shards, source, summaries }) => {
    const of = `${shards} shard(s)`;
    const line = (name: string) => summaries.find((one) => one.line === name);
    const seconds = (name: string) => line(name)?.seconds.median ?? Number.NaN;
    const faster = (end: (line: string) => string) => seconds(end(SCROLL)) / seconds(end(PUSH));
    return [
      atLeast(`searchable at full recall, ${PUSH} against ${SCROLL}; ${of}`, faster(searchableLine), 1, '×'),
      atLeast(`searchable and proved, ${PUSH} against ${SCROLL}; ${of}`, faster(provedLine), 1, '×'),
      atLeast(
        `recall after a ${PUSH}, of the source's; ${of}`,
        ((line(searchableLine(PUSH))?.recall ?? Number.NaN) / source.recall) * 100,
        100,
        '%',
      ),
      atLeast(
        `${transferLine(PUSH)} against the plain pipe; ${of}`,
        (line(transferLine(PUSH))?.ofPipe ?? Number.NaN) * 100,
        LEAST_OF_PIPE,
        '%',
      ),
      atMost(`peak memory of the data worker; ${of}`, peakOf(summaries), MOST_MEGABYTES, 'MB'),
    ];
  });
}

function peakOf(summaries: readonly MoveSummary[]): number {
  const ours = (['push', 'pull'] as const).map((via) => provedLine(snapshotLine(via)));
  return Math.max(...summaries.filter(({ line }) => ours.includes(line)).map((one) => one.peakMegabytes));
}
