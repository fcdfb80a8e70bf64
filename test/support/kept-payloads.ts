// Every payload of every workflow's history: what Temporal keeps in clear for the retention period.

import type { TemporalServer } from '../../src/local/index.js';
import { withClient } from './workflows-of.js';

export interface KeptPayload {
  workflowId: string;
  event: string;
  bytes: number;
  text: string;
}

/** Of all workflows; the events' other fields (failures, summaries, search attributes) are in `text` too. */
export async function keptPayloads(temporal: Pick<TemporalServer, 'address'>): Promise<KeptPayload[]> {
  return withClient(temporal, async (client) => {
    const kept: KeptPayload[] = [];
    for await (const { workflowId, runId } of client.workflow.list()) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      for (const event of events ?? []) {
        const found: Uint8Array[] = [];
        collectBytes(event, found);
        const name = `${event.eventId} ${event.eventType}`;
        for (const one of found) {
          kept.push({
            workflowId,
            event: name,
            bytes: one.length,
            text: Buffer.from(one).toString('latin1'),
          });
        }
        kept.push({ workflowId, event: name, bytes: 0, text: JSON.stringify(event) });
      }
    }
    return kept;
  });
}

/** Payloads are the only places in an event that hold bytes. */
function collectBytes(value: unknown, found: Uint8Array[]): void {
  if (value instanceof Uint8Array) found.push(value);
  else if (value !== null && typeof value === 'object') {
    for (const inner of Object.values(value)) collectBytes(inner, found);
  }
}
