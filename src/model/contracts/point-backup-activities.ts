// Activities of a backup by points, full or incremental, as the workflows see them. They run on the queue that
// `resolveBackup` names, for a disk may be seen by some workers only.

import type * as z from 'zod';
import type { FieldUnit, WrittenSince } from '../format/written-since.js';
import type { Pin, ReadPlan } from '../collections.js';
import type { RangeDigest } from '../format/digest.js';
import type { BaseRef, detect } from '../format/manifest.js';
import type { ManifestSlice } from '../format/slices.js';
import type { Slice } from '../state/slice.js';
import type { Pace } from '../state/steering.js';
import type { WriteManifestResult } from './backup-activities.js';
import type { CollectionBackupRef } from './backup-catalogue.js';

export type Detect = z.infer<typeof detect>;

/** How an increment finds what changed, as its input says. */
export interface Detection {
  detect: 'digest' | 'field';
  field: string;
  fieldUnit: 'auto' | FieldUnit;
  overlapSeconds: number;
  digestEveryHours: number;
}

export interface PlanPointsInput extends CollectionBackupRef {
  pin: Pin;
  /** Continue the newest backup that can be continued; absent or false: everything is stored. */
  increment?: boolean;
  /** Of the whole collection, when it was counted. */
  points: number;
  /** Slices worked on at the same time. */
  width: number;
  /** A chain of more links ends: the backup is a full one. */
  maxLinks: number;
  /** Of an increment. */
  detection?: Detection;
}
export interface PlanPointsResult {
  /** Absent: this backup is a full one. */
  base?: BaseRef;
  /** What is read of the source: `all` without a base. */
  detect: Detect;
  since?: WrittenSince;
  slices: Slice[];
  /** Why it is a full one although an increment was wanted, and the like. */
  notes: string[];
}

export interface CaptureSliceInput extends CollectionBackupRef, Pace {
  what: string;
  pin: Pin;
  read: ReadPlan;
  /** Of the slice in the plan. */
  position: number;
  slice: Slice;
  base?: BaseRef;
  /** Of the digest index of a snapshot, which stores no points. */
  index?: 'before' | 'after';
  /** With `index: after`: the document that `before` answered with. */
  before?: string;
  detect: Detect;
  since?: WrittenSince;
  /** Read through this one of the addresses in ferry.yaml. */
  lane: number;
  batchBytes: number;
  stallAfterAttempts: number;
}
export interface CaptureSliceResult {
  /** Of its document in the store. */
  name: string;
  /** Of all points of the slice. */
  digest: RangeDigest;
  /** Stored here. */
  changed: number;
  deleted: number;
  unstamped?: NonNullable<ManifestSlice['unstamped']>;
  /** Read from the source. */
  bytes: number;
  storedBytes: number;
}

export interface WritePointsManifestInput extends CollectionBackupRef {
  pin: Pin;
  base?: BaseRef;
  detect: Detect;
  since?: WrittenSince;
  /** Names that `captureSlice` answered with, in order of the slices. */
  captured: string[];
  points: number;
  /** When `points` were counted, ISO 8601. */
  countedAt: string;
  startedAt: string;
  partial?: { reason: string };
  notes: string[];
}

/** The queue that `resolveBackup` names; all of them heartbeat. */
export interface PointBackupActivities {
  planPoints(input: PlanPointsInput): Promise<PlanPointsResult>;
  captureSlice(input: CaptureSliceInput): Promise<CaptureSliceResult>;
  writePointsManifest(input: WritePointsManifestInput): Promise<WriteManifestResult>;
}
