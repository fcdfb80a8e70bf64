// Starts a server or worker again whenever it has died, for as long as its command lives.

import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalProcess } from './local-process.js';

const LOOK_EVERY_MS = 500;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** A process that lived this long was well: the next pause is short again. */
const WELL_AFTER_MS = 60_000;

/** Resolves after `ending`, when no start is under way any more. */
export async function keepAlive(
  one: LocalProcess,
  ending: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let startedAt = performance.now(); await diedBefore(ending, one); startedAt = performance.now()) {
    if (performance.now() - startedAt > WELL_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
    say(`The ${one.name} ended; starting it again.`);
    await pause(pauseMs, ending);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    if (!ending.aborted) await one.start().catch((error: Error) => ending.aborted || say(error.message));
  }
}

/** False when the end came first. */
async function diedBefore(ending: AbortSignal, one: LocalProcess): Promise<boolean> {
  while (!ending.aborted) {
    await pause(LOOK_EVERY_MS, ending);
    if (!ending.aborted && !(await one.isRunning())) return true;
  }
  return false;
}

const pause = (ms: number, ending: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal: ending }).catch(() => undefined);
