// The workflows by the names a user sees in the Temporal UI. Wire names: not renamed casually. The two jobs are
// started by users; the two of one collection are their children and are not meant to be started by hand.

export { scrollMigration } from './scroll-migration.js';
export { migrateCollection } from './migrate-collection.js';
export { verifyCollections } from './verify-collections.js';
export { verifyCollection } from './verify-collection.js';
export { fullBackup } from './full-backup.js';
export { backupCollection } from './backup-collection.js';
export { disasterRecovery } from './disaster-recovery.js';
export { rehearseRecovery } from './rehearse-recovery.js';
export { recoverCollection } from './recover-collection.js';
