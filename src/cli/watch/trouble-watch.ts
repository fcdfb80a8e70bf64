// Says what a job waits for while somebody watches it: a cause at once, then every 15 s with the attempt it has come to.

import type { Trouble } from './pending-work.js';
import type { Temporal } from '../temporal.js';
import { failureLines, isStuck, queueLines, waitLines, type TroubleLine } from './trouble-text.js';

const SAY_AGAIN_MS = 15_000;
const QUEUES_EVERY_MS = 5_000;

export type TroubleWatch = (troubles: readonly Trouble[]) => Promise<void>;

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
  return async (troubles) => {
    const now = Date.now();
    if (!troubles.some(isStuck)) queues = [];
    else if (now - queuesAskedAt >= QUEUES_EVERY_MS) {
      queuesAskedAt = now;
      queues = await queueLines(temporal, troubles, now).catch(() => queues);
    }
    const lines = [...failureLines(troubles, now), ...waitLines(troubles), ...queues];
    for (const cause of said.keys()) if (!lines.some((one) => one.cause === cause)) said.delete(cause);
    for (const one of lines) announce(one, now);
  };
}
