// Waits until a collection is not being optimized, within bounds: a steady writer keeps it so for ever, and then the id
// set has to make up for it. Only "yellow" is waited for: in a grey collection nothing is being optimized.

import { setTimeout as sleep } from 'node:timers/promises';
import type { AwaitOptimizersInput, AwaitOptimizersResult } from '../../model/backup-activities.js';
import type { Controls } from '../../transfer/control-port.js';
import { layoutHash } from './plan-capture.js';

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
    const { status } = await control.info(ref.collection, signal);
    const isIdle = status !== 'yellow';
    if (isIdle || performance.now() + LOOK_EVERY_MS > until)
      return { isIdle, layout: layoutHash(await control.layout(ref.collection, signal)) };
    onProgress(`waiting for the optimizers of ${ref.collection} on ${ref.cluster}`);
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}
