import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type as systemType } from 'node:os';
import { join } from 'node:path';
import type { Bar } from './bars.js';
import type { MemoryRun } from './memory.js';
import type { IncrementsReport } from './increments/measure-increments.js';
import type { JobsReport } from './jobs/measure-jobs.js';
import type { MoveReport } from './moves/move-report.js';
import type { BenchOptions } from './options.js';
import type { Run } from './rounds.js';
import type { SnapshotReport } from './snapshots/snapshot-report.js';
import type { Stage } from './stage.js';
import type { Summary } from './summary.js';

export interface Comparison {
  shards: number;
  /** The target had a core that nobody else used. */
  ownCore?: boolean;
  /** Every payload holds an integer of 2^63 and more. */
  wide?: boolean;
  summaries: Summary[];
  runs: Run[];
}

export interface Report {
  at: string;
  machine: Machine;
  options: Pick<BenchOptions, 'points' | 'rounds' | 'slices' | 'batchBytes'>;
  /** Of all points, encoded. */
  bytes: number;
  comparisons: Comparison[];
  memory: MemoryRun[];
  bars: Bar[];
}

export interface Machine {
  cores: number;
  cpu: string;
  memoryGigabytes: number;
  system: string;
  node: string;
  source: string;
  target: string;
}

export function describeMachine({ source, target }: Pick<Stage, 'source' | 'target'>): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 1e9),
    system: `${systemType()} ${release()}`,
    node: process.versions.node,
    source: source.version,
    target: target.version,
  };
}

/** Returns the file's path. */
export async function writeReport(
  folder: string,
  report: Report | SnapshotReport | MoveReport | JobsReport | IncrementsReport,
  name: 'bench' | 'snapshots' | 'moves' | 'jobs' | 'increments' = 'bench',
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}-${report.at.replace(/[:.]/g, '-')}.json`);
  await writeFile(path, `${JSON.stringify(report, undefined, 2)}\n`);
  return path;
}
