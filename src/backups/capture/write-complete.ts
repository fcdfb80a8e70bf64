// complete.json: the document that makes the backup of one collection count. Promises to be written only behind a check of
// the objects of that very manifest, and only while the manifest in the store is still the one that was checked.

import type { WriteCompleteInput } from '../../model/contracts/backup-activities.js';
import { completeKey } from '../../model/format/backup-names.js';
import { FerryError } from '../../model/errors.js';
import { completeDocumentSchema, type CompleteDocument } from '../../model/format/manifest.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { parseDocument } from '../../model/format/parse-document.js';
import { documentText } from '../../model/format/document-text.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { findManifest } from '../read-backup.js';
import { readText } from '../../shards/read-text.js';

export async function writeComplete(
  store: ObjectStore,
  input: WriteCompleteInput,
  signal?: AbortSignal,
): Promise<void> {
  const { cluster, backup, collection, manifestSha256, verify } = input;
  const found = await findManifest(store, input, signal);
  const key = completeKey(cluster, backup, collection);
  if (found?.sha256 !== manifestSha256) throw otherManifest(key);
  const document: CompleteDocument = {
    format: 'qdrant-ferry/complete',
    version: MANIFEST_VERSION,
    ...{ backup, cluster, collection, manifestSha256, verify },
    checkedAt: new Date().toISOString(),
  };
  try {
    const body = Buffer.from(documentText(document));
    await store.put(key, body, { ifAbsent: true, contentType: 'application/json' });
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== 'ObjectExists') throw error;
    const there = parseDocument(completeDocumentSchema, await readText(store, key, signal), key);
    if (there.manifestSha256 !== manifestSha256) throw error;
  }
}

function otherManifest(key: string): FerryError {
  const happened = 'The manifest in the store changed while its objects were checked';
  return new FerryError('ManifestInvalid', happened, { context: { key } });
}
