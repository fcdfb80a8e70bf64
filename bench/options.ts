import { parseArgs } from 'node:util';
import { join, resolve } from 'node:path';
import { scrollMigrationSchema } from '../src/model/contracts/inputs.js';
import { packageRoot } from '../src/local/package-root.js';

export const USAGE = `usage: npm run bench -- [options]
  --quick             5,000 points, one round, one shard: does it still run? The figures mean little
  --points NUMBER     in the source collection (40000; 60000 for snapshots, 200000 for moves and increments)
  --rounds NUMBER     alternating rounds (3; 2 for moves)
  --shards LIST       numbers of shards, a comparison for each (1,6,12; 1,4 for snapshots, 1 for moves)
  --only LIST         contestants: ours, ingest, loop, tool
  --slices NUMBER     of ours, and connections of the ingest (our default)
  --batch-bytes BYTES of ours and of the ingest (our default)
  --wide              ours alone, plain and then with an integer of 2^63 and more in every payload
  --no-memory         without the runs that measure memory at 1 and 4 times the points
  --results FOLDER    for the JSON (bench/results)
  --snapshots         capture to a store and recovery from it, instead of migration
  --cases LIST        of the snapshots: streaming (Qdrant 1.17.0), storing (1.16.3), and large (ten times the points,
                      one round). Without: the first two, with --quick the first
  --moves             snapshot migration against scroll migration and against a plain pipe, with an index built
  --keep FOLDER       of the moves: where the indexed source is kept for the next run, which needs not build it again
  --jobs              whole commands: a small job, and many small collections
  --increments        increments of an indexed collection, both ways to find what changed, beside full backups
  --links NUMBER      of the increments: links of the chain that is recovered at the end (24; 3 with --quick)
  --collections LIST  of the jobs: how many collections (200,1000; 20 with --quick; 0 for none)
  --against FOLDER    of the jobs: another built checkout of qdrant-ferry, run in the same rounds
With QDRANT_MIGRATION_BIN naming a binary of github.com/qdrant/migration, that is measured too.
`;

export type SnapshotCase = 'streaming' | 'storing' | 'large';
export type ContestantKey = 'ours' | 'ingest' | 'loop' | 'tool';

export interface BenchOptions {
  points: number;
  rounds: number;
  shards: number[];
  only: ContestantKey[];
  slices: number;
  batchBytes: number;
  memory: boolean;
  /** Wide integers are measured against plain payloads. */
  wide: boolean;
  /** Empty: migration is measured. */
  snapshots: SnapshotCase[];
  /** Snapshot migration is measured. */
  moves: boolean;
  /** Where an indexed source is kept. */
  keep?: string;
  /** Whole commands are measured. */
  jobs: boolean;
  /** Increments are measured. */
  increments: boolean;
  /** Of the chain that is recovered. */
  links: number;
  /** Numbers of small collections. */
  collections: number[];
  /** Another checkout, built. */
  against?: string;
  results: string;
  /** Of the official migration tool. */
  tool?: string;
}

const CASES: SnapshotCase[] = ['streaming', 'storing', 'large'];
const QUICK = { points: 5_000, shards: '1', rounds: 1 };
const KEYS: ContestantKey[] = ['ours', 'ingest', 'loop', 'tool'];

/** Undefined when the usage was asked for. */
export function benchOptions(args: string[]): BenchOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ quick: flag, help: flag, 'no-memory': flag, wide: flag },
      ...{ snapshots: flag, moves: flag, jobs: flag, increments: flag, links: text },
      ...{ points: text, rounds: text, shards: text, only: text, slices: text },
      ...{ 'batch-bytes': text, results: text, cases: text, keep: text, collections: text, against: text },
    },
  });
  if (values.help) return undefined;
  const defaults = scrollMigrationSchema.parse({ source: 'source', target: 'target' });
  const tool = process.env['QDRANT_MIGRATION_BIN'];
  const { points, shards, rounds } = values.quick ? QUICK : usual(values);
  const cases = (values.cases ?? (values.quick ? 'streaming' : 'streaming,storing')).split(',');
  return {
    points: number(values.points, points),
    rounds: number(values.rounds, rounds),
    shards: (values.shards ?? shards).split(',').map((one) => number(one, 1)),
    only: values.only === undefined ? KEYS : KEYS.filter((key) => values.only?.split(',').includes(key)),
    slices: number(values.slices, defaults.slices),
    batchBytes: number(values['batch-bytes'], defaults.batchBytes),
    memory: !values['no-memory'] && !values.wide,
    wide: values.wide,
    snapshots: values.snapshots ? CASES.filter((one) => cases.includes(one)) : [],
    moves: values.moves,
    jobs: values.jobs,
    increments: values.increments,
    links: number(values.links, values.quick ? 3 : 24),
    collections: (values.collections ?? (values.quick ? '20' : '200,1000'))
      .split(',')
      .map(Number)
      .filter(Boolean),
    ...(values.against === undefined ? {} : { against: resolve(values.against) }),
    results: values.results ?? join(packageRoot(), 'bench/results'),
    ...(values.keep === undefined ? {} : { keep: values.keep }),
    ...(tool === undefined || tool === '' ? {} : { tool }),
  };
}

function usual({
  snapshots,
  moves,
  jobs,
  increments,
}: Record<'snapshots' | 'moves' | 'jobs' | 'increments', boolean>): typeof QUICK {
  if (jobs) return { points: 3_000, shards: '1', rounds: 2 };
  if (moves || increments) return { points: 200_000, shards: '1', rounds: 2 };
  if (snapshots) return { points: 60_000, shards: '1,4', rounds: 3 };
  return { points: 40_000, shards: '1,6,12', rounds: 3 };
}

function number(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is not a whole number above 0`);
  return value;
}
