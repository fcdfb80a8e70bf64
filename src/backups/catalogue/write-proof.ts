// A proof beside a manifest: how the content of that very manifest is known. Promises never to change a manifest, and
// to name by its hash which one is meant. A second proof of the same second is the first one.

import type { WriteProofInput } from '../../model/contracts/backup-activities.js';
import { manifestKey, proofKey } from '../../model/format/backup-names.js';
import { DIGEST_VERSION } from '../../model/format/digest.js';
import { FerryError } from '../../model/errors.js';
import { MANIFEST_VERSION, type ContentProof } from '../../model/format/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readText, sha256OfText } from '../../shards/read-text.js';

export async function writeProof(
  store: ObjectStore,
  input: WriteProofInput,
  signal?: AbortSignal,
): Promise<void> {
  const { cluster, backup, collection, kind, digest, recoverySeconds, recall } = input;
  const manifest = await readText(store, manifestKey(cluster, backup, collection), signal);
  const at = new Date();
  const proof: ContentProof = {
    format: 'qdrant-ferry/proof',
    version: MANIFEST_VERSION,
    backup,
    cluster,
    collection,
    kind,
    at: at.toISOString(),
    manifestSha256: sha256OfText(manifest),
    digest: { version: DIGEST_VERSION, ...digest },
    ...(recoverySeconds === undefined ? {} : { recoverySeconds }),
    ...(recall === undefined ? {} : { recall }),
  };
  await putOnce(store, proofKey(cluster, backup, collection, kind, at), proof);
}

async function putOnce(store: ObjectStore, key: string, proof: ContentProof): Promise<void> {
  try {
    const body = Buffer.from(`${JSON.stringify(proof, null, 1)}\n`);
    await store.put(key, body, { ifAbsent: true, contentType: 'application/json' });
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== 'ObjectExists') throw error;
  }
}
