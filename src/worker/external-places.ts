// Where snapshots that ferry did not make are read from. On a disk they keep their names; a bucket has no other way.

import type { ExternalPlace, ExternalPlaces } from '../external/external-ports.js';
import { snapshotUrl } from '../config.js';
import { isDisk, requireStore, type FerryConfig } from '../model/ferry-config.js';
import { DiskFiles, HttpFiles } from '../storage/external-files.js';
import type { ObjectStore } from '../storage/object-store.js';

export function externalPlaces(config: FerryConfig, open: (alias: string) => ObjectStore): ExternalPlaces {
  return {
    ofStore: (alias): ExternalPlace => {
      // refuses a disk that this worker may not touch
      const store = open(alias);
      const connection = requireStore(config, alias);
      return isDisk(connection) ? new DiskFiles(connection.url) : store;
    },
    urls: new HttpFiles((named) => snapshotUrl(named)),
    pathOf: (named) => decoded(new URL(snapshotUrl(named)).pathname),
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
