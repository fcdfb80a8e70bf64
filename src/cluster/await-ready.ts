// Waits until a collection has settled: green, no optimizer error, every replica Active, nothing being indexed, in two
// checks (between two optimizations a collection is green for a moment); for replicas alone one check is enough. Does not
// wait for what will not come: red ends the wait, and so does a collection whose settings stop its optimizers. In a grey
// one, whose optimizers have not run since its node started, it starts them. Giving up is a result, not an error.

import { setTimeout as sleep } from 'node:timers/promises';
import type { AwaitReadyInput, AwaitReadyResult } from '../model/contracts/activities.js';
import type { AwaitOptimizersInput, AwaitOptimizersResult } from '../model/contracts/backup-activities.js';
import { numberAt } from '../model/json.js';
import { type CollectionInfo, vectorNumber } from '../model/settings/collection-settings.js';
import type { Indexing } from '../model/state/indexing.js';
import type { ClusterControl, Controls } from './control-port.js';
import { layoutHash } from './shard-layout.js';

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
  /** Waiting does not help. */
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
    const reason = now.reason ?? 'a second check with the same result';
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
  return `the collection is red: the optimizer reports ${bothEnds(optimizerStatus)}`;
}

/** Such an error begins with what the optimizer did, and ends with the cause. */
function bothEnds(text: string): string {
  const [first, last] = [60, 90];
  return text.length <= first + last ? text : `${text.slice(0, first)} … ${text.slice(-last)}`;
}

const STOPPED = 'its `max_optimization_threads` is 0, so Qdrant builds no index until it is raised';

function pendingText(status: string): string {
  return status === 'grey'
    ? 'the collection is grey: its optimizers have not run since its node started or its shards were recovered'
    : `the collection is ${status}: its optimizers are running`;
}

/** A node with 0 in its configuration gives it to each new collection, so it is found here too. */
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

const OPTIMIZERS_EVERY_MS = 500;

/**
 * Waits until a collection is not being optimized, within bounds: a steady writer keeps it so forever, and then the id set
 * has to make up for it. Only "yellow" is waited for: in a grey collection nothing is being optimized.
 */
export async function awaitOptimizers(
  controls: Controls,
  { collection: ref, waitMs }: AwaitOptimizersInput,
  onProgress: (what: string) => void,
  signal: AbortSignal,
): Promise<AwaitOptimizersResult> {
  const control = controls.of(ref.cluster);
  const until = performance.now() + waitMs;
  for (;;) {
    const info = await control.info(ref.collection, signal);
    const isIdle = info.status !== 'yellow';
    // With no optimizer threads it stays yellow forever; whether an earlier one is still running is not known.
    const isOver = !runsOptimizers(info) || performance.now() + OPTIMIZERS_EVERY_MS > until;
    if (isIdle || isOver) return { isIdle, layout: layoutHash(await control.layout(ref.collection, signal)) };
    onProgress(`waiting for the optimizers of ${ref.collection} on ${ref.cluster}`);
    await sleep(OPTIMIZERS_EVERY_MS, undefined, { signal });
  }
}
