// What a node reports of its own work in GET /telemetry?details_level=2, whose form Qdrant's OpenAPI leaves open. A key
// without rights, or an ingress, may refuse it.

import { FerryError } from '../model/errors.js';
import { listAt, numberAt, objectAt, textAt, type Json } from '../model/json.js';
import type { RestNode } from './rest.js';

/** Undefined where that is refused. */
export async function telemetryOf(node: RestNode, signal: AbortSignal): Promise<Json | undefined> {
  try {
    return await node.json<Json>('GET', '/telemetry?details_level=2', { signal, timeoutMs: 20_000 });
  } catch (error) {
    if (error instanceof FerryError && isForbidden(error)) return undefined;
    throw error;
  }
}

/** Of one collection, or summed over all. */
export function snapshotCounts(telemetry: Json, collection: string | undefined, what: string): number {
  const counted = listAt(telemetry, 'collections', 'snapshots').filter(
    (one) => collection === undefined || textAt(one, 'id') === collection,
  );
  return counted.reduce<number>((sum, one) => sum + (numberAt(one, what) ?? 0), 0);
}

/** How often calls were answered, by status. `calls` as "PUT /collections/{}/snapshots/recover". */
export function answersTo(telemetry: Json, calls: readonly string[]): Record<string, number> {
  const answers: Record<string, number> = {};
  for (const [call, counts] of Object.entries(objectAt(telemetry, 'requests', 'rest', 'responses'))) {
    if (!calls.includes(call.replace(/\{[^}]*\}/g, '{}'))) continue;
    for (const status of Object.keys(objectAt(counts)))
      answers[status] = (answers[status] ?? 0) + (numberAt(counts, status, 'count') ?? 0);
  }
  return answers;
}

export function startOf(telemetry: Json): { startedAt?: string } {
  const startedAt = textAt(telemetry, 'app', 'startup');
  return startedAt === undefined ? {} : { startedAt };
}

function isForbidden({ code, context }: FerryError): boolean {
  const isRefused = code === 'ClusterUnauthorized' || code === 'ClusterKeyRefused';
  return isRefused || context['status'] === 404 || context['status'] === 405;
}
