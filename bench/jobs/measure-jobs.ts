// `npm run bench -- --jobs`: whole commands as an operator waits for them. Each checkout runs the same cases on the same
// servers, one after the other, and each round begins anew.

import { qdrantRequest } from '../../demo/fill-collection.js';
import { packageRoot } from '../../src/local/package-root.js';
import { describeMachine, type Machine } from '../report.js';
import type { BenchOptions } from '../options.js';
import { openCrew, type Checkout, type Crew, type JobStage } from './job-stage.js';

const SMALL_POINTS = 3_000;
const POINTS_OF_MANY = 10;
const DIMENSION = 16;

export interface JobRun {
  checkout: string;
  line: string;
  round: number;
  seconds: number;
}

export interface JobsReport {
  at: string;
  machine: Machine;
  runs: JobRun[];
}

export async function measureJobs(
  stage: JobStage,
  { rounds, collections, against }: BenchOptions,
  say: (line: string) => void,
): Promise<JobsReport> {
  const ours: Checkout = { name: 'this', root: packageRoot() };
  const checkouts = against === undefined ? [ours] : [ours, { name: 'other', root: against }];
  const runs: JobRun[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const checkout of checkouts) {
      const crew = await openCrew(stage, checkout);
      const timed = async (line: string, ...args: string[]) => {
        const { seconds } = await crew.ferry(...args);
        runs.push({ checkout: checkout.name, line, round, seconds });
        say(`  round ${round}, ${checkout.name}: ${line}: ${seconds.toFixed(1)} s`);
      };
      try {
        await takeTurn(stage, crew, timed, collections);
      } finally {
        await crew.close();
        await dropAll(stage.source.url);
        await dropAll(stage.target.url);
      }
    }
  }
  return { at: new Date().toISOString(), machine: describeMachine(stage), runs };
}

type Timed = (line: string, ...args: string[]) => Promise<void>;

async function takeTurn(
  { source, target }: JobStage,
  { ferry }: Crew,
  timed: Timed,
  collections: readonly number[],
): Promise<void> {
  await fill(source.url, 'small', SMALL_POINTS);
  // The first job of a worker loads what the later ones find.
  await ferry('migrate', 'source', 'target', 'small', '--as', 'first');
  await timed('the command starts (--version)', '--version');
  await timed(`migrate ${SMALL_POINTS} points`, 'migrate', 'source', 'target', 'small');
  await timed(`backup of ${SMALL_POINTS} points`, 'backup', 'source', 'small');
  for (const many of collections) {
    await dropAll(source.url);
    await dropAll(target.url);
    for (let one = 0; one < many; one += 1) await fill(source.url, `many-${one}`, POINTS_OF_MANY);
    await timed(`migrate ${many} collections`, 'migrate', 'source', 'target');
    await timed(`backup of ${many} collections`, 'backup', 'source');
    await dropAll(target.url);
    await timed(`restore ${many} collections`, 'restore', 'target', '--cluster', 'source');
  }
}

async function fill(url: string, name: string, points: number): Promise<void> {
  const body = {
    vectors: { size: DIMENSION, distance: 'Dot' },
    optimizers_config: { default_segment_number: 1 },
  };
  await qdrantRequest(url, 'PUT', `/collections/${name}`, JSON.stringify(body));
  const all = Array.from({ length: points }, (_, id) => ({
    id,
    vector: Array.from({ length: DIMENSION }, (__, at) => ((id * 31 + at * 17) % 1_000) / 1_000),
    payload: { n: id, text: `point ${id}` },
  }));
  await qdrantRequest(url, 'PUT', `/collections/${name}/points?wait=true`, JSON.stringify({ points: all }));
}

async function dropAll(url: string): Promise<void> {
  const answer = await qdrantRequest(url, 'GET', '/collections');
  const { result } = JSON.parse(answer) as { result: { collections: { name: string }[] } };
  for (const { name } of result.collections) await qdrantRequest(url, 'DELETE', `/collections/${name}`);
}
