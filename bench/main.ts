// `npm run bench`: progress on stderr, the table on stdout, all figures as JSON in a file.

import { memoryBars, speedBars } from './bars.js';
import { benchPoints } from './bench-points.js';
import { createCollection, dropCollection, fillSource } from './collections.js';
import type { Course } from './contestants/contestant.js';
import { lineUp } from './line-up.js';
import { measureMemory } from './memory.js';
import { benchOptions, USAGE, type BenchOptions } from './options.js';
import { describeMachine, writeReport, type Comparison, type Report } from './report.js';
import { runRounds } from './rounds.js';
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
  say('starting two Qdrants, Temporal and the workers …');
  const stage = await openStage();
  const stop = () => void stage.close().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    const report = await measure(stage, options);
    console.log(asMarkdown(report));
    say(`all figures: ${await writeReport(options.results, report)}`);
    return 0;
  } finally {
    await stage.close();
  }
}

async function measure(stage: Stage, options: BenchOptions): Promise<Report> {
  const { points, rounds, slices, batchBytes } = options;
  const bytes = encodedBytes(points);
  const comparisons: Comparison[] = [];
  for (const shards of options.shards) comparisons.push(await compare(stage, options, shards, bytes));
  const course = { stage, collection: '', points, shards: 1, slices, batchBytes };
  const memory = options.memory ? await measureMemory(course, say) : [];
  const oneShard = comparisons.find(({ shards }) => shards === 1)?.summaries ?? [];
  return {
    at: new Date().toISOString(),
    machine: describeMachine(stage),
    options: { points, rounds, slices, batchBytes },
    ...{ bytes, comparisons, memory },
    bars: [...speedBars(oneShard), ...memoryBars(memory)],
  };
}

async function compare(
  stage: Stage,
  options: BenchOptions,
  shards: number,
  bytes: number,
): Promise<Comparison> {
  const { points, slices, batchBytes, rounds } = options;
  const collection = `bench-${shards}`;
  say(`${shards} shard(s): filling the source with ${points} points …`);
  await createCollection(stage.source, collection, shards);
  await fillSource(stage.source, collection, points);
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
