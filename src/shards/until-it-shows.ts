// A call whose answer was not heard may be going on: the node is asked until it shows the end. Promises that a sign counts
// only when it is still there at the next look, and that whoever watches the job reads what is waited for.
// docs/decisions/0011-lost-answers.md

import { setTimeout as sleep } from 'node:timers/promises';
import type { FerryError } from '../model/errors.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
const SIGHTINGS = 2;

export interface Watch<L, O> {
  /** Why the answer was not heard. */
  why: string;
  /** What the node shows; an error where it does not answer. */
  look(): Promise<L | Error>;
  /** The node works on it, so patience begins anew. */
  isRunning(look: L): boolean;
  /** The sign of an end. */
  judge(look: L): O | undefined;
  /** The end that silence shows: how it ended where nothing has shown for so long. `look`: undefined without an answer. */
  judgeSilence(look: L | undefined, now: number): O | undefined;
  patienceMs: number;
  /** What it ends as when patience is over. */
  unheard(last: L | Error): FerryError;
  waits?: ((forWhat: string | undefined) => void) | undefined;
  signal: AbortSignal;
}

export async function untilItShows<L, O>(watch: Watch<L, O>): Promise<O> {
  try {
    return await watched(watch);
  } finally {
    watch.waits?.(undefined);
  }
}

async function watched<L, O>(watch: Watch<L, O>): Promise<O> {
  const { why, patienceMs, signal } = watch;
  let until = performance.now() + patienceMs;
  let pause = FIRST_PAUSE_MS;
  let last: string | undefined;
  let sightings = 0;
  for (;;) {
    const seen = await watch.look();
    watch.waits?.(waitingText(why, seen, until - performance.now()));
    const look = seen instanceof Error ? undefined : seen;
    const outcome = look === undefined ? undefined : watch.judge(look);
    const sign = outcome === undefined ? undefined : JSON.stringify(outcome);
    sightings = sign === last ? sightings + 1 : 1;
    last = sign;
    if (outcome !== undefined && sightings >= SIGHTINGS) return outcome;
    const now = performance.now();
    if (look !== undefined && watch.isRunning(look)) until = now + patienceMs;
    const silent = watch.judgeSilence(look, now);
    if (silent !== undefined) return silent;
    if (now > until) throw watch.unheard(seen);
    await sleep(pause, undefined, { signal });
    pause = Math.min(LONGEST_PAUSE_MS, pause * 1.3);
  }
}

/** `seen` is an error where the node did not answer. */
function waitingText(why: string, seen: unknown, leftMs: number): string {
  const rule = 'The node may still be working, so ferry polls it until it shows the end';
  const left = `given up in ${Math.max(0, Math.round(leftMs / 1_000))} s if it shows nothing`;
  const now = seen instanceof Error ? ` Now it gives no answer: ${seen.message}` : '';
  return `${why}. ${rule}; ${left}.${now}`;
}
