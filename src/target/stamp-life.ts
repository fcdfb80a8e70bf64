// The stamp on a target while its job lives: renewed as it works, closed when it has succeeded. Each change first checks
// that the collection is the very one that the job prepared (its pin), and that no other job has taken it over. May be
// repeated. Where Qdrant keeps no metadata there is no stamp, and nothing is done.

import type { CloseStampInput, RenewStampInput } from '../model/contracts/activities.js';
import type { CollectionRef } from '../model/collections.js';
import { FerryError } from '../model/errors.js';
import { stampMetadata, stampOf, type Stamp, type StampedWork } from '../model/stamp.js';
import type { Controls } from '../cluster/control-port.js';
import { createCheckPin } from '../cluster/pin.js';

export type WorkStamp = Stamp & { work: StampedWork };

export async function renewStamp(
  controls: Controls,
  input: RenewStampInput,
  signal?: AbortSignal,
): Promise<void> {
  await changeStamp(controls, input, (work) => work, signal);
}

export async function closeStamp(
  controls: Controls,
  { verified, ...input }: CloseStampInput,
  signal?: AbortSignal,
): Promise<void> {
  await changeStamp(
    controls,
    input,
    ({ heldBack: _, ...work }) => ({ ...work, job: input.job, state: 'closed', verified }),
    signal,
  );
}

/** Rewrites the job's own stamp, with the time of now. */
export async function changeStamp(
  controls: Controls,
  { target: ref, targetPin, job }: RenewStampInput,
  change: (work: StampedWork) => StampedWork,
  signal?: AbortSignal,
): Promise<void> {
  await createCheckPin(controls)(ref.cluster, ref.collection, targetPin, signal);
  const target = controls.of(ref.cluster);
  const stamp = stampOf((await target.info(ref.collection, signal)).config);
  if (!isWorkStamp(stamp)) return;
  requireOwnJob(ref, stamp.work, job);
  const work = { ...change(stamp.work), renewedAt: new Date().toISOString() };
  const metadata = stampMetadata({ ...stamp, work });
  await target.change(ref.collection, { metadata }, signal);
}

export function isWorkStamp(stamp: Stamp | undefined): stamp is WorkStamp {
  return stamp?.work !== undefined;
}

/** A closed stamp is nobody's: each run that verifies the target again notes what it found. */
function requireOwnJob(ref: CollectionRef, work: StampedWork, job: string): void {
  if (work.state === 'closed' || work.job === job) return;
  const happened = `The job ${work.job} has taken over "${ref.collection}" on "${ref.cluster}" (at ${work.renewedAt})`;
  throw new FerryError('CollectionBusy', happened, { context: { ...ref } });
}
