import type { Moved, SnapshotCourse } from '../snapshots/snapshot-contestant.js';
import type { Sight } from './indexed-collection.js';

export interface MoveCourse extends SnapshotCourse {
  /** What Qdrant says of the source, and so what it has to say of the target. */
  wanted: Sight;
  /** Of all shards' snapshots, as they are streamed. */
  snapshotBytes: number;
}

/** By name of the line. */
export type MoveOuting = Record<string, Moved>;

export interface MoveContestant {
  lines: readonly string[];
  /** What must stand on the target before it starts. */
  target: 'empty' | 'absent';
  run(course: MoveCourse): Promise<MoveOuting>;
}
