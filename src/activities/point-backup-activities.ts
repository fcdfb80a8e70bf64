// Backups by points, as Temporal calls them.

import type {
  CaptureSliceInput,
  PlanPointsInput,
  PointBackupActivities,
} from '../model/contracts/point-backup-activities.js';
import type { BaseRef } from '../model/format/manifest.js';
import { slicesFor } from '../model/state/walk.js';
import type { Slice } from '../model/state/slice.js';
import { Chains } from '../backups/points/chain.js';
import { captureSlice } from '../backups/points/capture-slice.js';
import { planPoints } from '../backups/points/plan-points.js';
import { noteReader, removeReader } from '../backups/retention/readers.js';
import { writePointsManifest } from '../backups/points/write-points-manifest.js';
import { betweenChecks } from '../cluster/pin.js';
import type { PointCodec } from '../cluster/points-port.js';
import { planSlices } from '../transfer/plan-slices.js';
import type { BackupStoreDependencies } from './backup-activities.js';
import { heldCall } from './attempt.js';
import { endReading, noteReading, whileReading, type Readers } from './while-reading.js';

export interface PointBackupDependencies extends Pick<
  BackupStoreDependencies,
  'controls' | 'connect' | 'checkPin' | 'openStore' | 'ferryVersion'
> {
  codec: PointCodec;
}

export function createPointBackupActivities(dependencies: PointBackupDependencies): PointBackupActivities {
  const { controls, connect, checkPin, openStore, codec, ferryVersion } = dependencies;
  const chains = new Chains();
  const readersOf = ({ store }: { store: string }): Readers<BaseRef> => ({
    note: (base, reader) => noteReader(openStore(store), base, reader),
    remove: (base, reader) => removeReader(openStore(store), base, reader),
  });
  const pinned = <T>(
    input: PlanPointsInput | CaptureSliceInput,
    signal: AbortSignal,
    work: () => Promise<T>,
  ) => betweenChecks(() => checkPin(input.cluster, input.collection, input.pin, signal), work);
  return {
    planPoints: (input) =>
      heldCall(`plan the points of ${input.collection}`, async ({ signal }) => {
        const ids = connect(input.cluster, 0);
        const deps = {
          store: openStore(input.store),
          control: controls.of(input.cluster),
          drawSlices: () => drawSlices(dependencies, input, signal),
          ids,
        };
        try {
          const plan = await pinned(input, signal, () => planPoints(deps, input, signal));
          const unnoted = plan.base === undefined ? [] : await noteReading(readersOf(input), plan.base);
          return { ...plan, notes: [...plan.notes, ...unnoted] };
        } finally {
          ids.close();
        }
      }),
    captureSlice: (input) =>
      heldCall(input, async (held) => {
        const reader = connect(input.cluster, input.lane);
        const deps = { store: openStore(input.store), chains, reader, codec };
        try {
          const work = () => pinned(input, held.signal, () => captureSlice(deps, input, held));
          return await (input.base ? whileReading(readersOf(input), input.base, work) : work());
        } finally {
          reader.close();
        }
      }),
    writePointsManifest: (input) =>
      heldCall(`write the manifest of ${input.collection}`, async ({ signal }) => {
        const confirm = () => checkPin(input.cluster, input.collection, input.pin, signal);
        await confirm();
        const deps = {
          store: openStore(input.store),
          control: controls.of(input.cluster),
          ferryVersion,
          confirm,
        };
        const result = await writePointsManifest(deps, input, signal);
        // From now on the manifest names its base, and that is what keeps it.
        if (input.base) await endReading(readersOf(input), input.base);
        return result;
      }),
  };
}

async function drawSlices(
  { controls }: PointBackupDependencies,
  { cluster, collection, pin, points, width }: PlanPointsInput,
  signal: AbortSignal,
): Promise<Slice[]> {
  const input = { collection: { cluster, collection }, pin, slices: slicesFor(points, width) };
  const slices: Slice[] = [];
  for (let fromKey: number | undefined; ;) {
    const from = fromKey === undefined ? {} : { fromKey };
    const page = await planSlices(controls, { ...input, ...from }, signal);
    slices.push(...page.slices);
    if (page.next === undefined) return slices;
    fromKey = page.next;
  }
}
