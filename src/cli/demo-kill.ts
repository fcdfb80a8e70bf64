// The demo's accident: when half of the made collection is on the target, its data worker gets SIGKILL. Watches what
// Temporal held of each slice then, and with what the next worker began.

import type { KillStory, ResumedSlice } from '../local/demo-checks.js';
import type { LocalProcess } from '../local/index.js';
import { count } from './formatting.js';
import { pointsDone, type CollectionView, type JobView, type LiveSlice } from './job-view.js';

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
  let resumed: { at: number; slices: ResumedSlice[] } | undefined;
  return {
    onLook(view) {
      const one = view.collections.find((line) => line.collection === collection);
      if (!one) return;
      if (!killing && isHalfWay(one)) {
        killing = kill(worker, one, say).then((done) => (killed = done));
        killing.catch(() => undefined);
      }
      if (!killed || resumed) return;
      const slices = resumedSlices(killed.before, one.heartbeats);
      if (slices.length < killed.before.length) return;
      resumed = { at: Date.now(), slices };
      for (const slice of slices) say(resumedLine(slice));
    },
    async story() {
      const done = await killing;
      if (!done) return undefined;
      const { points, total, pids, at } = done;
      const seconds = ((resumed?.at ?? Date.now()) - at) / 1_000;
      const slices = resumed?.slices ?? [];
      return { points, total, killedPid: pids.killed, newPid: pids.started, seconds, slices };
    },
  };
}

function isHalfWay(view: CollectionView): boolean {
  const status = view.status;
  if (!status || status.phase !== 'copying' || view.heartbeats.length === 0) return false;
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
  say(`   ${count(points)} points are safe on the target. SIGKILL to the data worker (pid ${killedPid}).`);
  await worker.start();
  say(
    `   A new data worker runs (pid ${worker.pid}). Temporal gives it the slices once the dead one has been silent`,
  );
  say(`   for 5 s; each goes on from the cursor it last reported:`);
  return { at, points, total, pids: { killed: killedPid, started: worker.pid }, before: view.heartbeats };
}

/** The slices that were being worked on at the kill and are again, by another attempt. */
function resumedSlices(before: readonly LiveSlice[], now: readonly LiveSlice[]): ResumedSlice[] {
  return before.flatMap((then) => {
    const again = now.find((beat) => beat.what === then.what && beat.attempt > then.attempt);
    if (!again) return [];
    return [
      {
        what: then.what,
        ...(then.cursor === undefined ? {} : { cursorBefore: then.cursor }),
        ...(again.cursor === undefined ? {} : { cursorAfter: again.cursor }),
        pointsBefore: then.points,
        pointsAfter: again.points,
      },
    ];
  });
}

function resumedLine(slice: ResumedSlice): string {
  const before = `id ${slice.cursorBefore ?? 'first'} (${count(slice.pointsBefore)} points)`;
  const after = `id ${slice.cursorAfter ?? 'first'} (${count(slice.pointsAfter)} points)`;
  return `     ${slice.what}: reported ${before}, went on at ${after}`;
}
