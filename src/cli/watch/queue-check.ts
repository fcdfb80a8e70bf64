// Is anybody there to do the work? A killed worker stays listed for minutes, so only recent polls count.

import type { Temporal } from '../temporal.js';

/** A worker's long poll lasts a minute; two without a new one mean that it is gone. */
const RECENT_MS = 130_000;

// Temporal's own numbers for the two kinds of task queue.
const TYPE = { workflow: 1, activity: 2 } as const;

export type QueueKind = 'workflow' | 'activity';

export interface QueuePollers {
  queue: string;
  kind: QueueKind;
  /** Identities of the workers that polled lately. */
  workers: string[];
  /** The same, and when their last poll began. */
  polls: { worker: string; at: number }[];
}

export async function pollersOf(temporal: Temporal, queue: string, kind: QueueKind): Promise<QueuePollers> {
  const answer = await temporal.call(() =>
    temporal.client.workflowService.describeTaskQueue({
      namespace: temporal.namespace,
      taskQueue: { name: queue },
      taskQueueType: TYPE[kind],
    }),
  );
  const polls = (answer.pollers ?? []).map((poller) => ({
    worker: poller.identity ?? 'unnamed',
    at: Number(poller.lastAccessTime?.seconds ?? 0) * 1_000,
  }));
  const recent = polls.filter(({ at }) => Date.now() - at < RECENT_MS);
  return { queue, kind, workers: recent.map(({ worker }) => worker), polls: recent };
}

/** A line for each of the queues on which nobody works; empty when all is well. */
export async function unattended(
  temporal: Temporal,
  controlQueue: string,
  dataQueues: readonly string[],
): Promise<string[]> {
  const asked = [
    pollersOf(temporal, controlQueue, 'workflow'),
    ...dataQueues.map((queue) => pollersOf(temporal, queue, 'activity')),
  ];
  const idle = (await Promise.all(asked)).filter((one) => one.workers.length === 0);
  return idle.map(
    ({ queue, kind }) =>
      `No worker polls ${queue}: the job waits for one (ferry worker --role ${kind === 'workflow' ? 'control' : 'data'}).`,
  );
}
