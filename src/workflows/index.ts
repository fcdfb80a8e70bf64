// The workflows by the names a user sees in the Temporal UI.

export { scrollMigration } from './scroll-migration.js';
export { migrateCollection } from './migrate-collection.js';
export { verifyCollections } from './verify-collections.js';
export { verifyCollection } from './verify-collection.js';
