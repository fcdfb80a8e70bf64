// Backups by points, as Temporal calls them.

import type {
  CaptureSliceInput,
  PlanPointsInput,
  PointBackupActivities,
} from '../model/contracts/point-backup-activities.js';
import { slicesFor } from '../model/state/walk.js';
import type { Slice } from '../model/state/slice.js';
import { Chains } from '../backups/points/chain.js';
import { captureSlice } from '../backups/points/capture-slice.js';
import { planPoints } from '../backups/points/plan-points.js';
import { writePointsManifest } from '../backups/points/write-points-manifest.js';
import { betweenChecks } from '../cluster/pin.js';
import type { PointCodec } from '../cluster/points-port.js';
import { planSlices } from '../transfer/plan-slices.js';
import type { BackupStoreDependencies } from './backup-activities.js';
import { heldCall } from './attempt.js';

export interface PointBackupDependencies extends Pick<
  BackupStoreDependencies,
  'controls' | 'connect' | 'checkPin' | 'openStore' | 'ferryVersion'
> {
  codec: PointCodec;
}

export function createPointBackupActivities(dependencies: PointBackupDependencies): PointBackupActivities {
  const { controls, connect, checkPin, openStore, codec, ferryVersion } = dependencies;
  const chains = new Chains();
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
          return await pinned(input, signal, () => planPoints(deps, input, signal));
        } finally {
          ids.close();
        }
      }),
    captureSlice: (input) =>
      heldCall(input, async (held) => {
        const reader = connect(input.cluster, input.lane);
        const deps = { store: openStore(input.store), chains, reader, codec };
        try {
          return await pinned(input, held.signal, () => captureSlice(deps, input, held));
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
        return writePointsManifest(deps, input, signal);
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
