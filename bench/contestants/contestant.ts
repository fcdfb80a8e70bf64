import type { Stage } from '../stage.js';

/** One line of the table: what was timed, and what our side of it used meanwhile. */
export interface Measured {
  seconds: number;
  cpuSeconds: number;
  peakBytes: number;
}

/** By name of the line. One outing can give several: copying alone, copying and verifying. */
export type Outing = Record<string, Measured>;

export interface Course {
  stage: Stage;
  /** Name of the collection on both sides. */
  collection: string;
  points: number;
  shards: number;
  slices: number;
  batchBytes: number;
}

export interface Contestant {
  /** The lines it gives, in the order they are shown. */
  lines: readonly string[];
  /** Whether an empty target collection must stand before it starts. */
  wantsTarget: boolean;
  run(course: Course): Promise<Outing>;
}
