// What the steps of one collection's backup share: the job, what was captured so far, and what follows from them.

import type * as z from 'zod';
import type { CollectionBackupRef } from '../../model/contracts/backup-catalogue.js';
import type { backupCollectionSchema } from '../../model/contracts/backup-inputs.js';
import type { BackupProof, BackupReport, Changes } from '../../model/contracts/results.js';
import {
  captureOutcome,
  isQuiesced,
  type CaptureProgress,
  type PointsCapture,
} from '../../model/state/capture-progress.js';
import type { BackupProgress } from '../../model/state/progress-state.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { failure } from '../runtime/failures.js';
import type { DataQueue } from '../runtime/run-activity.js';

export type BackupSettings = z.infer<typeof backupCollectionSchema>;

export class Backup {
  readonly job: CollectionJob<BackupProgress>;
  readonly settings: BackupSettings;

  constructor(job: CollectionJob<BackupProgress>, settings: BackupSettings) {
    this.job = job;
    this.settings = settings;
  }

  get source(): BackupSettings['source'] {
    return this.settings.source;
  }

  get options(): BackupSettings['options'] {
    return this.settings.options;
  }

  get capture(): CaptureProgress {
    const { capture } = this.job.progress;
    if (!capture) throw failure('Internal', 'A step came before the planning.');
    return capture;
  }

  get ref(): CollectionBackupRef {
    const { source, target, backup } = this.settings;
    return { store: target.cluster, cluster: source.cluster, backup, collection: source.collection };
  }

  /** For an activity that touches the store. */
  where(summary: string): DataQueue & { summary: string } {
    const { dataQueue, heartbeatSeconds } = this.job.settings;
    return { taskQueue: dataQueue, heartbeatSeconds, summary };
  }

  report(): BackupReport {
    const { job, capture, settings } = this;
    const { byPoints } = capture;
    return {
      source: settings.source,
      store: settings.target.cluster,
      backup: settings.backup,
      operation: job.progress.operation,
      outcome: captureOutcome(capture),
      points: byPoints?.digest.count ?? capture.points,
      bytes: byPoints?.storedBytes ?? capture.bytes,
      shards: byPoints ? 0 : capture.shards.length,
      capture: byPoints ? 'points' : capture.mode,
      proven: byPoints ? provenBy(byPoints) : isQuiesced(capture) ? 'quiesced' : 'none',
      ...(byPoints && settings.options.increment ? { changes: changesOf(byPoints) } : {}),
      manifestSha256: capture.manifest?.manifestSha256 ?? '',
      seconds: Math.round((Date.now() - Date.parse(job.progress.startedAt)) / 1000),
      leftOnNode: capture.leftOnNode,
      warnings: job.progress.warnings.slice(0, 10),
    };
  }
}

/** What a field did not tell of is not in it, and nobody looked. */
function provenBy({ detect }: PointsCapture): BackupProof {
  return detect === 'field' ? 'none' : 'recorded';
}

function changesOf({ base, changed, deleted, readBytes, unstamped }: PointsCapture): Changes {
  return {
    ...(base === undefined ? {} : { base: base.backup }),
    ...{ changed, deleted, readBytes },
    ...(unstamped === undefined ? {} : { unstamped: unstamped.count }),
  };
}
