// Waits until a collection is not being optimized, within bounds: a steady writer keeps it so for ever, and then the id
// set has to make up for it. Only "yellow" is waited for: in a grey collection nothing is being optimized.

import { setTimeout as sleep } from 'node:timers/promises';
import type { AwaitOptimizersInput, AwaitOptimizersResult } from '../model/contracts/backup-activities.js';
import { runsOptimizers } from './await-ready.js';
import type { Controls } from './control-port.js';
import { layoutHash } from './shard-layout.js';

const LOOK_EVERY_MS = 500;

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
    // With no optimizer threads it stays yellow for ever; whether one of before still works cannot be told.
    const isOver = !runsOptimizers(info) || performance.now() + LOOK_EVERY_MS > until;
    if (isIdle || isOver) return { isIdle, layout: layoutHash(await control.layout(ref.collection, signal)) };
    onProgress(`waiting for the optimizers of ${ref.collection} on ${ref.cluster}`);
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}
