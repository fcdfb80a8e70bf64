// `npm run bench`: progress on stderr, the table on stdout, all figures as JSON in a file.

import { apartBars, memoryBars, speedBars, wideBars } from './bars.js';
import { benchPoints } from './bench-points.js';
import { createCollection, dropCollection, fillSource, widen } from './collections.js';
import type { Course } from './contestants/contestant.js';
import { lineUp } from './line-up.js';
import { measureMemory } from './memory.js';
import { benchOptions, USAGE, type BenchOptions } from './options.js';
import { giveTargetItsCore, shareCores } from './own-core.js';
import { describeMachine, writeReport, type Comparison, type Report } from './report.js';
import { runRounds } from './rounds.js';
import { incrementsAsMarkdown } from './increments/increment-tables.js';
import { measureIncrements } from './increments/measure-increments.js';
import { openJobStage } from './jobs/job-stage.js';
import { jobsAsMarkdown } from './jobs/job-tables.js';
import { measureJobs } from './jobs/measure-jobs.js';
import { measureMoves } from './moves/measure-moves.js';
import { movesAsMarkdown } from './moves/move-tables.js';
import { measureSnapshots } from './snapshots/measure-snapshots.js';
import { openSnapshotStage } from './snapshots/snapshot-stage.js';
import { snapshotsAsMarkdown } from './snapshots/snapshot-tables.js';
import { openStage, type Stage } from './stage.js';
import { summarise } from './summary.js';
import { asMarkdown } from './tables.js';

const say = (line: string) => console.error(line);

export async function main(args: string[]): Promise<number> {
  const options = benchOptions(args);
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  if (options.jobs) return benchJobs(options);
  if (options.moves) return benchMoves(options);
  if (options.increments) return benchIncrements(options);
  return options.snapshots.length > 0 ? benchSnapshots(options) : benchMigration(options);
}

async function benchMigration(options: BenchOptions): Promise<number> {
  say('starting two Qdrants, Temporal and the workers …');
  return onStage(await openStage(), async (stage) => {
    const report = await measure(stage, options);
    console.log(asMarkdown(report));
    return writeReport(options.results, report);
  });
}

async function benchSnapshots(options: BenchOptions): Promise<number> {
  say('starting three Qdrants, the S3 gateway, Temporal and the workers …');
  return onStage(await openSnapshotStage(), async (stage) => {
    const report = await measureSnapshots(stage, options, say);
    console.log(snapshotsAsMarkdown(report));
    return writeReport(options.results, report, 'snapshots');
  });
}

async function benchMoves(options: BenchOptions): Promise<number> {
  say('starting three Qdrants, the S3 gateway, Temporal and the workers …');
  return onStage(await openSnapshotStage(), async (stage) => {
    const report = await measureMoves(stage, options, say);
    console.log(movesAsMarkdown(report));
    return writeReport(options.results, report, 'moves');
  });
}

async function benchJobs(options: BenchOptions): Promise<number> {
  say('starting two Qdrants and the S3 gateway …');
  return onStage(await openJobStage(), async (stage) => {
    const report = await measureJobs(stage, options, say);
    console.log(jobsAsMarkdown(report));
    return writeReport(options.results, report, 'jobs');
  });
}

async function benchIncrements(options: BenchOptions): Promise<number> {
  say('starting two Qdrants and the S3 gateway …');
  return onStage(await openJobStage('1.17.0'), async (stage) => {
    const report = await measureIncrements(stage, options, say);
    console.log(incrementsAsMarkdown(report));
    return writeReport(options.results, report, 'increments');
  });
}

/** `use` returns the path of the figures. Whatever happens, the stage is closed. */
async function onStage<S extends { close(): Promise<void> }>(
  stage: S,
  use: (stage: S) => Promise<string>,
): Promise<number> {
  const stop = () => void stage.close().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    say(`all figures: ${await use(stage)}`);
    return 0;
  } finally {
    await stage.close();
  }
}

async function measure(stage: Stage, options: BenchOptions): Promise<Report> {
  const { points, rounds, slices, batchBytes } = options;
  const bytes = encodedBytes(points);
  if (options.wide) return measureWide(stage, options, bytes);
  const comparisons: Comparison[] = [];
  for (const shards of options.shards) comparisons.push(await compare(stage, options, shards, bytes));
  const apart = await compareApart(stage, options, bytes);
  if (apart) comparisons.push(apart);
  const course = { stage, collection: '', points, shards: 1, slices, batchBytes };
  const memory = options.memory ? await measureMemory(course, say) : [];
  const oneShard = comparisons.find((one) => one.shards === 1 && one !== apart)?.summaries ?? [];
  return {
    at: new Date().toISOString(),
    machine: describeMachine(stage),
    options: { points, rounds, slices, batchBytes },
    ...{ bytes, comparisons, memory },
    bars: [...speedBars(oneShard), ...apartBars(apart?.summaries ?? []), ...memoryBars(memory)],
  };
}

async function measureWide(stage: Stage, options: BenchOptions, bytes: number): Promise<Report> {
  const ours: BenchOptions = { ...options, only: ['ours'] };
  const plain = await compare(stage, ours, 1, bytes);
  const wide = { ...(await compare(stage, ours, 1, bytes, true)), wide: true };
  const { points, rounds, slices, batchBytes } = options;
  return {
    at: new Date().toISOString(),
    machine: describeMachine(stage),
    options: { points, rounds, slices, batchBytes },
    ...{ bytes, comparisons: [plain, wide], memory: [] },
    bars: wideBars(plain.summaries, wide.summaries),
  };
}

/** Ours and the ingest once more, as if the target ran on a machine of its own. */
async function compareApart(
  stage: Stage,
  options: BenchOptions,
  bytes: number,
): Promise<Comparison | undefined> {
  const only = options.only.filter((key) => key === 'ours' || key === 'ingest');
  if (!options.shards.includes(1) || only.length < 2) return undefined;
  if (!(await giveTargetItsCore(stage))) return undefined;
  say('the target on a core of its own:');
  try {
    return { ...(await compare(stage, { ...options, only }, 1, bytes)), ownCore: true };
  } finally {
    await shareCores(stage);
  }
}

async function compare(
  stage: Stage,
  options: BenchOptions,
  shards: number,
  bytes: number,
  wide = false,
): Promise<Comparison> {
  const { points, slices, batchBytes, rounds } = options;
  const collection = `bench-${shards}`;
  say(`${shards} shard(s): filling the source with ${points} points …`);
  await createCollection(stage.source, collection, shards);
  await fillSource(stage.source, collection, points);
  if (wide) await widen(stage.source, collection);
  const course: Course = { stage, collection, points, shards, slices, batchBytes };
  const runs = await runRounds(course, lineUp(options), rounds, say);
  for (const side of [stage.source, stage.target]) await dropCollection(side, collection);
  return { shards, summaries: summarise(runs, course, bytes), runs };
}

function encodedBytes(points: number): number {
  let bytes = 0;
  for (const point of benchPoints(points)) bytes += point.length;
  return bytes;
}
