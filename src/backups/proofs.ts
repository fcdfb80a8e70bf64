// The proofs beside a manifest. One counts where it is of this very manifest and holds a digest that this ferry can
// take. A rehearsal shows more than a quiesced source, and the latest of a kind is taken. Writing one never changes the
// manifest, and names it by its hash. A second proof of the same second is the first one.

import type { WriteProofInput } from '../model/contracts/backup-activities.js';
import type { CollectionBackupRef } from '../model/contracts/backup-catalogue.js';
import { FerryError } from '../model/errors.js';
import { manifestKey, proofKey } from '../model/format/backup-names.js';
import { DIGEST_VERSION } from '../model/format/digest.js';
import { proofSchema, type CollectionManifest, type ContentProof } from '../model/format/manifest.js';
import { MANIFEST_VERSION } from '../model/format/fields.js';
import { parseDocument } from '../model/format/parse-document.js';
import { documentText } from '../model/format/document-text.js';
import type { ObjectStore } from '../storage/object-store.js';
import { readText, sha256OfText } from '../shards/read-text.js';
import { isUnusable } from './catalogue/read-run.js';

const MOST_NOTES = 5;

export function isProofKey(key: string): boolean {
  return /\/proof-[^/]+\.json$/.test(key);
}

/** `keys`: of the proofs in the collection's folder. */
export async function readProofs(
  store: ObjectStore,
  of: Pick<CollectionBackupRef, 'cluster' | 'backup' | 'collection'>,
  manifestSha256: string,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<{ best?: ContentProof; notes: string[] }> {
  const [proofs, notes]: [ContentProof[], string[]] = [[], []];
  for (const key of keys) {
    const found = await readProof(store, key, signal);
    if (typeof found === 'string') notes.push(found);
    else if (found.manifestSha256 !== manifestSha256 || found.collection !== of.collection)
      notes.push(`${key} is of another manifest.`);
    else if (found.digest.version !== DIGEST_VERSION) notes.push(`${key} holds a digest of another version.`);
    else proofs.push(found);
  }
  const [best] = proofs.sort((a, b) => rank(b).localeCompare(rank(a)));
  return { ...(best === undefined ? {} : { best }), notes: notes.slice(0, MOST_NOTES) };
}

/** Of a backup by points that read every point: its digest stands in the manifest. */
export function recordedProof(manifest: CollectionManifest): RecordedProof | undefined {
  const isRead = manifest.capture.method === 'points' && !isStamped(manifest);
  return isRead ? { kind: 'recorded', at: manifest.finishedAt } : undefined;
}

/** An increment by field: what the application did not stamp is not in it, so nothing proves it, a rehearsal neither. */
export function isStamped({ capture }: CollectionManifest): boolean {
  return capture.method === 'points' && capture.detect === 'field';
}

export interface RecordedProof {
  kind: 'recorded';
  at: string;
}

async function readProof(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<ContentProof | string> {
  try {
    return parseDocument(proofSchema, await readText(store, key, signal), key);
  } catch (error) {
    if (isUnusable(error)) return `A proof was passed over: ${error.happened}.`;
    throw error;
  }
}

function rank({ kind, at }: ContentProof): string {
  return `${kind === 'rehearsed' ? 1 : 0} ${at}`;
}

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
    const body = Buffer.from(documentText(proof));
    await store.put(key, body, { ifAbsent: true, contentType: 'application/json' });
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== 'ObjectExists') throw error;
  }
}
