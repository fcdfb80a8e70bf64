import type { Bar } from '../bars.js';
import type { describeMachine } from '../report.js';
import type { Sight } from './indexed-collection.js';
import type { MoveRun } from './move-rounds.js';
import type { MoveSummary } from './move-summary.js';

export interface MoveComparison {
  shards: number;
  points: number;
  rounds: number;
  /** Of the collection's snapshots. */
  bytes: number;
  source: Sight & { recall: number };
  summaries: MoveSummary[];
  runs: MoveRun[];
}

export interface MoveReport {
  at: string;
  machine: ReturnType<typeof describeMachine>;
  comparisons: MoveComparison[];
  bars: Bar[];
}
