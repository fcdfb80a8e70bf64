// A snapshot that lies on a node, into a file on this disk. Until it is whole there are "….part", the bytes so far, and
// "….part.json", which names the file that they are of. Promises: killed at any moment and run again, it continues where
// the disk stands if the node still has the very same file, and otherwise starts again; the file appears whole, hashed, and
// with Qdrant's own checksum where it gives one, or not at all. An existing file is never overwritten.

import { createReadStream, existsSync } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import type { Pacer } from '../cluster/pacer.js';
import type { SnapshotSource } from '../cluster/snapshots-port.js';
import { FerryError, type ErrorCode } from '../model/errors.js';
import { pump } from './pump.js';
import { SnapshotCheck } from './snapshot-check.js';

/** A snapshot on a node, found by its name. */
export interface NamedSnapshot {
  name: string;
  bytes: number;
  /** Empty where the node gives none: then nothing can be continued. */
  etag: string;
  /** Qdrant's own checksum, where it gives one. */
  sha256?: string;
  /** Throws `SnapshotIncomplete` when it ends early, and when another file has the name by now. */
  from(position: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface FileDownload {
  file: NamedSnapshot;
  source: SnapshotSource;
  path: string;
  signal: AbortSignal;
  pacer: Pacer;
  /** On the disk. */
  onProgress(bytes: number): void;
}

export interface DownloadedFile {
  bytes: number;
  sha256: string;
  checksum: 'equal' | 'none';
  /** Bytes that an earlier run had left. */
  resumedFrom: number;
}

export async function downloadToFile(download: FileDownload): Promise<DownloadedFile> {
  const { file, path, source } = download;
  const part = `${path}.part`;
  if (existsSync(path)) throw new FerryError('InvalidInput', `The file ${path} already exists`);
  const check = checkOf(file, source);
  try {
    const resumedFrom = await leftBytes(part, file);
    for await (const chunk of resumedFrom === 0 ? [] : createReadStream(part)) check.pass(chunk as Buffer);
    const handle = await open(part, resumedFrom === 0 ? 'w' : 'a');
    try {
      await appendRest(download, handle, check);
    } finally {
      await handle.close();
    }
    await rename(part, path);
    await rm(noteOf(part), { force: true });
    const checksum = file.sha256 === undefined ? 'none' : 'equal';
    return { bytes: file.bytes, sha256: check.sha256 ?? '', checksum, resumedFrom };
  } catch (error) {
    // A damaged file cannot be continued.
    if (error instanceof FerryError && error.code === 'SnapshotDamaged') {
      await rm(part, { force: true });
      await rm(noteOf(part), { force: true });
    }
    throw diskFailure(error, path);
  }
}

export function checkOf({ name, bytes, sha256 }: NamedSnapshot, source: SnapshotSource): SnapshotCheck {
  return new SnapshotCheck({ what: name, source, bytes, ...(sha256 === undefined ? {} : { sha256 }) });
}

/** Behind what the check has seen already. */
async function appendRest(
  { file, signal, pacer, onProgress }: FileDownload,
  handle: FileHandle,
  check: SnapshotCheck,
): Promise<void> {
  let at = check.bytes;
  onProgress(at);
  const open = (ends: AbortSignal) => (at === file.bytes ? nothing() : file.from(at, ends));
  await pump({ open, check, pacer, signal }, async ({ body }) => {
    for await (const piece of body()) {
      await handle.writeFile(piece);
      at += piece.length;
      onProgress(at);
    }
    await handle.sync();
  });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** What is there of this very file. The note is written before the first byte. */
async function leftBytes(part: string, { name, bytes, etag }: NamedSnapshot): Promise<number> {
  const about = JSON.stringify({ name, bytes, etag });
  const left = await readFile(noteOf(part), 'utf8').catch(() => '');
  const there = await stat(part).catch(() => undefined);
  if (etag !== '' && left === about && there !== undefined && there.size <= bytes) return there.size;
  await rm(part, { force: true });
  await writeFile(noteOf(part), about);
  return 0;
}

function noteOf(part: string): string {
  return `${part}.json`;
}

const DISK_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'StoreFull',
  EDQUOT: 'StoreFull',
  EFBIG: 'StoreFull',
  EACCES: 'StoreAccessDenied',
  EPERM: 'StoreAccessDenied',
  EROFS: 'StoreAccessDenied',
};

/** The codes that a store on a disk gives (storage/disk.ts). */
function diskFailure(cause: unknown, path: string): unknown {
  const { code: errno = '' } = (cause ?? {}) as { code?: string };
  const code = cause instanceof FerryError ? undefined : DISK_CODES[errno];
  if (code === undefined) return cause;
  const happened = code === 'StoreFull' ? 'The disk is full' : 'The disk refused access';
  return new FerryError(code, `${happened} (${errno})`, { cause, context: { file: path } });
}
