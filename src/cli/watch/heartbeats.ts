// What the activities of a workflow that run now said last. Only for showing: what cannot be read is absent.

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { bytes, count } from '../terminal/formatting.js';
import { isHeardOf, isRunning } from './pending-work.js';

export interface Heartbeat {
  /** "copy slice 3 of 8 of docs" */
  what: string;
  /** Since it was given the slice; absent where no points are counted. */
  points?: number;
  /** Of a file or a stream, as far as it passed through the worker. */
  bytes?: number;
  /** Next id that is not done. */
  cursor?: string;
  /** Points, or else bytes, a second since this attempt began. */
  rate: number;
  /** 1, or more after a worker died or a call failed. */
  attempt: number;
  /** A worker has it now; false between two attempts, when this is what the one before said last. */
  running: boolean;
  /** The task queue of an activity whose worker was heard of lately: somebody works on that queue. */
  attended?: string;
}

export function heartbeatsOf(
  { raw }: Pick<WorkflowExecutionDescription, 'raw'>,
  now = Date.now(),
): Heartbeat[] {
  const beats = (raw.pendingActivities ?? []).flatMap((activity): Heartbeat[] => {
    const payload = activity.heartbeatDetails?.payloads?.[0];
    const beat = payload ? decoded(() => defaultPayloadConverter.fromPayload<unknown>(payload)) : undefined;
    if (!isBeat(beat)) return [];
    const running = isRunning(activity);
    const queue = activity.activityOptions?.taskQueue?.name;
    const attended = running && queue && isHeardOf(activity, now) ? { attended: queue } : {};
    return [{ ...heartbeat(beat), attempt: activity.attempt ?? 1, running, ...attended }];
  });
  return beats.sort((a, b) => a.what.localeCompare(b.what, 'en', { numeric: true }));
}

/** "copy slice 3 of 8 of docs: 400 points, 210 points/s, at id 812", "recover shard 1 of 2 of docs: 12.5 MB, attempt 2" */
export function heartbeatText({ what, points, bytes: moved = 0, cursor, rate, attempt }: Heartbeat): string {
  const size = moved > 0 ? [bytes(moved), ...(rate > 0 ? [`${bytes(rate)}/s`] : [])] : [];
  const figures = points === undefined ? size : [`${count(points)} points`, `${count(rate)} points/s`];
  const at = cursor === undefined ? [] : [`at id ${cursor}`];
  const again = attempt > 1 ? [`attempt ${attempt}`] : [];
  const facts = [...figures, ...at, ...again];
  return facts.length === 0 ? what : `${what}: ${facts.join(', ')}`;
}

interface Beat {
  what: string;
  rate?: number;
  bytes?: number;
  /** Null or absent: of a held call that remembers nothing. */
  state?: { points?: number; bytes?: number; cursor?: string | number } | null;
}

function heartbeat({
  what,
  rate = 0,
  state,
  ...beat
}: Beat): Omit<Heartbeat, 'attempt' | 'running' | 'attended'> {
  const { points, cursor } = state ?? {};
  const moved = beat.bytes ?? state?.bytes;
  return {
    what,
    ...(points === undefined ? {} : { points }),
    ...(moved === undefined ? {} : { bytes: moved }),
    ...(cursor === undefined ? {} : { cursor: String(cursor) }),
    rate,
  };
}

function isBeat(value: unknown): value is Beat {
  if (value === null || typeof value !== 'object') return false;
  const beat = value as { v?: unknown; what?: unknown };
  return beat.v === 1 && typeof beat.what === 'string';
}

function decoded(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
