// Snapshots that ferry did not make, as a source of recoveries. Only the files and what is inside them tell what the
// collection was: no proof, no id set, no count. Shards are taken out of the files while they are sent.

import type { CollectionBackupRef } from '../model/contracts/backup-catalogue.js';
import { FerryError } from '../model/errors.js';
import { parseJson } from '../model/json.js';
import { sha256OfText } from '../shards/read-text.js';
import type { RecoverableCollection, RecoverySource } from '../shards/recoverable-collection.js';
import { chooseSnapshots } from './choose-snapshots.js';
import { describedBy, oldestQdrant } from './external-collection.js';
import { readWholeFile, SnapshotFiles, type Where } from './snapshot-files.js';
import type { ExternalPlaces } from './external-ports.js';
import { walkSegments } from '../qdrant/files/segments.js';

export function snapshotSource(places: ExternalPlaces): RecoverySource {
  const files = new SnapshotFiles(places);
  return {
    offer: (input, signal) => chooseSnapshots(files, input, signal),
    open: (from, signal) => openSnapshots(files, from, signal),
  };
}

async function openSnapshots(
  files: SnapshotFiles,
  from: CollectionBackupRef,
  signal: AbortSignal,
): Promise<RecoverableCollection> {
  const { external, collection } = from;
  if (!external) throw new FerryError('Internal', 'No snapshot files are named');
  const where: Where = { isUrl: external.isUrl ?? false, store: from.store };
  const { shards, sources, ...facts } = await describedBy(files, where, from, signal);
  const { qdrantVersion, notes = [], aliases = [] } = external;
  const etags = external.files.map(({ etag }) => etag);
  const atLeast = oldestQdrant(parseJson(facts.info));
  const unknown =
    'The Qdrant version of the snapshot is unknown; set `qdrantVersion` in `from` to have it checked.';
  return {
    ...facts,
    sha256: sha256OfText(JSON.stringify([facts, shards, aliases, notes, qdrantVersion, etags])),
    shards,
    bytes: shards.reduce((sum, shard) => sum + shard.bytes, 0),
    aliases,
    qdrantVersion: {
      ...(qdrantVersion === undefined ? {} : { made: qdrantVersion }),
      ...(atLeast === undefined ? {} : { atLeast }),
    },
    ...{ listsAllIndexes: false, hasRecall: false },
    notes: [...notes, ...(qdrantVersion === undefined ? [unknown] : [])],
    pushOnly: `The shards of "${collection}" are taken out of the snapshot files while they are sent, so no node can pull them`,
    check: async (depth, passing) => {
      for (const { file, entries } of sources) await walkSegments(file, entries, passing.signal);
      if (depth === 'quick') return;
      const whole = new Map(external.files.map(({ path, etag, bytes }) => [path, { path, etag, bytes }]));
      for (const file of whole.values()) await readWholeFile(files, where, file, passing);
    },
    proof: () => Promise.resolve({ notes: [] }),
    recall: () => Promise.resolve(undefined),
  };
}
