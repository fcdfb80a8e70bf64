// The two migrations of ours, each with its defaults: the whole workflow holds the proof, and waits for the index.

import { writeLockId } from '../../src/model/names.js';
import { runOurJob, type OurJob } from '../snapshots/our-job.js';
import { SHARDS_AT_ONCE } from '../snapshots/snapshot-contestant.js';
import type { MoveContestant, MoveCourse, MoveOuting } from './move-contestant.js';
import { whenSearchable } from './searchable.js';

export const SCROLL = 'scroll migration';
/** Longest wait for a graph that should be there by the word of the finished workflow. */
const AFTER_THE_END_MS = 30_000;

export function snapshotLine(via: 'push' | 'pull'): string {
  return `snapshot migration, ${via}`;
}

/** The transfer alone: activities `moveShard`, or `copySlice`. */
export function transferLine(line: string): string {
  return `${line}: transfer`;
}

export function searchableLine(line: string): string {
  return `${line}: searchable`;
}

export function provedLine(line: string): string {
  return `${line}: whole workflow`;
}

/** `push` is what `auto` takes where the source streams. For `pull` the source stores the snapshot first. */
export function snapshotMigration(via: 'push' | 'pull'): MoveContestant {
  const options = { via, shards: SHARDS_AT_ONCE };
  return migration(snapshotLine(via), 'snapshotMigration', 'moveShard', options);
}

export const scrollMigration = migration(SCROLL, 'scrollMigration', 'copySlice', {});

function migration(
  line: string,
  workflow: OurJob['workflow'],
  activity: OurJob['activity'],
  options: object,
): MoveContestant {
  return {
    lines: [transferLine(line), searchableLine(line), provedLine(line)],
    target: 'absent',
    run: async (course) => {
      const { from, collection } = course;
      const ends = { source: from, target: 'target', collections: [collection] };
      const input = { ...ends, onFailure: 'fail', ...options };
      return watched(course, line, {
        ...{ workflow, input, activity },
        child: writeLockId('target', collection),
      });
    },
  };
}

async function watched(course: MoveCourse, line: string, job: OurJob): Promise<MoveOuting> {
  const { stage, collection, wanted } = course;
  const waiting = new AbortController();
  const searchable = whenSearchable(stage.target, collection, wanted, waiting.signal);
  searchable.catch(() => undefined);
  try {
    const { activities, whole, until } = await runOurJob(course, job);
    const timer = setTimeout(
      () => waiting.abort(new Error(`${line} ended, and never looked as ${JSON.stringify(wanted)}`)),
      AFTER_THE_END_MS,
    );
    const seen = await searchable.finally(() => clearTimeout(timer));
    return {
      [transferLine(line)]: activities,
      [searchableLine(line)]: until(seen),
      [provedLine(line)]: whole,
    };
  } finally {
    waiting.abort();
  }
}
