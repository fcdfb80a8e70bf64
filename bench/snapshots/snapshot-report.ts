import type { Bar } from '../bars.js';
import type { describeMachine } from '../report.js';
import type { SnapshotRun } from './snapshot-rounds.js';
import type { SnapshotSummary } from './snapshot-summary.js';

export interface SnapshotComparison {
  source: string;
  from: 'streaming' | 'storing';
  shards: number;
  points: number;
  /** Of one copy of the collection's snapshots. */
  bytes: number;
  rounds: number;
  summaries: SnapshotSummary[];
  runs: SnapshotRun[];
}

export interface SnapshotReport {
  at: string;
  machine: ReturnType<typeof describeMachine>;
  comparisons: SnapshotComparison[];
  bars: Bar[];
}
