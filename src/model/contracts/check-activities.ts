// The check of what protects the collections: the input of `checkBackups` as a user writes it, its report, and its
// activities.

import * as z from 'zod';
import type { CollectionLimits } from '../health/collections.js';
import type { ScheduleFacts } from '../health/places.js';
import type { Announcement } from './health-activities.js';
import { alias, collectionName, work } from './inputs.js';

const percent = z.number().min(1).max(100);
const days = z.number().positive().max(3_650);
const patterns = z.array(collectionName).min(1).max(1_000);

/** What the command takes as flags. */
export const checkOptionsSchema = z.strictObject({
  store: alias.optional(),
  /** The newest usable backup of a collection is at most so old. */
  maxAgeHours: z.number().positive().max(87_600).default(24),
  /** The newest proof of a collection is at most so old. */
  maxProofAgeDays: days.default(7),
  /** Absent: rehearsals are not judged. */
  maxRehearsalAgeDays: days.optional(),
  diskWarningPercent: percent.default(80),
  diskCriticalPercent: percent.default(90),
});

export const checkBackupsSchema = checkOptionsSchema.extend({
  /** Only its schedules are judged, and findings carry its name. */
  policy: alias.optional(),
  /** Absent: every cluster of ferry.yaml. */
  clusters: z.array(alias).min(1).max(100).optional(),
  /** Names, or patterns with `*` and `?`; absent: all. */
  collections: patterns.optional(),
  exclude: patterns.optional(),
  /** Names in `notifiers` of ferry.yaml. */
  notify: z.array(alias).min(1).max(20).optional(),
  /** What still holds is told again after so long. */
  remindHours: z.number().positive().max(8_760).default(24),
  heartbeatSeconds: work.heartbeatSeconds,
});
export type CheckBackupsInput = z.infer<typeof checkBackupsSchema>;

/** The worst of the findings. */
export type Status = 'ok' | 'warning' | 'critical';

export const FINDING_KINDS = [
  'noBackup',
  'nothingToProtect',
  'backupTooOld',
  'proofTooOld',
  'noProof',
  'rehearsalTooOld',
  'scheduleSilent',
  'schedulePaused',
  'scheduleFailing',
  'incrementTooSlow',
  'queueWithoutWorker',
  'chainBroken',
  'backupDamaged',
  'identityMixed',
  'backupFromFuture',
  'diskFilling',
  'diskNearlyFull',
  'notChecked',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  severity: Exclude<Status, 'ok'>;
  kind: FindingKind;
  /** What is the matter, with figures. */
  text: string;
  /** What to do, with the command. */
  hint: string;
  policy?: string;
  cluster?: string;
  collection?: string;
  store?: string;
  /** "the state folder of host-1" */
  place?: string;
  schedule?: string;
  queue?: string;
}

export interface CheckedCollection {
  policy?: string;
  cluster: string;
  collection: string;
  status: Status;
  /** Of any state. */
  backups: number;
  /** The newest usable one. */
  newest?: { backup: string; at: string; kind: 'full' | 'increment'; bytes: number; points: number };
  /** The newest one of any usable backup. */
  proof?: { kind: 'quiesced' | 'rehearsed' | 'recorded'; at: string };
  rehearsal?: { at: string; recoverySeconds?: number };
  /** Of all its backups. */
  bytes: number;
}

export interface CheckedStore {
  store: string;
  bytes: number;
  /** `other`: what belongs to no backup that can be told. */
  byKind: { full: number; increment: number; other: number };
  /** Bytes of the backups of the last seven days, a day: before anything is pruned. */
  growthBytesPerDay?: number;
  disk?: { totalBytes: number; freeBytes: number; usedPercent: number };
  daysUntilFull?: number;
}

export interface CheckedDisk {
  /** "store offsite", "state folder", "storage of node http://n0:6333" */
  place: string;
  host?: string;
  cluster?: string;
  node?: string;
  path?: string;
  totalBytes?: number;
  freeBytes?: number;
  usedPercent?: number;
  /** Why its figures are not known. */
  unknown?: string;
}

export interface CheckedSchedule {
  schedule: string;
  policy?: string;
  paused: boolean;
  lastActionAt?: string;
  nextActionAt?: string;
  intervalSeconds?: number;
  /** Of increments: how they find changes, and the longest of the last runs. */
  increments?: { detect: 'digest' | 'field'; longestRunSeconds: number };
  /** The run that ended last, where it failed: its workflow id. */
  failed?: string;
  /** Because the run before still went. */
  skipped: number;
  /** Because Temporal was not there in time. */
  missed: number;
  /** Workflow ids. */
  running: string[];
}

export interface CheckedQueue {
  queue: string;
  workers: number;
}

export interface CheckReport {
  status: Status;
  checkedAt: string;
  policy?: string;
  /** Those that were checked, with or without a collection. */
  clusters?: string[];
  /** By which ages were judged. */
  limits?: Pick<CheckBackupsInput, 'maxAgeHours' | 'maxProofAgeDays' | 'maxRehearsalAgeDays'>;
  /** Critical ones first. */
  findings: Finding[];
  /** The worst first. */
  collections: CheckedCollection[];
  stores: CheckedStore[];
  disks: CheckedDisk[];
  schedules: CheckedSchedule[];
  queues: CheckedQueue[];
  /** Whom it told. */
  announcement?: Announcement;
  /** How many of a list are left out, where it was cut. */
  leftOut?: Partial<Record<'findings' | 'collections' | 'disks' | 'schedules', number>>;
}

export interface SurveyCheckInput {
  policy?: string | undefined;
  clusters?: string[] | undefined;
  store?: string | undefined;
}
/** What there is to check, by ferry.yaml and by Temporal. */
export interface CheckSurvey {
  store: string;
  clusters: string[];
  /** Of the store: one that has workers, where there is one. */
  dataQueue: string;
  /** The store is a folder. */
  isDisk: boolean;
  queues: CheckedQueue[];
  /** Data workers that can be asked one by one, at most 20: "ferry-data@host#pid". */
  workers: string[];
  schedules: ScheduleFacts[];
  /** What of this could not be asked. */
  findings: Finding[];
}

export interface ListProtectedInput {
  cluster: string;
  collections?: string[] | undefined;
  exclude?: string[] | undefined;
}
export interface ListProtectedResult {
  /** Without ferry's own. */
  collections: string[];
  /** How many the cluster has, asked for or not. Absent where a worker of an earlier build looked. */
  there?: number;
  /** Peer ids. */
  identity: string[];
  /** Addresses of its nodes. */
  nodes: string[];
  /** Collections beyond the most that are checked. */
  leftOut: number;
}

export interface CheckProtectionInput extends CollectionLimits {
  store: string;
  policy?: string | undefined;
  cluster: string;
  /** Absent: the cluster did not say which are there; those that the store has are judged. */
  living?: ListProtectedResult | undefined;
  /** Names and patterns; absent: all. */
  collections?: string[] | undefined;
  exclude?: string[] | undefined;
  now: string;
}
export interface CheckProtectionResult {
  findings: Finding[];
  collections: CheckedCollection[];
  leftOut: NonNullable<CheckReport['leftOut']>;
}

export interface MeasureStoreInput {
  store: string;
  now: string;
}

export interface LookAtDisksInput {
  store: string;
}

/** Queue ferry-control. */
export interface CheckControlActivities {
  surveyCheck(input: SurveyCheckInput): Promise<CheckSurvey>;
  listProtected(input: ListProtectedInput): Promise<ListProtectedResult>;
}

/** The queue of the store; they heartbeat. */
export interface CheckStoreActivities {
  checkProtection(input: CheckProtectionInput): Promise<CheckProtectionResult>;
  measureStore(input: MeasureStoreInput): Promise<CheckedStore>;
}

/** Of one worker, on a queue of its own where it has one: the disks that it uses. */
export interface DiskActivities {
  lookAtDisks(input: LookAtDisksInput): Promise<{ disks: CheckedDisk[] }>;
}
