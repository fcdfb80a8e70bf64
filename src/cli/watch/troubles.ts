// What a job waits for while it does not move: failed attempts, queues without a worker, silent workers. At most one
// line for each cause and each queue, however many activities it concerns.

import type { Temporal } from '../temporal.js';
import { seconds } from '../terminal/formatting.js';
import type { Trouble } from './pending-work.js';

export interface TroubleLine {
  /** The same as long as the cause is the same. */
  cause: string;
  attempt: number;
  line: string;
}

/** A sentence for each cause and queue. */
export async function problemsOf(
  temporal: Temporal,
  troubles: readonly Trouble[],
  attended: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const now = Date.now();
  const queues = await queueLines(temporal, stuckIn(troubles, attended), now).catch(() => []);
  return [...failureLines(troubles, now), ...waitLines(troubles), ...queues].map(({ line }) => line);
}

/** Of activities that failed and are tried again. */
export function failureLines(troubles: readonly Trouble[], now: number): TroubleLine[] {
  const causes = new Map<string, Trouble[]>();
  for (const one of troubles) {
    if (!one.error) continue;
    const cause = `${one.error.code}: ${one.error.message}`;
    causes.set(cause, [...(causes.get(cause) ?? []), one]);
  }
  return [...causes].map(([cause, alike]) => {
    const [worst] = [...alike].sort((a, b) => b.attempt - a.attempt) as [Trouble];
    const others = alike.length > 1 ? ` (and ${alike.length - 1} more)` : '';
    const line = `${worst.what}${others}: attempt ${failedText(worst)} failed, ${nextText(worst, now)}. ${cause}`;
    return { cause, attempt: worst.attempt, line };
  });
}

/** Of activities that run, and wait. */
export function waitLines(troubles: readonly Trouble[]): TroubleLine[] {
  return troubles.flatMap(({ what, waits, heardAt }) =>
    waits === undefined || heardAt !== undefined
      ? []
      : [{ cause: `${what} waits`, attempt: 1, line: `${what} waits: ${waits}` }],
  );
}

function failedText({ attempt, mostAttempts }: Trouble): string {
  return `${attempt - 1}${mostAttempts === undefined ? '' : ` of ${mostAttempts}`}`;
}

function nextText({ attempt, nextTryAt, waitsSince }: Trouble, now: number): string {
  if (nextTryAt !== undefined) return `the next one in ${secondsBetween(now, nextTryAt)}`;
  if (waitsSince !== undefined) return `the next one waits for a worker`;
  return `attempt ${attempt} runs`;
}

/** Of queues from which nothing is taken, and of workers that are silent. Asks Temporal who polled there. */
export async function queueLines(
  temporal: Temporal,
  stuck: readonly Trouble[],
  now: number,
): Promise<TroubleLine[]> {
  const queues = new Set(stuck.flatMap(({ queue }) => queue ?? []));
  return Promise.all(
    [...queues].map(async (queue) => {
      const here = stuck.filter((one) => one.queue === queue);
      const { polls } = await pollersOf(temporal, queue, 'activity');
      return { cause: `queue ${queue}`, attempt: 1, line: queueLine(queue, here, polls, now) };
    }),
  );
}

export interface Poll {
  worker: string;
  /** When its last poll began, in ms. */
  at: number;
}

/** A worker with all its places taken does not poll either: it is not called dead. */
export function queueLine(
  queue: string,
  stuck: readonly Trouble[],
  polls: readonly Poll[],
  now: number,
): string {
  const silent = new Map(
    stuck.flatMap((one) => (one.worker && one.heardAt ? [[one.worker, one.heardAt]] : [])),
  );
  const others = polls.filter(({ worker }) => !silent.has(worker));
  const facts = [
    ...[...silent].map(([worker, at]) => `${worker} has sent no heartbeat for ${secondsBetween(at, now)}`),
    ...waitingFact(stuck, now),
    ...others.map(({ worker, at }) => `${worker} polled it ${secondsBetween(at, now)} ago`),
  ];
  const isWaiting = stuck.some((one) => one.waitsSince !== undefined);
  if (others.length > 0 && !isWaiting)
    return `A worker of ${queue} does not respond: ${facts.join('; ')}. After the heartbeat time-out another worker takes over; if none is left, start one (ferry worker --role data).`;
  const perhaps = others.length > 0 ? ' and is busy, or has ended' : '';
  const nobody = others.length > 0 ? 'No worker takes work from' : 'No worker polls';
  return `${nobody} ${queue}: ${facts.join('; ')}${perhaps}. The job waits for one (ferry worker --role data).`;
}

function waitingFact(stuck: readonly Trouble[], now: number): string[] {
  const waiting = stuck.filter((one) => one.waitsSince !== undefined);
  const [first] = [...waiting].sort((a, b) => (a.waitsSince ?? '').localeCompare(b.waitsSince ?? ''));
  if (first?.waitsSince === undefined) return [];
  const others = waiting.length > 1 ? ` (and ${waiting.length - 1} more)` : '';
  return [`${first.what}${others} has waited there for ${secondsBetween(first.waitsSince, now)}`];
}

/** Whose worker is silent, and what nobody takes; not what waits for its turn on a queue where work is done. */
export function stuckIn(troubles: readonly Trouble[], attended: ReadonlySet<string>): Trouble[] {
  return troubles.filter(
    ({ waitsSince, heardAt, queue = '' }) =>
      heardAt !== undefined || (waitsSince !== undefined && !attended.has(queue)),
  );
}

function secondsBetween(from: number | string, to: number | string): string {
  const ms = (at: number | string) => (typeof at === 'number' ? at : Date.parse(at));
  return seconds(Math.max(0, Math.round((ms(to) - ms(from)) / 1_000)));
}

const SAY_AGAIN_MS = 15_000;
const QUEUES_EVERY_MS = 5_000;

export type TroubleWatch = (troubles: readonly Trouble[], attended?: ReadonlySet<string>) => Promise<void>;

export function createTroubleWatch(temporal: Temporal, say: (line: string) => void): TroubleWatch {
  const said = new Map<string, { attempt: number; at: number }>();
  let queues: TroubleLine[] = [];
  let queuesAskedAt = 0;
  const announce = ({ cause, attempt, line }: TroubleLine, now: number): void => {
    const last = said.get(cause);
    const isNews = last === undefined || (attempt > last.attempt && now - last.at >= SAY_AGAIN_MS);
    if (!isNews) return;
    said.set(cause, { attempt, at: now });
    say(line);
  };
  return async (troubles, attended = new Set()) => {
    const now = Date.now();
    const stuck = stuckIn(troubles, attended);
    if (stuck.length === 0) queues = [];
    else if (now - queuesAskedAt >= QUEUES_EVERY_MS) {
      queuesAskedAt = now;
      queues = await queueLines(temporal, stuck, now).catch(() => queues);
    }
    const lines = [...failureLines(troubles, now), ...waitLines(troubles), ...queues];
    for (const cause of said.keys()) if (!lines.some((one) => one.cause === cause)) said.delete(cause);
    for (const one of lines) announce(one, now);
  };
}

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
