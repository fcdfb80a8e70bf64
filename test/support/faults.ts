// Faults put into the activities of a workflow test. Several may be set; each leaves those before it in place.

import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure, Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { Call, FakeClusters } from './fake-clusters.js';
import type { CaptureSliceInput } from '../../src/model/contracts/point-backup-activities.js';
import { fail } from './fake-clusters.js';
import { statusOf, until } from './workflow-lab.js';

type Name = Call['name'];

/** The activity fails with an error that no attempt can cure, until the returned function is called. */
export function failsForGood(
  fakes: FakeClusters,
  name: Name,
  code: Parameters<typeof fail>[0] = 'QdrantRejected',
) {
  let isCured = false;
  before(fakes, name, () => {
    if (!isCured) throw fail(code, `${name} was refused`);
  });
  return () => void (isCured = true);
}

/** Whatever an increment needs of the backup that it continues is not what was written. */
export function damagesBase(fakes: FakeClusters): void {
  before(fakes, 'captureSlice', (input) => {
    const { base } = input as CaptureSliceInput;
    if (base !== undefined) throw fail('ObjectDamaged', 'another SHA-256');
  });
}

/** Every one of the steps is refused until the collection has parked on it and `retry` was sent; returns their order. */
export async function parksOnEach(
  fakes: FakeClusters,
  child: WorkflowHandle,
  steps: readonly Name[],
): Promise<Name[]> {
  const cures = new Map(steps.map((name) => [name, failsForGood(fakes, name)]));
  const order: Name[] = [];
  while (cures.size > 0) {
    let attention: string | undefined;
    await until(async () => (attention = (await statusOf(child)).attention) !== undefined);
    const step = [...cures.keys()].find((name) => attention?.includes(`${name} was refused`));
    if (step === undefined) throw new Error(`It parked for another reason: ${attention}`);
    order.push(step);
    cures.get(step)?.();
    cures.delete(step);
    await child.executeUpdate('retry');
  }
  return order;
}

/** At every one of the steps the collection is paused, and resumed when the step is over and nothing runs. */
export async function pausesAtEach(
  fakes: FakeClusters,
  child: WorkflowHandle,
  steps: readonly Name[],
): Promise<void> {
  for (const step of steps) {
    const held = holds(fakes, step);
    await held.reached();
    await child.executeUpdate('pause');
    held.release();
    await until(async () => (await statusOf(child)).phase === 'paused');
    await child.executeUpdate('resume');
  }
}

/** The first attempt fails with an error that passes. */
export function failsOnce(fakes: FakeClusters, name: Name): void {
  let failed = false;
  before(fakes, name, () => {
    if (failed) return;
    failed = true;
    throw fail('QdrantUnavailable', `${name} got no answer`);
  });
}

/** The first attempt falls silent, as one whose worker was killed; what it did before is done. */
export function workerDies(fakes: FakeClusters, name: Name): void {
  let attempts = 0;
  before(fakes, name, async () => {
    attempts += 1;
    if (attempts > 1) return;
    await until(() => attempts > 1);
    throw new Error('This attempt was given up long ago.');
  });
}

/** Activities of that name wait until they are released or cancelled; they send heartbeats meanwhile. */
export function holds(fakes: FakeClusters, name: Name): { reached(): Promise<void>; release(): void } {
  let waiting = 0;
  let isReleased = false;
  before(fakes, name, async () => {
    waiting += 1;
    const { cancellationSignal } = Context.current();
    while (!isReleased) {
      if (cancellationSignal.aborted) throw new CancelledFailure('Called back');
      Context.current().heartbeat();
      await sleep(20);
    }
  });
  return { reached: () => until(() => waiting > 0), release: () => void (isReleased = true) };
}

function before(fakes: FakeClusters, name: Name, then: (input: unknown) => void | Promise<void>): void {
  const others = fakes.before;
  fakes.before = async (called, input) => {
    await others(called, input);
    if (called === name) await then(input);
  };
}
