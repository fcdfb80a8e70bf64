// Looks at one store through the workers that use it: reached? written? what does it lack? Of a disk every worker is
// asked on its own queue, and all must see the marker that one of them left; of S3 one worker of each queue is enough.
// Promises an answer within about a minute, whoever is dead, and that the marker is removed. Changes nothing else.

import { CancellationScope, uuid4 } from '@temporalio/workflow';
import { parseInput } from '../../model/contracts/inputs.js';
import { ownQueueOf } from '../../model/names.js';
import {
  examineStoreSchema,
  type LocateStoreWorkersResult,
  type QueueWorker,
  type StoreExamination,
  type StoreLook,
} from '../../model/contracts/store-examination.js';
import { surfacing, troubleOf } from '../runtime/failures.js';
import { isTimeout, runActivity } from '../runtime/run-activity.js';

/** An idle worker's poll lasts a minute at the most; then it polls again. */
const GONE_AFTER_MS = 65_000;

/** A worker, or for S3 any of a queue's. */
interface Witness {
  queues: string[];
  worker?: QueueWorker;
}

export async function examineStore(input: unknown): Promise<StoreExamination> {
  return surfacing(async () => {
    const { store } = parseInput(examineStoreSchema, input);
    const { queues, ...place } = await runActivity(
      'locateStoreWorkers',
      { store },
      `which workers use ${store}`,
    );
    const looks = await Promise.all(witnessesOf(place.kind, queues).map((one) => look(store, one)));
    const markedBy =
      place.kind === 'file' && !place.isReadOnly ? await compareDisks(store, looks) : undefined;
    const names = queues.map(({ queue }) => queue);
    return { ...place, queues: names, looks, ...(markedBy === undefined ? {} : { markedBy }) };
  });
}

function witnessesOf(kind: 's3' | 'file', queues: LocateStoreWorkersResult['queues']): Witness[] {
  const attended = queues.filter(({ workers }) => workers.length > 0);
  if (kind === 's3') return attended.map(({ queue }) => ({ queues: [queue] }));
  const byName = new Map<string, Witness>();
  for (const { queue, workers } of attended) {
    for (const worker of workers) {
      const known = byName.get(worker.worker)?.queues ?? [];
      byName.set(worker.worker, { queues: [...known, queue], worker });
    }
  }
  return [...byName.values()];
}

async function look(store: string, witness: Witness): Promise<StoreLook> {
  const { queues, worker } = witness;
  const about = { queues, ...(worker === undefined ? {} : { worker: worker.worker }) };
  try {
    const { limitations } = await runActivity('probeStore', { store }, placeOf(about, 'probe'));
    return { ...about, state: 'well', limitations };
  } catch (error) {
    const isGone = worker !== undefined && worker.silentMs > GONE_AFTER_MS && isTimeout(error);
    return { ...about, limitations: [], ...failed(error), ...(isGone ? { state: 'gone' } : {}) };
  }
}

/** The first that can leaves the marker; the looks of those that do not see it are corrected. */
async function compareDisks(store: string, looks: StoreLook[]): Promise<string | undefined> {
  const nonce = uuid4();
  const well = looks.filter(({ state }) => state === 'well');
  const [first, ...others] = well;
  if (first === undefined || others.length === 0) return undefined;
  try {
    await runActivity('leaveMarker', { store, nonce }, placeOf(first, 'leave a marker'));
    await Promise.all(others.map((other) => seesMarker(store, nonce, other)));
  } catch (error) {
    Object.assign(first, failed(error));
    return undefined;
  } finally {
    await CancellationScope.nonCancellable(() => takeAway(store, nonce, first));
  }
  return first.worker;
}

async function seesMarker(store: string, nonce: string, other: StoreLook): Promise<void> {
  try {
    const { sees } = await runActivity('seeMarker', { store, nonce }, placeOf(other, 'see the marker'));
    if (!sees) other.state = 'blind';
  } catch (error) {
    Object.assign(other, failed(error));
  }
}

async function takeAway(store: string, nonce: string, first: StoreLook): Promise<void> {
  try {
    await runActivity('removeMarker', { store, nonce }, placeOf(first, 'remove the marker'));
  } catch (error) {
    if (first.state === 'well') Object.assign(first, failed(error));
  }
}

/** On a shared queue the call may wait behind other work. */
function placeOf({ queues, worker }: Pick<StoreLook, 'queues' | 'worker'>, what: string) {
  const [queue = ''] = queues;
  return worker === undefined
    ? { taskQueue: queue, takenWithinMs: 10_000, summary: `${what}: a worker of ${queue}` }
    : { taskQueue: ownQueueOf(worker), takenWithinMs: 5_000, summary: `${what}: ${worker}` };
}

function failed(error: unknown): Pick<StoreLook, 'state' | 'says'> {
  if (isTimeout(error)) return { state: 'silent' };
  const { code, message } = troubleOf(error);
  return { state: 'failed', says: `${code}: ${message}` };
}
