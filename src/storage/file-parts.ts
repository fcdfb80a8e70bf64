// The bytes of an upload on a disk and the list of them. Promises: a part that was written survives the death of the
// process, and is listed with the SHA-256 it had in memory. Of what was written before the machine itself went down
// nobody knows what reached the disk: such a part is listed only when its bytes still hash to that.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { appendFile, open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from './file-failures.js';

const COPY_BYTES = 1024 * 1024;
const LIST = 'parts.jsonl';

export interface PlacedPart {
  number: number;
  bytes: number;
  sha256: string;
  /** In the folder of the upload. */
  file: string;
  offset: number;
  /** The run of the machine in which it was written; empty where that cannot be known. */
  boot: string;
}

export async function listPlaced(folder: string): Promise<PlacedPart[]> {
  const text = await readFile(join(folder, LIST), 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  });
  const lines = text.split('\n').flatMap(parsed);
  const latest = [...new Map(lines.map((line) => [line.number, line])).values()];
  const now = await bootId();
  const sure: PlacedPart[] = [];
  for (const part of latest.sort((a, b) => a.number - b.number)) {
    if ((part.boot !== '' && part.boot === now) || (await isIntact(folder, part))) sure.push(part);
  }
  return sure;
}

export async function writePart(
  folder: string,
  part: Omit<PlacedPart, 'boot'>,
  body: Uint8Array,
): Promise<void> {
  // Neither truncated nor appended to: parts may be written side by side.
  const file = await open(join(folder, part.file), constants.O_WRONLY | constants.O_CREAT);
  try {
    await writeAll(file, body, part.offset);
  } finally {
    await file.close();
  }
  const line: PlacedPart = { ...part, boot: await bootId() };
  await appendFile(join(folder, LIST), `${JSON.stringify(line)}\n`);
}

/** Their bytes one after the other into a new file; gives the number of a part that is damaged, if one is. */
export async function joinParts(
  folder: string,
  parts: readonly PlacedPart[],
  path: string,
): Promise<number | undefined> {
  const whole = await open(path, 'wx');
  try {
    let at = 0;
    for (const part of parts) {
      if ((await copyPart(folder, part, (piece, done) => writeAll(whole, piece, at + done))) !== part.sha256)
        return part.number;
      at += part.bytes;
    }
    return undefined;
  } finally {
    await whole.close();
  }
}

async function isIntact(folder: string, part: PlacedPart): Promise<boolean> {
  const hash = await copyPart(folder, part, () => Promise.resolve()).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  });
  return hash === part.sha256;
}

/** Gives the SHA-256 of what is really there. */
async function copyPart(
  folder: string,
  part: PlacedPart,
  take: (piece: Uint8Array, done: number) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  const from = await open(join(folder, part.file), 'r');
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  try {
    for (let done = 0; done < part.bytes;) {
      const wanted = Math.min(COPY_BYTES, part.bytes - done);
      const { bytesRead } = await from.read(buffer, 0, wanted, part.offset + done);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      await take(buffer.subarray(0, bytesRead), done);
      done += bytesRead;
    }
  } finally {
    await from.close();
  }
  return hash.digest('hex');
}

async function writeAll(file: FileHandle, body: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < body.byteLength;) {
    const { bytesWritten } = await file.write(body, done, body.byteLength - done, offset + done);
    done += bytesWritten;
  }
}

/** A line that was cut by a crash is no part. */
function parsed(text: string): PlacedPart[] {
  try {
    return text === '' ? [] : [JSON.parse(text) as PlacedPart];
  } catch {
    return [];
  }
}

let known: Promise<string> | undefined;

/** Linux alone tells; elsewhere every part is read again when an upload is resumed. */
function bootId(): Promise<string> {
  known ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
  return known;
}
