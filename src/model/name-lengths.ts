// How long a collection's name may be where Qdrant makes names of files from it: a file system takes 255 bytes, and Qdrant
// itself does not look at the sum before it works. Tried on 1.16.3 and 1.17.0, byte by byte, in
// test/contract/name-lengths.test.ts. Scroll migration makes no such files.

import { FerryError } from './errors.js';
import type { CollectionRef } from './collections.js';
import { can } from './qdrant-version.js';

const LONGEST_FILE_NAME = 255;

/** `{collection}-shard-{id}-{YYYY-MM-DD-HH-MM-SS}.snapshot-temp-{6 letters}`, streamed or stored. */
export function longestCaptured(shard: number): number {
  return LONGEST_FILE_NAME - `-shard-${shard}-`.length - '2026-01-31-23-59-59.snapshot-temp-abcdef'.length;
}

/** `{collection}-shard-{id}-.tmp{12 letters}` in 1.16, `{collection}-shard-{id}{6 letters}` from 1.17 on. */
export function longestRecovered(shard: number, version: string): number {
  const rest = can(version, 'shortRecoveryNames')
    ? `-shard-${shard}abcdef`
    : `-shard-${shard}-.tmpabcdefabcdef`;
  return LONGEST_FILE_NAME - rest.length;
}

/** A sentence where no snapshot of this shard can be made. */
export function whyNotCaptured({ cluster, collection }: CollectionRef, shard: number): string | undefined {
  const [bytes, most] = [bytesIn(collection), longestCaptured(shard)];
  if (bytes <= most) return undefined;
  return `The name ${brief(collection)} on "${cluster}" has ${bytes} bytes, and Qdrant makes snapshots of shard ${shard} for at most ${most}`;
}

/** A sentence where no snapshot can be recovered into this shard. */
export function whyNotRecovered(
  { cluster, collection }: CollectionRef,
  shard: number,
  version: string,
): string | undefined {
  const [bytes, most] = [bytesIn(collection), longestRecovered(shard, version)];
  if (bytes <= most) return undefined;
  return `The name ${brief(collection)} for "${cluster}" has ${bytes} bytes, and Qdrant ${version} recovers into shard ${shard} for at most ${most}`;
}

export function refuseUncapturable(ref: CollectionRef, shards: readonly { id: number }[]): void {
  const happened = whyNotCaptured(ref, Math.max(0, ...shards.map(({ id }) => id)));
  if (happened !== undefined) throw new FerryError('NameTooLong', happened, { context: { ...ref } });
}

export function refuseUnrecoverable(ref: CollectionRef, shards: number, version: string): void {
  const happened = whyNotRecovered(ref, Math.max(0, shards - 1), version);
  if (happened !== undefined) throw new FerryError('NameTooLong', happened, { context: { ...ref } });
}

/** In full it would hide the rest of the sentence. */
function brief(name: string): string {
  return name.length <= 30 ? `"${name}"` : `"${[...name].slice(0, 30).join('')}…"`;
}

/** In UTF-8; what is no character counts as one. */
export function bytesIn(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** The name itself, or its beginning and a hash of all of it: the same whenever the same is shortened. */
export function shortenedName(name: string, most: number): string {
  if (bytesIn(name) <= most) return name;
  const hash = hashOf(name);
  let [kept, bytes] = ['', 0];
  for (const character of name) {
    bytes += bytesIn(character);
    if (bytes > most - hash.length - 1) break;
    kept += character;
  }
  return `${kept}~${hash}`;
}

/** FNV-1a of 64 bits, in hex. */
function hashOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
