// The workflows by the names a user sees in the Temporal UI. Wire names: not renamed casually. Jobs are started by users;
// those of one collection are their children and are not meant to be started by hand. `examineStore` is the doctor's.

export { scrollMigration } from './scroll-migration.js';
export { migrateCollection } from './migrate-collection.js';
export { snapshotMigration } from './snapshot-migration.js';
export { moveCollection } from './move-collection.js';
export { holdCapture } from './hold-capture.js';
export { verifyCollections } from './verify-collections.js';
export { verifyCollection } from './verify-collection.js';
export { fullBackup } from './full-backup.js';
export { backupCollection } from './backup-collection.js';
export { disasterRecovery } from './disaster-recovery.js';
export { rehearseRecovery } from './rehearse-recovery.js';
export { recoverCollection } from './recover-collection.js';
export { examineStore } from './examine-store.js';
export { listSnapshots } from './list-snapshots.js';
export { createSnapshot, createOnNodes } from './create-snapshot.js';
export { deleteSnapshot } from './delete-snapshot.js';
export { recoverSnapshot, recoverIntoCollection } from './recover-snapshot.js';
export { downloadSnapshot } from './download-snapshot.js';
