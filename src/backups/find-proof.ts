// The proof beside a manifest, if there is one that can be believed: of this very manifest, in a digest we can take. A
// rehearsal says more than a quiesced source, and the latest of a kind is taken.

import { collectionFolder } from '../model/format/backup-names.js';
import type { CollectionBackupRef } from '../model/contracts/backup-activities.js';
import type { RecoveryPlan } from '../model/contracts/recovery-activities.js';
import { DIGEST_VERSION } from '../model/format/digest.js';
import { FerryError } from '../model/errors.js';
import { parseDocument, proofSchema, type ContentProof } from '../model/format/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { readText } from '../shards/read-text.js';

type Known = NonNullable<RecoveryPlan['proof']>;

export async function findProof(
  store: ObjectStore,
  from: CollectionBackupRef,
  manifestSha256: string,
  signal?: AbortSignal,
): Promise<{ proof?: Known; notes: string[] }> {
  const prefix = `${collectionFolder(from.cluster, from.backup, from.collection)}proof-`;
  const [proofs, notes]: [ContentProof[], string[]] = [[], []];
  for await (const { key } of store.list(prefix)) {
    const found = await readProof(store, key, signal);
    if (typeof found === 'string') notes.push(found);
    else if (found.manifestSha256 !== manifestSha256) notes.push(`${key} is of another manifest.`);
    else if (found.digest.version !== DIGEST_VERSION) notes.push(`${key} holds a digest of another version.`);
    else proofs.push(found);
  }
  const best = proofs.sort((a, b) => rank(b).localeCompare(rank(a)))[0];
  if (!best) return { notes: notes.slice(0, 5) };
  const { count, sum } = best.digest;
  return { proof: { kind: best.kind, digest: { count, sum } }, notes: notes.slice(0, 5) };
}

async function readProof(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<ContentProof | string> {
  try {
    return parseDocument(proofSchema, await readText(store, key, signal), key);
  } catch (error) {
    if (error instanceof FerryError && !error.retryable) return `A proof was passed over: ${error.happened}.`;
    throw error;
  }
}

function rank({ kind, at }: ContentProof): string {
  return `${kind === 'rehearsed' ? 1 : 0} ${at}`;
}
