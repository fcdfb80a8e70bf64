// Whether the objects of a collection's backup are what its manifest says. `quick` asks for existence and size, `full`
// reads every byte and hashes it. Promises to name each object that is not, and to go on where it stopped; an object
// that cannot be read just now is an error, not damage.

import type { CheckObjectsInput, CheckObjectsResult } from '../../model/contracts/backup-activities.js';
import { manifestKey } from '../../model/format/backup-names.js';
import { FerryError } from '../../model/errors.js';
import { partsOf, type CollectionManifest, type ManifestPart } from '../../model/format/manifest.js';
import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../storage/object-store.js';
import { findManifest, lengthsOf, type OfCollection } from '../read-backup.js';

const MOST_NAMED = 10;
const ARCHIVED = 'archived; it can be read once it is restored';

export interface CheckAttempt {
  state: CheckObjectsResult;
  onProgress(state: CheckObjectsResult): void;
  signal: AbortSignal;
  stop: AbortSignal;
}

export function freshCheck(cursor = 0): CheckObjectsResult {
  return { cursor, done: false, objects: 0, bytes: 0, damage: [] };
}

export async function checkObjects(
  store: ObjectStore,
  input: CheckObjectsInput,
  { state, onProgress, signal, stop }: CheckAttempt,
): Promise<CheckObjectsResult> {
  const began = performance.now();
  const manifest = await readManifest(store, input, signal);
  const tasks = tasksOf(manifest, input);
  for (; state.cursor < tasks.length; state.cursor += 1) {
    if (stop.aborted || performance.now() - began > input.budgetMs) return state;
    signal.throwIfAborted();
    const task = tasks[state.cursor];
    if (task) await run(store, task, state, signal);
    onProgress({ ...state, cursor: state.cursor + 1 });
  }
  state.done = true;
  return state;
}

export async function readManifest(
  store: ObjectStore,
  of: OfCollection,
  signal?: AbortSignal,
): Promise<CollectionManifest> {
  const found = await findManifest(store, of, signal);
  if (found) return found.manifest;
  const key = manifestKey(of.cluster, of.backup, of.collection);
  throw new FerryError('ObjectMissing', 'The collection has no manifest', {
    context: { store: store.alias, key },
  });
}

interface Task {
  key: string;
  /** How long the object must be; checked once an object. */
  length?: number;
  part?: ManifestPart;
}

function tasksOf(manifest: CollectionManifest, { verify, share }: CheckObjectsInput): Task[] {
  const mine = sharing(share);
  const parts = partsOf(manifest);
  const sizes = [...lengthsOf(parts)].map(([key, length]): Task => ({ key, length }));
  if (verify === 'quick') return sizes.filter((_, at) => mine(at));
  return [...sizes, ...parts.filter((_, at) => mine(at)).map((part): Task => ({ key: part.key, part }))];
}

/** "3/7" takes every seventh, beginning with the third. */
export function sharing(share: string | undefined): (position: number) => boolean {
  if (share === undefined) return () => true;
  const [, k, n] = /^(\d+)\/(\d+)$/.exec(share) ?? [];
  const [own, all] = [Number(k), Number(n)];
  if (!(own >= 1 && own <= all)) {
    throw new FerryError('InvalidInput', `A part (--part) is written like 1/7, not "${share}"`);
  }
  return (position) => position % all === own - 1;
}

async function run(store: ObjectStore, task: Task, state: CheckObjectsResult, signal: AbortSignal) {
  if (task.part === undefined) return checkLength(store, task, state);
  const reason = await partFault(store, task.part, signal);
  if (reason !== undefined) note(state, `${nameOf(task.key)}: ${reason}`);
  state.bytes += task.part.bytes;
}

async function checkLength(store: ObjectStore, { key, length }: Task, state: CheckObjectsResult) {
  state.objects += 1;
  const found = await store.head(key);
  if (!found) note(state, `${nameOf(key)}: missing`);
  else if (found.archived) note(state, `${nameOf(key)}: ${ARCHIVED}`);
  else if (found.bytes !== length) note(state, `${nameOf(key)}: ${found.bytes} of ${length} bytes`);
}

async function partFault(
  store: ObjectStore,
  part: ManifestPart,
  signal: AbortSignal,
): Promise<string | undefined> {
  const where = `bytes ${part.offset} to ${part.offset + part.bytes}`;
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    const range = { from: part.offset, to: part.offset + part.bytes };
    for await (const chunk of store.read(part.key, { range, signal })) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    if (bytes !== part.bytes) return `${where} are ${bytes} bytes`;
    return hash.digest('hex') === part.sha256 ? undefined : `${where} are not what was written`;
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
    if (error.code === 'ObjectMissing') return 'missing';
    if (error.code === 'ObjectArchived') return ARCHIVED;
    if (error.code === 'ObjectDamaged') return `${where} cannot be read completely`;
    throw error;
  }
}

function note(state: CheckObjectsResult, sentence: string): void {
  if (state.damage.length < MOST_NAMED && !state.damage.includes(sentence)) state.damage.push(sentence);
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
