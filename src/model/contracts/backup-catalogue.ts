// Where a backup is, and what a store holds: backups, their collections, and what is left over.

import type { ExternalFiles } from '../externals/source.js';
import type { RecallShares } from '../format/recall.js';

export interface BackupRef {
  /** Alias of the store. */
  store: string;
  cluster: string;
  backup: string;
}
export interface CollectionBackupRef extends BackupRef {
  collection: string;
  /** Those that a recovery gives it, of one moment for all collections; absent: the manifest's. */
  aliases?: string[] | undefined;
  /** Not a backup of ferry's: these files, and no manifest. */
  external?: ExternalFiles | undefined;
}

export interface ListBackupsInput {
  store: string;
  cluster?: string;
  after?: string;
  /** At most so many a page. */
  most?: number;
}
export interface CollectionBackup {
  collection: string;
  /** As backups/read-backup.ts decides it. */
  state: 'complete' | 'partial' | 'otherCluster' | 'archived' | 'incomplete' | 'damaged' | 'tooNew';
  /** Id of the backup that it continues: it is an increment. */
  base?: string;
  /** Why, when it is not complete; or what is missing without being needed. */
  reason?: string;
  bytes: number;
  points?: number;
  finishedAt?: string;
  /** `recall`: of a rehearsal that replayed searches. */
  proof: { kind: 'rehearsed' | 'quiesced' | 'recorded' | 'none'; at?: string; recall?: RecallShares };
  /** No prune removes it. */
  isPinned?: true;
}
/** What started.json or backup.json say of a run. */
export interface RunOutline {
  cluster: string;
  backup: string;
  startedAt: string;
  /** Peer ids of the cluster that it was taken of; empty where they are not known. */
  clusterIdentity: string[];
  /** backup.json is there. */
  finished: boolean;
  scope?: 'all' | 'policy' | 'named';
  /** Whose schedule started it. */
  policy?: string;
  /** It was cancelled, or broke. */
  interrupted?: boolean;
  /** It claims to have begun later than now, or than its own documents were stored: never taken for the latest. */
  isFuture?: boolean;
  /** Why its document cannot be believed. */
  fault?: string;
}
export interface LeftoverObject {
  key: string;
  bytes: number;
}
export interface CatalogueEntry extends RunOutline {
  store: string;
  /** True when backup.json is there and every collection of the run is complete. */
  complete: boolean;
  collections: CollectionBackup[];
  /** Collections whose backup a prune removed, or began to. */
  pruned?: string[];
  /** Objects that no document names: of attempts that were cut off. Empty while the run goes on; at most 100. */
  leftover: LeftoverObject[];
}

export interface ListedBackup extends RunOutline {
  collections: number;
  /** Complete when backup.json was written; what has happened to them since, `showBackup` tells. */
  usable: number;
  bytes: number;
}
export interface ListBackupsResult {
  /** Newest first, those dated in the future last. */
  backups: ListedBackup[];
  /** Of all pages. */
  total: number;
  next?: string;
}
export type ShowBackupInput = BackupRef;
