// An upload in parts on a disk, in a folder of its own below ".uploads": it survives its process, and a dead one is
// recognised by where it lies. Promises: a part is listed only when its bytes are on the disk; the object appears whole.
//
//   .uploads/{id}/key          whose upload it is
//   .uploads/{id}/parts.jsonl  one line for each part that arrived: where its bytes lie; the last line of a number counts
//   .uploads/{id}/body-{n}     bytes, one file for each process that opened the upload, so that a dead man's write
//                              that lands late never touches what his successor wrote
//
// 1. putPart: take the next bytes of our body file; write; sync; add the line. 2. complete: bytes that lie in our own file
// in the order of the parts, as they do when one process sent them one after the other, only get a name. Otherwise they
// are written together first, and each part's SHA-256 is checked on that way.

import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { appendFile, open, readdir, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { FerryError } from '../model/errors.js';
import { sha256Of } from './content-hash.js';
import { makeFolder, publish, syncFolder, writeDurably } from './durable-files.js';
import { fileFailure, isErrno } from './file-failures.js';
import { statObject, type FilePlace } from './file-place.js';
import type { StoredObject, StoredPart, Upload } from './object-store.js';

const COPY_BYTES = 1024 * 1024;

interface Line {
  number: number;
  bytes: number;
  sha256: string;
  file: string;
  offset: number;
}

export class FileUpload implements Upload {
  readonly key: string;
  readonly id: string;
  readonly #place: FilePlace;
  readonly #folder: string;
  readonly #body = `body-${randomBytes(6).toString('hex')}`;
  #next = 0;

  constructor(place: FilePlace, key: string, id: string) {
    this.key = key;
    this.id = id;
    this.#place = place;
    this.#folder = join(place.uploads, id);
  }

  async parts(): Promise<StoredPart[]> {
    return (await this.#asking(() => this.#lines())).map(partOf);
  }

  async putPart(
    number: number,
    body: Uint8Array,
    signal?: AbortSignal,
    sha256?: string,
  ): Promise<StoredPart> {
    signal?.throwIfAborted();
    const offset = this.#next;
    this.#next += body.byteLength;
    const hash = await sha256Of(body);
    if (sha256 !== undefined && sha256 !== hash)
      throw this.#damaged(`Part ${number} is not what it should be`);
    const line: Line = { number, bytes: body.byteLength, sha256: hash, file: this.#body, offset };
    await this.#asking(async () => {
      await writeAt(join(this.#folder, this.#body), body, offset);
      await appendFile(join(this.#folder, 'parts.jsonl'), `${JSON.stringify(line)}\n`, { flush: true });
    });
    return partOf(line);
  }

  async complete(parts: readonly StoredPart[], options?: { ifAbsent?: boolean }): Promise<StoredObject> {
    return this.#asking(async () => {
      if (!(await this.#stands())) {
        const finished = await this.#together(this.#chosen(parts, await this.#lines()));
        await this.#name(finished, options?.ifAbsent === true);
      }
      const made = await statObject(this.#place, this.key);
      await this.#remove();
      return made;
    });
  }

  async abort(): Promise<void> {
    await this.#asking(() => this.#remove());
  }

  async #lines(): Promise<Line[]> {
    const text = await readFile(join(this.#folder, 'parts.jsonl'), 'utf8').catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return '';
      throw error;
    });
    const lines = text.split('\n').flatMap(parsed);
    const latest = new Map(lines.map((line) => [line.number, line]));
    return [...latest.values()].sort((a, b) => a.number - b.number);
  }

  #chosen(parts: readonly StoredPart[], lines: readonly Line[]): Line[] {
    if (parts.length === 0) throw this.#failure('StoreRejected', 'An upload needs at least one part');
    const known = new Map(lines.map((line) => [line.number, line]));
    return parts.map(({ number, sha256 }) => {
      const line = known.get(number);
      if (line?.sha256 === sha256) return line;
      throw this.#failure('StoreRejected', `Part ${number} is not the one that arrived`);
    });
  }

  /** The path of a file that holds exactly these parts in this order, on the disk. */
  async #together(lines: readonly Line[]): Promise<string> {
    const bytes = lines.reduce((sum, line) => sum + line.bytes, 0);
    const path = inOrder(lines, this.#body) ? join(this.#folder, this.#body) : await this.#copied(lines);
    const file = await open(path, 'r+');
    try {
      if ((await file.stat()).size < bytes)
        throw this.#damaged('Bytes of the upload are missing on the disk');
      await file.truncate(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return path;
  }

  async #copied(lines: readonly Line[]): Promise<string> {
    const path = join(this.#folder, `whole-${randomBytes(6).toString('hex')}`);
    const whole = await open(path, 'wx');
    try {
      let at = 0;
      for (const line of lines) {
        const hash = await copyPart(join(this.#folder, line.file), line, whole, at);
        if (hash !== line.sha256) throw this.#damaged(`Part ${line.number} was damaged on the disk`);
        at += line.bytes;
      }
    } finally {
      await whole.close();
    }
    return path;
  }

  async #name(finished: string, onlyIfAbsent: boolean): Promise<void> {
    try {
      await publish(finished, this.#place.pathOf(this.key), onlyIfAbsent);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
      throw this.#failure('ObjectExists', 'There is another object under this key');
    }
  }

  /** Whether an attempt that died before it could say so has named one of our files already. */
  async #stands(): Promise<boolean> {
    const there = await stat(this.#place.pathOf(this.key)).catch(() => undefined);
    const names = there === undefined ? [] : await readdir(this.#folder);
    const ours = await Promise.all(names.map((name) => stat(join(this.#folder, name))));
    return ours.some(({ ino, dev }) => ino === there?.ino && dev === there.dev);
  }

  async #remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #asking<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw fileFailure(error, this.#place.root, this.key);
    }
  }

  #damaged(happened: string): FerryError {
    return this.#failure('ObjectDamaged', happened);
  }

  #failure(code: FerryError['code'], happened: string): FerryError {
    return new FerryError(code, happened, { context: { bucket: this.#place.root, key: this.key } });
  }
}

export async function beginFileUpload(place: FilePlace, key: string): Promise<FileUpload> {
  const id = randomBytes(16).toString('hex');
  const folder = join(place.uploads, id);
  await makeFolder(folder);
  await writeDurably(join(folder, 'key'), Buffer.from(key));
  await syncFolder(folder);
  return new FileUpload(place, key, id);
}

function partOf({ number, bytes, sha256 }: Line): StoredPart {
  return { number, bytes, sha256, etag: sha256 };
}

/** A line that was cut by a crash is no part. */
function parsed(text: string): Line[] {
  try {
    return text === '' ? [] : [JSON.parse(text) as Line];
  } catch {
    return [];
  }
}

function inOrder(lines: readonly Line[], ours: string): boolean {
  let at = 0;
  for (const { file, offset, bytes } of lines) {
    if (file !== ours || offset !== at) return false;
    at += bytes;
  }
  return true;
}

async function writeAt(path: string, body: Uint8Array, offset: number): Promise<void> {
  // Neither truncated nor appended to: parts may be written side by side.
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT);
  try {
    await writeAll(file, body, offset);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, body: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < body.byteLength;) {
    const { bytesWritten } = await file.write(body, done, body.byteLength - done, offset + done);
    done += bytesWritten;
  }
}

async function copyPart(path: string, line: Line, whole: FileHandle, at: number): Promise<string> {
  const hash = createHash('sha256');
  const from = await open(path, 'r');
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, Math.max(1, line.bytes)));
  try {
    for (let done = 0; done < line.bytes;) {
      const wanted = Math.min(buffer.byteLength, line.bytes - done);
      const { bytesRead } = await from.read(buffer, 0, wanted, line.offset + done);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      await writeAll(whole, buffer.subarray(0, bytesRead), at + done);
      done += bytesRead;
    }
  } finally {
    await from.close();
  }
  return hash.digest('hex');
}
