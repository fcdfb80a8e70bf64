// A snapshot that lies on a node, into a file on this disk. Beside it, until it is whole: "….part", which holds what has
// come, and "….part.json", which says of which file. Promises: killed at any moment and run again, it goes on where the
// disk stands, if the node still has the very same file, and otherwise begins anew; the file appears whole, hashed, and
// with Qdrant's own checksum where it gives one, or not at all. A file that stands there is never written over.

import { createReadStream, existsSync } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { FerryError } from '../model/errors.js';
import { Inspection, type FileOnNode } from './snapshot-file.js';
import type { SnapshotSource } from '../cluster/snapshots-port.js';

export interface FileDownload {
  file: FileOnNode;
  source: SnapshotSource;
  path: string;
  signal: AbortSignal;
  /** Resolves when so many bytes may go on. */
  pace(bytes: number): Promise<void>;
  /** On the disk. */
  onProgress(bytes: number): void;
}

export interface DownloadedFile {
  bytes: number;
  sha256: string;
  checksum: 'equal' | 'none';
  /** Which an earlier run had left. */
  resumedFrom: number;
}

export async function downloadToFile(download: FileDownload): Promise<DownloadedFile> {
  const { file, path, source } = download;
  const part = `${path}.part`;
  if (existsSync(path)) throw new FerryError('InvalidInput', `There is a file ${path} already`);
  const resumedFrom = await leftBytes(part, file);
  const inspection = new Inspection(file.name, source, file.sha256);
  for await (const chunk of resumedFrom === 0 ? [] : createReadStream(part)) inspection.pass(chunk as Buffer);
  const handle = await open(part, resumedFrom === 0 ? 'w' : 'a');
  try {
    await appendRest(download, handle, inspection, resumedFrom);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await finished(inspection, part);
  await rename(part, path);
  await rm(noteOf(part), { force: true });
  const checksum = file.sha256 === undefined ? 'none' : 'equal';
  return { bytes: file.bytes, sha256: inspection.sha256, checksum, resumedFrom };
}

async function appendRest(
  { file, signal, pace, onProgress }: FileDownload,
  handle: FileHandle,
  inspection: Inspection,
  from: number,
): Promise<void> {
  let at = from;
  onProgress(at);
  if (at === file.bytes) return;
  for await (const chunk of file.from(at, signal)) {
    await pace(chunk.length);
    inspection.pass(chunk);
    await handle.writeFile(chunk);
    at += chunk.length;
    onProgress(at);
  }
}

/** What is there of this very file. The note is written before the first byte. */
async function leftBytes(part: string, { name, bytes, etag }: FileOnNode): Promise<number> {
  const about = JSON.stringify({ name, bytes, etag });
  const left = await readFile(noteOf(part), 'utf8').catch(() => '');
  const there = await stat(part).catch(() => undefined);
  if (etag !== '' && left === about && there !== undefined && there.size <= bytes) return there.size;
  await rm(part, { force: true });
  await writeFile(noteOf(part), about);
  return 0;
}

/** A damaged file is of no use for going on. */
async function finished(inspection: Inspection, part: string): Promise<void> {
  try {
    inspection.finish();
  } catch (error) {
    await rm(part, { force: true });
    await rm(noteOf(part), { force: true });
    throw error;
  }
}

function noteOf(part: string): string {
  return `${part}.json`;
}
