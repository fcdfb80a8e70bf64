// What each operation needs of the clusters it works on: one table, checked at its start, before anything is written.
// Every operation needs REST everywhere, and of the store what docs/permissions.md says. Points are what may be missing:
// they go over gRPC, or over REST as text where ferry.yaml says `grpc: false`.

export type NeedyOperation =
  | 'scrollMigration'
  | 'snapshotMigration'
  | 'verifyCollections'
  | 'fullBackup'
  | 'disasterRecovery'
  | 'rehearseRecovery';

export interface Need {
  operation: NeedyOperation;
  end: 'source' | 'target';
  /** Whose points are read or written, and why. */
  phases: readonly string[];
  /** Absent: always. `digest`: unless it is switched off. `proof`: where the backup has one that is not ignored. */
  only?: 'digest' | 'proof';
}

/** Operations that read or write points by way of gRPC. Id sets and deletions of returned points go over REST anyway. */
const NEEDS_POINTS: readonly Need[] = [
  { operation: 'scrollMigration', end: 'source', phases: ['copying', 'verifying'] },
  { operation: 'scrollMigration', end: 'target', phases: ['copying', 'verifying', 'repairing'] },
  { operation: 'snapshotMigration', end: 'source', phases: ['verifying', 'repairing'] },
  { operation: 'snapshotMigration', end: 'target', phases: ['verifying', 'repairing'] },
  { operation: 'verifyCollections', end: 'source', phases: ['verifying'] },
  { operation: 'verifyCollections', end: 'target', phases: ['verifying'] },
  { operation: 'fullBackup', end: 'source', phases: ['digest before', 'digest after'], only: 'digest' },
  { operation: 'disasterRecovery', end: 'target', phases: ['verifying'], only: 'proof' },
  { operation: 'rehearseRecovery', end: 'target', phases: ['verifying'] },
];

export interface Chosen {
  /** Of a backup: its source is digested. */
  digest?: boolean;
  /** Of a recovery: the backup has a proof, and it counts. */
  proof?: boolean;
}

/** What the points of this end are needed for; undefined where they are not. */
export function pointsNeed(
  operation: NeedyOperation,
  end: Need['end'],
  chosen: Chosen = {},
): Need | undefined {
  return NEEDS_POINTS.find(
    (need) =>
      need.operation === operation &&
      need.end === end &&
      (need.only === undefined || chosen[need.only] === true),
  );
}
