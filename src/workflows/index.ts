// The workflows by the names a user sees in the Temporal UI. Wire names: not renamed casually. Jobs are started by users;
// those of one collection are their children and are not meant to be started by hand. `examineStore` is the doctor's.

export { scrollMigration } from './jobs/scroll-migration.js';
export { migrateCollection } from './collections/migrate-collection.js';
export { snapshotMigration } from './jobs/snapshot-migration.js';
export { moveCollection } from './collections/move-collection.js';
export { holdLock } from './steps/hold-lock.js';
export { verifyCollections } from './jobs/verify-collections.js';
export { verifyCollection } from './collections/verify-collection.js';
export { fullBackup, incrementalBackup } from './jobs/full-backup.js';
export { backupCollection } from './collections/backup-collection.js';
export { disasterRecovery } from './jobs/disaster-recovery.js';
export { rehearseRecovery } from './jobs/rehearse-recovery.js';
export { recoverCollection } from './collections/recover-collection.js';
export { checkBackups } from './jobs/check-backups.js';
export { pruneBackups } from './jobs/prune-backups.js';
export { examineStore } from './jobs/examine-store.js';
export { listSnapshots, deleteSnapshot, downloadSnapshot } from './jobs/single-snapshots.js';
export { createSnapshot } from './jobs/create-snapshot.js';
export { recoverSnapshot } from './jobs/recover-snapshot.js';
