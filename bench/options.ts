import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { scrollMigrationSchema } from '../src/model/inputs.js';
import { packageRoot } from '../src/local/package-root.js';

export const USAGE = `usage: npm run bench -- [options]
  --quick             5,000 points, one round, one shard: does it still run? The figures mean little
  --points NUMBER     in the source collection (40000)
  --rounds NUMBER     alternating rounds (3)
  --shards LIST       numbers of shards, a comparison for each (1,6,12)
  --only LIST         contestants: ours, ingest, loop, tool
  --slices NUMBER     of ours, and connections of the ingest (our default)
  --batch-bytes BYTES of ours and of the ingest (our default)
  --no-memory         without the runs that measure memory at 1 and 4 times the points
  --results FOLDER    for the JSON (bench/results)
With QDRANT_MIGRATION_BIN naming a binary of github.com/qdrant/migration, that is measured too.
`;

export type ContestantKey = 'ours' | 'ingest' | 'loop' | 'tool';

export interface BenchOptions {
  points: number;
  rounds: number;
  shards: number[];
  only: ContestantKey[];
  slices: number;
  batchBytes: number;
  memory: boolean;
  results: string;
  /** Of the official migration tool. */
  tool?: string;
}

const KEYS: ContestantKey[] = ['ours', 'ingest', 'loop', 'tool'];

/** Undefined when the usage was asked for. */
export function benchOptions(args: string[]): BenchOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ quick: flag, help: flag, 'no-memory': flag },
      ...{ points: text, rounds: text, shards: text, only: text, slices: text },
      ...{ 'batch-bytes': text, results: text },
    },
  });
  if (values.help) return undefined;
  const defaults = scrollMigrationSchema.parse({ source: 'source', target: 'target' });
  const tool = process.env['QDRANT_MIGRATION_BIN'];
  return {
    points: number(values.points, values.quick ? 5_000 : 40_000),
    rounds: number(values.rounds, values.quick ? 1 : 3),
    shards: (values.shards ?? (values.quick ? '1' : '1,6,12')).split(',').map((one) => number(one, 1)),
    only: values.only === undefined ? KEYS : KEYS.filter((key) => values.only?.split(',').includes(key)),
    slices: number(values.slices, defaults.slices),
    batchBytes: number(values['batch-bytes'], defaults.batchBytes),
    memory: !values['no-memory'],
    results: values.results ?? join(packageRoot(), 'bench/results'),
    ...(tool === undefined || tool === '' ? {} : { tool }),
  };
}

function number(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is not a whole number above 0`);
  return value;
}
