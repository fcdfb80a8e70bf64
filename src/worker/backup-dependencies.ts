// Which adapters capture and catalogue get.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupControlDependencies, BackupStoreDependencies } from '../activities/backup-activities.js';
import { searchAttributesWanted } from '../config.js';
import { packageRoot } from '../local/package-root.js';
import { requireStore, type FerryConfig } from '../model/ferry-config.js';
import { qdrantControls } from '../qdrant/control.js';
import { snapshotNodes } from '../qdrant/snapshot-nodes.js';
import type { ObjectStore } from '../storage/object-store.js';
import { openStore, probeStore } from '../storage/open-store.js';
import { createCheckPin } from '../transfer/pin.js';

export function backupControlDependencies(config: FerryConfig): BackupControlDependencies {
  return {
    controls: qdrantControls(config.clusters),
    storeOf: (alias) => requireStore(config, alias),
    searchAttributes: searchAttributesWanted(),
  };
}

export function backupStoreDependencies(config: FerryConfig): BackupStoreDependencies {
  const controls = qdrantControls(config.clusters);
  return {
    controls,
    nodes: snapshotNodes(config.clusters),
    checkPin: createCheckPin(controls),
    openStore: storesOf(config),
    probeStore,
    ferryVersion: ferryVersion(),
  };
}

/** One a store, for what its probe found out is kept in it. */
export function storesOf(config: FerryConfig): (alias: string) => ObjectStore {
  const opened = new Map<string, ObjectStore>();
  return (alias) => {
    const store = opened.get(alias) ?? openStore(requireStore(config, alias));
    opened.set(alias, store);
    return store;
  };
}

export function ferryVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
