// The bars of backup and recovery.

import { atLeast, atMost, type Bar } from '../bars.js';
import { wholeLine } from './our-snapshots.js';
import type { SnapshotComparison } from './snapshot-report.js';

const LEAST_OF_PLAIN = 70;
const MOST_MEGABYTES = 300;

export function snapshotBars(comparisons: readonly SnapshotComparison[]): Bar[] {
  return comparisons.flatMap((comparison) => {
    const of = titleOf(comparison);
    const speed = comparison.summaries.flatMap(({ line, ofPlain }) =>
      ofPlain === undefined ? [] : [atLeast(`${line}; ${of}`, ofPlain * 100, LEAST_OF_PLAIN, '%')],
    );
    return [
      ...speed,
      atMost(`peak memory of the data worker; ${of}`, peakOf(comparison), MOST_MEGABYTES, 'MB'),
    ];
  });
}

export function titleOf({ source, from, shards, bytes }: SnapshotComparison): string {
  const how = from === 'streaming' ? 'streamed' : 'stored first';
  return `Qdrant ${source}, ${how}, ${shards} shard(s), ${(bytes / 1e6).toFixed(0)} MB`;
}

function peakOf({ summaries }: SnapshotComparison): number {
  const ours = summaries.filter(({ line }) => summaries.some((one) => one.line === wholeLine(line)));
  return Math.max(...ours.map(({ peakMegabytes }) => peakMegabytes));
}
