// Waits until a collection has settled: green, optimizer content, every replica Active, nothing more being indexed, in
// two looks (between two optimizations a collection is green for a moment); replicas alone are looked at once. Waits only for what will come:
// red ends the wait at once, and so does a collection whose settings forbid its optimizers to run. A grey one, whose
// optimizers nobody has started since its node did, is woken. Giving up is an answer, not an error.

import { setTimeout as sleep } from 'node:timers/promises';
import type { AwaitReadyInput, AwaitReadyResult } from '../model/contracts/activities.js';
import { vectorNumber, type CollectionInfo } from '../model/settings/collection-settings.js';
import type { Indexing } from '../model/state/indexing.js';
import { numberAt } from '../model/json.js';
import type { ClusterControl, Controls } from './control-port.js';

const FIRST_PAUSE_MS = 200;
const PAUSE_GROWTH = 1.5;
const LOOK_EVERY_MS = 1_000;
const WAKE_EVERY_MS = 30_000;

/** There is no index of it. */
const NO_FIELD = 'qdrant-ferry.wakes-the-optimizers';

/**
 * A write that changes nothing: Qdrant starts the optimizers after each. An empty PATCH does not start them, and one of
 * `optimizers_config` ends those that run, which undoes deletions: docs/decisions/0012-what-an-archive-lacks.md.
 */
export function wakeOptimizers(
  control: ClusterControl,
  collection: string,
  signal?: AbortSignal,
): Promise<void> {
  return control.deleteIndex(collection, NO_FIELD, signal);
}

interface Sight {
  /** What is not yet as it should be; undefined when everything is. */
  reason: string | undefined;
  indexed: number;
  isGrey?: boolean;
  /** It will not come by waiting. */
  isInVain?: boolean;
  indexing?: Indexing;
}

export async function awaitReady(
  controls: Controls,
  { target: ref, waitMs, replicasOnly }: AwaitReadyInput,
  onProgress: (reason: string) => void = () => {},
  signal?: AbortSignal,
): Promise<AwaitReadyResult> {
  const control = controls.of(ref.cluster);
  const until = performance.now() + waitMs;
  let before: Sight | undefined;
  let wokenAt = -Infinity;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const now = await look(control, ref.collection, replicasOnly ?? false, signal);
    if (isSettled(replicasOnly ? now : before, now)) return { ready: true };
    const reason = now.reason ?? 'a second look that finds the same';
    onProgress(`waiting for ${ref.collection} on ${ref.cluster}: ${reason}`);
    const isOver = performance.now() + pauseMs > until;
    if (now.isInVain || isOver) return notReady(reason, now);
    if (now.isGrey && performance.now() - wokenAt > WAKE_EVERY_MS) {
      await wakeOptimizers(control, ref.collection, signal);
      wokenAt = performance.now();
    }
    before = now;
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * PAUSE_GROWTH, LOOK_EVERY_MS);
  }
}

function notReady(reason: string, { isInVain, indexing }: Sight): AwaitReadyResult {
  return {
    ...{ ready: false, reason },
    ...(isInVain ? { isInVain } : {}),
    ...(indexing === undefined ? {} : { indexing }),
  };
}

function isSettled(before: Sight | undefined, now: Sight): boolean {
  if (before === undefined || before.reason !== undefined || now.reason !== undefined) return false;
  return before.indexed === now.indexed;
}

async function look(
  control: ClusterControl,
  collection: string,
  replicasOnly: boolean,
  signal?: AbortSignal,
): Promise<Sight> {
  const { shards, transfers } = await control.layout(collection, signal);
  const waiting = shards.flatMap((shard) =>
    shard.replicas.flatMap(({ peer, state }) =>
      state === 'Active' ? [] : [`shard ${shard.id} on peer ${peer} is ${state}`],
    ),
  );
  if (transfers > 0) waiting.push(`${transfers} shard transfers under way`);
  if (replicasOnly) return { reason: waiting[0], indexed: 0 };
  return sightOf(await control.info(collection, signal), waiting[0]);
}

function sightOf(info: CollectionInfo, waiting: string | undefined): Sight {
  const { status, optimizerStatus, indexedVectors: indexed } = info;
  const isRed = status === 'red' || optimizerStatus !== 'ok';
  if (status === 'green' && !isRed) return { reason: waiting, indexed };
  const isStopped = !runsOptimizers(info);
  const reason = isRed ? redText(optimizerStatus) : isStopped ? STOPPED : (waiting ?? pendingText(status));
  return {
    ...{ reason, indexed, isGrey: status === 'grey', isInVain: isRed || isStopped },
    indexing: { ...vectorsOf(info), reason },
  };
}

function redText(optimizerStatus: string): string {
  if (optimizerStatus === 'ok') return 'the collection is red: an operation failed on its node';
  return `the collection is red: the optimizer says ${bothEnds(optimizerStatus)}`;
}

/** What it did stands at the beginning of such an error, and the cause at its end. */
function bothEnds(text: string): string {
  const [first, last] = [60, 90];
  return text.length <= first + last ? text : `${text.slice(0, first)} … ${text.slice(-last)}`;
}

const STOPPED = 'its `max_optimization_threads` is 0, so Qdrant builds no index until that is raised';

function pendingText(status: string): string {
  return status === 'grey'
    ? 'the collection is grey: its optimizers were not started since its node was, or its shards came'
    : `the collection is ${status}: its optimizers are at work`;
}

/** A node whose own configuration says 0 gives it to each new collection, so it stands there too. */
export function runsOptimizers({ config }: CollectionInfo): boolean {
  return numberAt(config, 'optimizer_config', 'max_optimization_threads') !== 0;
}

function vectorsOf(info: CollectionInfo): Omit<Indexing, 'reason'> {
  const each = vectorNumber(info.config);
  const vectors = Math.max(info.points * each, info.indexedVectors);
  return { indexed: info.indexedVectors, vectors, ...(each > 1 ? { isAtMost: true } : {}) };
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
