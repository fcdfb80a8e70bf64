// What a comparison of two existing collections needs to know. Promises that both are there, that none of their shards
// is on its way, and that slices of one mean the same on the other. Does not judge whether they are equal.

import type { PlanVerificationInput, VerificationPlan } from '../model/contracts/activities.js';
import { FerryError } from '../model/errors.js';
import type { Controls } from '../cluster/control-port.js';
import { lookAt, readPlanOf, type Look } from '../cluster/look.js';
import { takePin } from '../cluster/pin.js';

export async function planVerification(
  controls: Controls,
  input: PlanVerificationInput,
  signal?: AbortSignal,
): Promise<VerificationPlan> {
  const [source, target] = [controls.of(input.source.cluster), controls.of(input.target.cluster)];
  const from = await lookAt(source, input.source, signal);
  const to = await lookAt(target, input.target, signal);
  refuseOtherSharding(input, from, to);
  return {
    sourcePin: await takePin(source, input.source.collection, from.info, signal),
    targetPin: await takePin(target, input.target.collection, to.info, signal),
    sourcePoints: from.points,
    targetPoints: to.points,
    sourceRead: readPlanOf(from),
    targetRead: readPlanOf(to),
    targetNodes: target.nodeUrls.length,
  };
}

/** With custom sharding one id may stand for several points; without, for one. */
function refuseOtherSharding(input: PlanVerificationInput, from: Look, to: Look): void {
  const [left, right] = [from, to].map((look) => look.settings.sharding_method ?? 'auto');
  if (left === right) return;
  const happened =
    `"${input.source.collection}" on "${input.source.cluster}" has ${left} sharding and ` +
    `"${input.target.collection}" on "${input.target.cluster}" ${right}, so their points cannot be paired`;
  throw new FerryError('IncompatibleTarget', happened, { context: { ...input.target } });
}
