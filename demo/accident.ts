// The demo's accident: when half of the made collection is on the target, its data worker gets SIGKILL. Watches what
// Temporal held of each slice then, and with what the next worker began.

import type { KillStory, ResumedSlice } from './checks.js';
import type { LocalProcess } from '../src/local/index.js';
import { count } from '../src/cli/terminal/formatting.js';
import type { Heartbeat } from '../src/cli/watch/heartbeats.js';
import { pointsDone, type CollectionView, type JobView } from '../src/cli/watch/job-view.js';

type LiveSlice = Heartbeat & { points: number };

export interface Accident {
  onLook(view: JobView): void;
  /** Rejects when the new worker could not be started; undefined when it never came to the kill. */
  story(): Promise<KillStory | undefined>;
}

interface Killed {
  at: number;
  points: number;
  total: number;
  pids: { killed: number; started: number };
  before: LiveSlice[];
}

export function planAccident(
  worker: LocalProcess,
  collection: string,
  say: (line: string) => void,
): Accident {
  let killing: Promise<Killed> | undefined;
  let killed: Killed | undefined;
  let interrupted: LiveSlice[] | undefined;
  let handedOutAt: number | undefined;
  const resumed = new Map<string, ResumedSlice>();
  const follow = (done: Killed, now: readonly LiveSlice[]) => {
    // What is not there any more had ended before the worker did.
    interrupted ??= done.before.filter((then) => now.some((beat) => beat.what === then.what));
    for (const then of interrupted) {
      const again = now.find((beat) => beat.what === then.what && beat.attempt > then.attempt);
      if (!again) continue;
      handedOutAt ??= Date.now();
      const known = resumed.get(then.what);
      if (!known) say(resumedLine(then, again));
      resumed.set(then.what, resumedSlice(then, again, known));
    }
  };
  return {
    onLook(view) {
      const one = view.collections.find((line) => line.collection === collection);
      if (!one) return;
      if (killed) follow(killed, slicesOf(one));
      if (killing || !isHalfWay(one)) return;
      killing = kill(worker, one, say).then((done) => (killed = done));
      killing.catch(() => undefined);
    },
    async story() {
      const done = await killing;
      if (!done) return undefined;
      const { points, total, pids, at } = done;
      const seconds = ((handedOutAt ?? Date.now()) - at) / 1_000;
      const slices = [...resumed.values()];
      return {
        points,
        total,
        working: (interrupted ?? done.before).length,
        killedPid: pids.killed,
        newPid: pids.started,
        seconds,
        slices,
      };
    },
  };
}

function slicesOf({ heartbeats }: CollectionView): LiveSlice[] {
  return heartbeats.flatMap((beat) => (beat.points === undefined ? [] : [{ ...beat, points: beat.points }]));
}

/** What the death of the worker interrupts: a slice that waits for its next attempt has lost its worker before. */
function runningIn(view: CollectionView): LiveSlice[] {
  return slicesOf(view).filter(({ running }) => running);
}

function isHalfWay(view: CollectionView): boolean {
  const status = view.status;
  if (!status || status.phase !== 'copying' || runningIn(view).length === 0) return false;
  return status.total > 0 && pointsDone(view) >= status.total / 2;
}

async function kill(
  worker: LocalProcess,
  view: CollectionView,
  say: (line: string) => void,
): Promise<Killed> {
  const points = pointsDone(view);
  const total = view.status?.total ?? 0;
  const killedPid = worker.pid;
  const at = Date.now();
  await worker.kill();
  say(`   ${count(points)} points are on the target. SIGKILL to the data worker (pid ${killedPid}).`);
  await worker.start();
  say(`   A new one runs (pid ${worker.pid}); it gets the slices once the dead one has been silent for 3 s:`);
  return { at, points, total, pids: { killed: killedPid, started: worker.pid }, before: runningIn(view) };
}

/** The least that a later attempt ever reported: had it begun again, that would be less than before. */
function resumedSlice(then: LiveSlice, again: LiveSlice, known: ResumedSlice | undefined): ResumedSlice {
  return {
    what: then.what,
    pointsBefore: then.points,
    pointsAfter: Math.min(again.points, known?.pointsAfter ?? again.points),
    ...(then.cursor === undefined ? {} : { cursorBefore: then.cursor }),
  };
}

function resumedLine(then: LiveSlice, again: LiveSlice): string {
  const name = then.what.replace(/^copy (slice \d+ of \d+).*$/, '$1');
  const at = shortId(again.cursor ?? 'its beginning');
  return `     ${name}, attempt ${again.attempt}: continues at id ${at}, ${count(again.points)} points done before`;
}

function shortId(id: string): string {
  return id.length === 36 ? `${id.slice(0, 8)}-…-${id.slice(-4)}` : id;
}
