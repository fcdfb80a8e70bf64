// The jobs of the chaos run: everything that writes a collection or a backup, each way it can go. The far worker's link
// is slow, so that there is a middle in which something can happen; the near worker needs no second for the same.

import { writeLockId } from '../../src/model/names.js';
import { COLLECTION, type ClusterName } from './chaos-stack.js';

export type StoreName = 'offsite' | 'disk';
export type Place = ClusterName | 'store';

export interface ChaosJob {
  name: string;
  kind: 'scroll' | 'snapshot' | 'recovery' | 'backup';
  /** Whose `docs` it is about. */
  cluster: ClusterName;
  store?: StoreName;
  /** What the data worker talks to over the network. */
  touches: Place[];
  /** From where a node fetches by itself. */
  pullsFrom?: Place;
  /** Of every connection of the far worker. */
  bytesPerSecond: number;
  /** How long the far worker takes at least, once it has begun. */
  spanMs: number;
  /** What the command is told beside the collection's name on the target and its id. */
  flags: string[];
}

const HEARTBEAT_SECONDS = 5;
const SHORT = ['--heartbeat-seconds', String(HEARTBEAT_SECONDS), '--json', '--on-failure', 'fail'];
/** So small that the cursor moves, and is reported, several times a second. */
const SCROLL = ['--batch-bytes', '65536', '--budget-ms', '5000'];
const SNAPSHOT = ['--method', 'snapshot', '--no-copy-aliases'];

const scroll = { bytesPerSecond: 400_000, spanMs: 3_000 };
const snapshot = { bytesPerSecond: 800_000, spanMs: 3_500 };

export const jobs: ChaosJob[] = [
  { ...migration('scroll migration', ['source', 'target'], SCROLL), ...scroll, kind: 'scroll' },
  migration('snapshot migration by push', ['source', 'target'], [...SNAPSHOT, '--via', 'push']),
  {
    ...migration('snapshot migration by push, streamed', ['target'], [...SNAPSHOT, '--via', 'push']),
    cluster: 'target',
  },
  {
    ...migration('snapshot migration by pull', ['source', 'target'], [...SNAPSHOT, '--via', 'pull']),
    pullsFrom: 'source',
  },
  through('offsite', 'push'),
  through('offsite', 'pull'),
  through('disk', 'push'),
  backup('source', 'stored', 'offsite'),
  backup('source', 'stored', 'disk'),
  backup('target', 'stream', 'offsite'),
  backup('target', 'stream', 'disk'),
  recovery('disk', 'push'),
  recovery('offsite', 'push'),
  recovery('offsite', 'pull'),
];

/** Of the workflows in which the data activities of a job are pending. */
export function workflowsOf(job: ChaosJob, collection: string): string[] {
  return [writeLockId('target', collection), `${writeLockId(job.cluster, COLLECTION)}/backup`];
}

/** What starts it. `backup` is the one to recover. */
export function commandOf(job: ChaosJob, { id, collection, backup }: CommandNames): string[] {
  const shared = ['--id', id, ...job.flags, ...SHORT];
  if (job.kind === 'backup') return ['backup', job.cluster, COLLECTION, ...shared];
  const written = ['--as', collection, '--await-indexing-minutes', '1', ...shared];
  if (job.kind !== 'recovery') return ['migrate', job.cluster, 'target', COLLECTION, ...written];
  return ['restore', 'target', COLLECTION, '--cluster', job.cluster, '--backup', backup, ...written];
}

export interface CommandNames {
  id: string;
  collection: string;
  backup: string;
}

function migration(name: string, touches: Place[], flags: string[]): ChaosJob {
  return { name, kind: 'snapshot', cluster: 'source', touches, ...snapshot, flags };
}

function through(store: StoreName, via: 'push' | 'pull'): ChaosJob {
  const flags = [...SNAPSHOT, '--through', store, '--via', via];
  const touches: Place[] = store === 'disk' ? ['source', 'target'] : ['source', 'target', 'store'];
  return {
    ...migration(`snapshot migration through ${store}, by ${via}`, touches, flags),
    store,
    ...(via === 'pull' ? { pullsFrom: 'store' } : {}),
  };
}

function backup(cluster: ClusterName, capture: 'stored' | 'stream', store: StoreName): ChaosJob {
  return {
    name: `backup to ${store}, ${capture}`,
    kind: 'backup',
    cluster,
    store,
    touches: store === 'disk' ? [cluster] : [cluster, 'store'],
    ...snapshot,
    flags: ['--store', store, '--capture', capture, '--no-recall'],
  };
}

function recovery(store: StoreName, via: 'push' | 'pull'): ChaosJob {
  return {
    name: `recovery from ${store}, by ${via}`,
    kind: 'recovery',
    cluster: 'source',
    store,
    touches: store === 'disk' ? ['target'] : ['target', 'store'],
    ...(via === 'pull' ? { pullsFrom: 'store' } : {}),
    ...snapshot,
    flags: ['--store', store, '--via', via],
  };
}
