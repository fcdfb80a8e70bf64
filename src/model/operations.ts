// One row per operation: its workflows, the phases a collection goes through, and every word that depends on what kind
// of job it is. Whoever shows a job looks its words up here; nothing else asks which operation it has before it.

import type { Phase } from './state/steering.js';

export const OPERATION_NAMES = [
  'scrollMigration',
  'snapshotMigration',
  'verifyCollections',
  'fullBackup',
  'incrementalBackup',
  'disasterRecovery',
  'rehearseRecovery',
] as const;

/** Name of the job's workflow, and the value of the search attribute `FerryOperation`. */
export type OperationName = (typeof OPERATION_NAMES)[number];

/** What is in flight when an operator sends a command: it decides what the command does to it. */
export type InFlight = 'batches' | 'shards';

export interface SteeringWords {
  /** What an abort does to what is in flight, and to what was written. Begins "Aborting: …". */
  abort: Record<InFlight, string>;
  /** The same for the description of the update, after "Stop the job. ". */
  afterAbort: string;
}

/** What a phase counts: points that are on the target, points read for a proof, shards, or nothing. */
export type Counted = 'copied' | 'read' | 'shards' | 'nothing';

export interface PhaseWords {
  /** With the collection's name after it: "copying docs". */
  verb: string;
  counts: Counted;
}

export interface ReportWords {
  /** After the number of points of a collection: "points stored". */
  points: string;
  /** Points and bytes of the whole job. */
  total(points: string, bytes: string | undefined): string;
  verified: string;
  unproven: string;
}

export interface Operation {
  /** The workflow of one of its collections. */
  child: string;
  /** Phases of a collection in the order in which each is first entered. It may also be paused or parked. */
  phases: Partial<Record<Phase, PhaseWords>>;
  /** What a job shows while its collections are worked on. */
  working: Phase;
  /** Phases in which whole shards are in flight: they are not called back by a pause, and keep the limit they began with. */
  shardPhases: readonly Phase[];
  /** What has happened to its points, or shards, so far: "1 of 4 shards of docs {done} b". */
  standing: Record<Exclude<Counted, 'nothing'>, (target: string) => string>;
  steering: SteeringWords;
  report: ReportWords;
}

const PLANNING: PhaseWords = { verb: 'planning', counts: 'nothing' };
const DONE: PhaseWords = { verb: 'done', counts: 'nothing' };
const PROVING = {
  verifying: { verb: 'verifying', counts: 'read' },
  repairing: { verb: 'comparing and repairing', counts: 'read' },
  finishing: { verb: 'finishing', counts: 'read' },
  done: DONE,
} as const;
const onTarget = (target: string) => `are on ${target}`;
const verified = () => 'are verified';
const ON_TARGET: Operation['standing'] = { copied: onTarget, shards: onTarget, read: verified };
const MIGRATION_REPORT: ReportWords = {
  points: 'points',
  total: (points, bytes) => `${points}, ${bytes === undefined ? 'nothing copied' : `${bytes} copied`}`,
  verified: 'every point verified equal',
  unproven: 'unproven, see above',
};
const withBytes =
  (done: string) =>
  (points: string, bytes: string | undefined): string =>
    `${points} ${done}${bytes === undefined ? '' : `, ${bytes}`}`;

/** A rehearsal is a recovery, but for what becomes of it. */
const RECOVERY = {
  child: 'recoverCollection',
  phases: {
    planning: PLANNING,
    copying: { verb: 'recovering', counts: 'shards' },
    verifying: { verb: 'verifying', counts: 'read' },
    finishing: { verb: 'finishing', counts: 'read' },
    done: DONE,
  },
  standing: ON_TARGET,
  working: 'copying',
  shardPhases: ['planning', 'copying', 'awaiting-operator'],
} as const satisfies Partial<Operation>;
const recoveryReport = (done: string): ReportWords => ({
  points: `points ${done}`,
  total: withBytes(done),
  verified: 'every point verified equal',
  unproven: 'recovered, content unproven: the backup has no proof',
});

const BATCHES_RESTORED = 'Aborting: the batches in flight are finished and indexing is restored.';
const SHARDS_THEN_REMOVED =
  'Aborting: once the nodes have finished the shards in flight, what this job created is removed.';

const BACKUP = {
  child: 'backupCollection',
  phases: {
    planning: PLANNING,
    verifying: { verb: 'digesting', counts: 'read' },
    capturing: { verb: 'capturing', counts: 'shards' },
    finishing: { verb: 'finishing', counts: 'nothing' },
    checking: { verb: 'checking', counts: 'nothing' },
    done: DONE,
  },
  standing: {
    copied: (store: string) => `are in ${store}`,
    shards: (store: string) => `are in ${store}`,
    read: () => 'are digested',
  },
  report: {
    points: 'points stored',
    total: withBytes('stored'),
    verified: 'every object checked',
    unproven: 'unproven, see above',
  },
  working: 'capturing',
  shardPhases: ['capturing', 'awaiting-operator'],
} as const satisfies Partial<Operation>;

export const operations: Record<OperationName, Operation> = {
  scrollMigration: {
    child: 'migrateCollection',
    phases: { planning: PLANNING, copying: { verb: 'copying', counts: 'copied' }, ...PROVING },
    standing: ON_TARGET,
    report: MIGRATION_REPORT,
    working: 'copying',
    shardPhases: [],
    steering: {
      abort: { batches: BATCHES_RESTORED, shards: BATCHES_RESTORED },
      afterAbort:
        'The points that were copied stay on the target, and indexing is restored. The same job started again continues from them.',
    },
  },
  snapshotMigration: {
    child: 'moveCollection',
    phases: {
      planning: PLANNING,
      capturing: { verb: 'backing up', counts: 'nothing' },
      copying: { verb: 'moving', counts: 'shards' },
      ...PROVING,
    },
    standing: ON_TARGET,
    report: MIGRATION_REPORT,
    working: 'copying',
    shardPhases: ['planning', 'capturing', 'copying', 'awaiting-operator'],
    steering: {
      abort: {
        batches:
          'Aborting: a collection stays, with its indexing restored, once all its shards are on the target; otherwise it is removed.',
        shards: SHARDS_THEN_REMOVED,
      },
      afterAbort:
        'A collection whose shards are not all on the target is removed from it. One whose shards are stays, and indexing is restored.',
    },
  },
  verifyCollections: {
    child: 'verifyCollection',
    phases: {
      planning: PLANNING,
      verifying: { verb: 'verifying', counts: 'read' },
      repairing: { verb: 'comparing', counts: 'read' },
      done: DONE,
    },
    standing: { copied: () => 'are compared', shards: () => 'are compared', read: () => 'are compared' },
    report: {
      points: 'points compared',
      total: withBytes('compared'),
      verified: 'every point verified equal',
      unproven: 'unproven, see above',
    },
    working: 'verifying',
    shardPhases: [],
    steering: {
      abort: {
        batches: 'Aborting: the batches in flight are finished. Nothing was written.',
        shards: 'Aborting: nothing was written.',
      },
      afterAbort: 'A verification writes nothing, so nothing is left behind.',
    },
  },
  incrementalBackup: {
    ...BACKUP,
    report: { ...BACKUP.report, points: 'points', total: withBytes('covered') },
    steering: {
      abort: {
        batches: 'Aborting: collections that are not complete do not count.',
        shards:
          'Aborting: the slices in flight are stopped and their uploads removed. Collections that are not complete do not count.',
      },
      afterAbort:
        'Slices in flight are stopped and their uploads removed. Collections that are complete stay in the store and can be recovered.',
    },
  },
  fullBackup: {
    ...BACKUP,
    steering: {
      abort: {
        batches:
          'Aborting: the batches in flight are finished. Collections that are not complete do not count.',
        shards:
          'Aborting: the captures in flight are stopped and their uploads removed. Collections that are not complete do not count.',
      },
      afterAbort:
        'Captures in flight are stopped and their uploads removed. Collections that are complete stay in the store and can be recovered.',
    },
  },
  disasterRecovery: {
    ...RECOVERY,
    report: recoveryReport('recovered'),
    steering: {
      abort: {
        batches: 'Aborting: a collection that is not verified yet is removed; a verified one is kept.',
        shards: SHARDS_THEN_REMOVED,
      },
      afterAbort: 'A collection that was not completely recovered is removed from the target.',
    },
  },
  rehearseRecovery: {
    ...RECOVERY,
    report: recoveryReport('rehearsed'),
    steering: {
      abort: {
        batches: 'Aborting: what this job created on the scratch cluster is removed.',
        shards: SHARDS_THEN_REMOVED,
      },
      afterAbort: 'What the rehearsal created on the scratch cluster is removed. No proof is written.',
    },
  },
};

const HELD: Partial<Record<Phase, string>> = {
  paused: 'paused',
  'awaiting-operator': 'parked',
};

/** "copying", "parked": what a collection of the operation is doing. */
export function phaseText(operation: OperationName, phase: Phase): string {
  return operations[operation].phases[phase]?.verb ?? HELD[phase] ?? phase;
}
