// Every wire name: task queues, workflow ids, search attributes, the stamp on a target. Made here and nowhere else.

export const CONTROL_QUEUE = 'ferry-control';
export const DATA_QUEUE = 'ferry-data';

/** On which one worker alone can be asked something: all others of a queue are alike to Temporal. */
export function ownQueueOf(worker: string): string {
  return `ferry-worker/${worker}`;
}

/** The lock on a collection that is written: two jobs never have one id. */
export function writeLockId(cluster: string, collection: string): string {
  return `ferry/${cluster}/${collection}`;
}

/** A backup that a job takes on its way: no lock, and unlike every lock. */
export function ownBackupId(workflowId: string, why: 'safety' | 'through'): string {
  return `${workflowId}/${why}-backup`;
}

/** Verification reads only, and so has a row but no lock. */
export function verifyId(parent: string, collection: string): string {
  return `${parent}/${collection}`;
}

/** A schedule of a policy, and the workflows that it starts: Temporal appends their time. Unlike every lock. */
export function scheduleId(policy: string, cluster: string, job: string): string {
  return `ferry/${policy}/${cluster}/${job}`;
}

/** The policy of a schedule, by its id. */
export function policyOf(scheduleId: string): string | undefined {
  const [ferry, policy, ...rest] = scheduleId.split('/');
  return ferry === 'ferry' && rest.length === 2 ? policy : undefined;
}

/** A job started from the command line. Safe in a URL and in a shell, where `>` would be a redirection. */
export function jobId(operation: string, source: string, target: string, start: Start): string {
  return `${operation}/${plain(source)}-to-${plain(target)}/${startText(start)}`;
}

export interface Start {
  at: Date;
  /** A few letters that tell two commands of one millisecond apart. */
  nonce: string;
}

export function startText({ at, nonce }: Start): string {
  return `${at.toISOString().replace('T', '-').replace(/[:.Z]/g, '')}-${nonce}`;
}

/** A prune started from the command line; `default` where no store is named. */
export function pruneJobId(store: string | undefined, start: Start): string {
  return `prune/${plain(store ?? 'default')}/${startText(start)}`;
}

/** A check started from the command line; `number` tells those of one command apart. */
export function checkJobId(store: string | undefined, start: Start, number: number): string {
  return `check/${plain(store ?? 'default')}/${startText(start)}-${number}`;
}

/** A job of `--standalone`: the same whenever the same is asked, so that a repeated command finds its job again. */
export function standaloneJobId(operation: string, source: string, target: string, asked: string): string {
  return `${operation}/${plain(source)}-to-${plain(target)}/standalone-${asked}`;
}

const plain = (text: string): string => text.replace(/[^A-Za-z0-9._-]/g, '_');

/** The same whenever the same collection goes the same way: a repeated job finds its own target by it. */
export function migrationName(
  from: { cluster: string; collection: string },
  to: { cluster: string; collection: string },
): string {
  return `${from.cluster}/${from.collection} -> ${to.cluster}/${to.collection}`;
}

/** The key in the metadata of a collection on which a migration leaves its stamp (Qdrant 1.16 or newer). */
export const STAMP_KEY = 'qdrant-ferry';

export const SEARCH_ATTRIBUTES = {
  FerryCluster: 'Keyword',
  FerryTarget: 'Keyword',
  FerryCollection: 'Keyword',
  FerryOperation: 'Keyword',
  FerryPhase: 'Keyword',
} as const;

/** On a collection that a recovery made: out of which backup it came. */
export function recoveryName(
  from: { store: string; cluster: string; backup: string; collection: string },
  to: { cluster: string; collection: string },
): string {
  return `${from.store}/${from.cluster}/${from.backup}/${from.collection} -> ${to.cluster}/${to.collection}`;
}
