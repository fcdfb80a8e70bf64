// What the workflow of one collection's snapshot migration remembers in addition to what every collection's does.

import type {
  MovePlan,
  MoveShardResult,
  PlaceBackupResult,
  PlacedShard,
} from '../contracts/move-activities.js';
import type { ShardCount } from '../contracts/results.js';
import { countShards } from './recovery-progress.js';

export interface MoveProgress {
  plan?: MovePlan;
  shards: PlacedShard[];
  /** Source ids of the shards whose every replica has the file. */
  done: number[];
  bytes: number;
  pulled: number;
  pushed: number;
  leftOnNode: string[];
  /** Of `through`: the backup, and what of it goes where. */
  backup?: string;
  store?: { alias: string; dataQueue: string };
  fromBackup?: PlaceBackupResult;
  /** Places in `fromBackup.shards`. */
  recovered: number[];
  /** Every shard is in, and the target says so. */
  isMoved: boolean;
  /** This run made the collection, and may take it away again. */
  isMade: boolean;
  /** When the first shard was asked for. */
  beganAt?: string;
  safetyBackup?: string;
}

const MOST_NAMED = 10;

export function newMove(): MoveProgress {
  return {
    shards: [],
    done: [],
    bytes: 0,
    pulled: 0,
    pushed: 0,
    leftOnNode: [],
    recovered: [],
    isMoved: false,
    isMade: false,
  };
}

export function countMoved(move: MoveProgress, { bytes, via, leftOnNode }: MoveShardResult): void {
  move.bytes += bytes;
  if (via === 'pull') move.pulled += 1;
  else move.pushed += 1;
  move.leftOnNode = [...new Set([...move.leftOnNode, ...leftOnNode])].slice(0, MOST_NAMED);
}

export function shardsMoved({ shards, done, fromBackup, recovered, bytes }: MoveProgress): ShardCount {
  return fromBackup
    ? { ...countShards(fromBackup.shards, recovered), bytes }
    : { done: done.length, of: shards.length, bytes };
}

/** How much of the collection is on the target, by shards. */
export function shareMoved(move: MoveProgress): number {
  const { done, of } = shardsMoved(move);
  return of === 0 ? 1 : done / of;
}

/** `both`: some were pulled, some pushed. */
export function viaOf({ pulled, pushed }: MoveProgress): 'pull' | 'push' | 'both' | undefined {
  if (pulled > 0 && pushed > 0) return 'both';
  if (pulled > 0) return 'pull';
  return pushed > 0 ? 'push' : undefined;
}
