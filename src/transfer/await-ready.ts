// Waits until a collection has settled: green, optimizer content, every replica Active, nothing more being indexed, in
// two looks a second apart (between two optimizations a collection is green for a moment). Giving up is an answer, not
// an error.

import { setTimeout as sleep } from 'node:timers/promises';
import type { AwaitReadyInput, AwaitReadyResult } from '../model/activities.js';
import type { ClusterControl, Controls } from './control-port.js';

const LOOK_EVERY_MS = 1_000;

interface Sight {
  /** What is not yet as it should be; undefined when everything is. */
  reason: string | undefined;
  indexed: number;
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
  for (;;) {
    const now = await look(control, ref.collection, replicasOnly ?? false, signal);
    if (isSettled(before, now)) return { ready: true };
    const reason = now.reason ?? 'a second look that finds the same';
    onProgress(`waiting for ${ref.collection} on ${ref.cluster}: ${reason}`);
    if (performance.now() + LOOK_EVERY_MS > until) return { ready: false, reason };
    before = now;
    await pause(signal);
  }
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
  const info = await control.info(collection, signal);
  if (info.optimizerStatus !== 'ok') waiting.push(`the optimizer says ${info.optimizerStatus.slice(0, 200)}`);
  if (info.status !== 'green')
    waiting.push(`the collection is ${info.status}, ${info.indexedVectors} vectors indexed`);
  return { reason: waiting[0], indexed: info.indexedVectors };
}

async function pause(signal?: AbortSignal): Promise<void> {
  try {
    await sleep(LOOK_EVERY_MS, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
