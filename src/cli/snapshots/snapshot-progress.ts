// What the work on a snapshot says of itself: the last heartbeat of its activity, or of its child's.

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { bytes } from '../terminal/formatting.js';
import type { Temporal } from '../temporal.js';

const LOOK_MS = 3_000;

/** Only for showing: what cannot be had is empty. */
export async function whatIsDone(temporal: Temporal, work: WorkflowExecutionDescription): Promise<string> {
  const [child] = work.raw.pendingChildren ?? [];
  if (!child?.workflowId) return said(work);
  try {
    const handle = temporal.client.workflow.getHandle(child.workflowId);
    return said(await temporal.call(() => handle.describe(), LOOK_MS));
  } catch {
    return '';
  }
}

interface Beat {
  what: string;
  bytes?: number;
  state?: { bytes?: number };
}

function said(work: WorkflowExecutionDescription): string {
  const [activity] = work.raw.pendingActivities ?? [];
  const payload = activity?.heartbeatDetails?.payloads?.[0];
  const beat = payload ? decoded(() => defaultPayloadConverter.fromPayload<unknown>(payload)) : undefined;
  if (!isBeat(beat)) return '';
  const moved = beat.bytes ?? beat.state?.bytes ?? 0;
  return moved > 0 ? `${beat.what}, ${bytes(moved)}` : beat.what;
}

function isBeat(value: unknown): value is Beat {
  return typeof value === 'object' && value !== null && 'what' in value && typeof value.what === 'string';
}

function decoded(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
