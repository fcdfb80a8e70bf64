import type { QdrantServer } from '../../src/local/index.js';
import type { Measured } from '../contestants/contestant.js';
import type { SnapshotStage } from './snapshot-stage.js';

export type StoreAlias = 'gateway' | 'disk';

export interface SnapshotCourse {
  stage: SnapshotStage;
  /** The source: its alias in ferry.yaml is how it hands out snapshots. */
  from: 'streaming' | 'storing';
  collection: string;
  points: number;
  shards: number;
  left: Left;
}

/** What earlier contestants of a round leave to later ones. */
export interface Left {
  /** The snapshots as they were piped, by shard. */
  files: string[];
  backups: Partial<Record<StoreAlias, string>>;
}

/** One line of the table: the bytes that were moved, and what it cost. */
export interface Moved extends Measured {
  bytes: number;
  /** Of all Qdrants and the gateway, over the same time. */
  serverCpuSeconds: number;
}

/** By name of the line. */
export type SnapshotOuting = Record<string, Moved>;

export interface SnapshotContestant {
  lines: readonly string[];
  /** What must stand on the target before it starts. */
  target?: 'empty' | 'absent';
  run(course: SnapshotCourse): Promise<SnapshotOuting>;
}

/** As many shards at a time for everybody: what ours does by default. */
export const SHARDS_AT_ONCE = 2;

export function sourceOf({ stage, from }: SnapshotCourse): QdrantServer {
  return stage[from];
}

export function serverPids({ stage }: SnapshotCourse): number[] {
  const { streaming, storing, target, gateway } = stage;
  return [streaming, storing, target, gateway].map(({ pid }) => pid);
}
