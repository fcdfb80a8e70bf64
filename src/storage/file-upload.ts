// An upload in parts on a disk, in a folder of its own below ".uploads": it survives its process, and a dead one is
// recognised by where it lies. Promises: the object appears whole, and only when all of it is on the disk; a part that was
// written survives the death of the process, and is listed with the SHA-256 it had in memory. Of what was written before the
// machine itself went down nobody knows what reached the disk: such a part is listed only when its bytes still hash to that.
//
//   .uploads/{id}/key          whose upload it is
//   .uploads/{id}/parts.jsonl  one line for each part that arrived: where its bytes lie; the last line of a number counts
//   .uploads/{id}/body-{n}     bytes, one file for each process that opened the upload, so that a dead man's write
//                              that lands late never touches what his successor wrote
//
// 1. putPart: take the next bytes of our body file; write; add the line. The disk is told to keep them meanwhile.
// 2. complete: bytes that lie in our own file in the order of the parts, as they do when one process sent them one after
// the other, only get a name. Otherwise they are written together first, and each part's SHA-256 is checked on that way.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { appendFile, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FerryError } from '../model/errors.js';
import { sha256Of } from './content-hash.js';
import {
  copyBytes,
  fileFailure,
  isErrno,
  makeFolder,
  publish,
  statObject,
  syncFolder,
  writeAll,
  writeDurably,
  type FilePlace,
} from './disk.js';
import type { StoredObject, StoredPart, Upload } from './object-store.js';

const LIST = 'parts.jsonl';

export class FileUpload implements Upload {
  readonly key: string;
  readonly id: string;
  readonly #place: FilePlace;
  readonly #folder: string;
  readonly #body = `body-${randomBytes(6).toString('hex')}`;
  #next = 0;
  #flushing: Promise<void> | undefined;
  #lost: unknown;

  constructor(place: FilePlace, key: string, id: string) {
    this.key = key;
    this.id = id;
    this.#place = place;
    this.#folder = join(place.uploads, id);
  }

  async parts(): Promise<StoredPart[]> {
    return (await this.#asking(() => listPlaced(this.#folder))).map(stored);
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
    const part = { number, bytes: body.byteLength, sha256: hash, file: this.#body, offset };
    await this.#asking(async () => {
      this.#throwLost();
      await writePart(this.#folder, part, body);
      this.#flushing ??= this.#flush();
    });
    return stored(part);
  }

  async complete(parts: readonly StoredPart[], options?: { ifAbsent?: boolean }): Promise<StoredObject> {
    return this.#asking(async () => {
      await this.#flushing;
      this.#throwLost();
      if (!(await this.#stands())) {
        const finished = await this.#together(this.#chosen(parts, await listPlaced(this.#folder)));
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

  #chosen(parts: readonly StoredPart[], placed: readonly PlacedPart[]): PlacedPart[] {
    if (parts.length === 0) throw this.#failure('StoreRejected', 'An upload needs at least one part');
    const known = new Map(placed.map((part) => [part.number, part]));
    return parts.map(({ number, sha256 }) => {
      const part = known.get(number);
      if (part?.sha256 === sha256) return part;
      throw this.#failure('StoreRejected', `Part ${number} is not the one that arrived`);
    });
  }

  /** The path of a file that holds exactly these parts in this order, on the disk. */
  async #together(parts: readonly PlacedPart[]): Promise<string> {
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    const path = inOrder(parts, this.#body) ? join(this.#folder, this.#body) : await this.#joined(parts);
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

  async #joined(parts: readonly PlacedPart[]): Promise<string> {
    const path = join(this.#folder, `whole-${randomBytes(6).toString('hex')}`);
    const damaged = await joinParts(this.#folder, parts, path);
    if (damaged !== undefined) throw this.#damaged(`Part ${damaged} was damaged on the disk`);
    return path;
  }

  async #name(finished: string, onlyIfAbsent: boolean): Promise<void> {
    try {
      await publish(finished, this.#place.pathOf(this.key), onlyIfAbsent);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
      throw this.#failure('ObjectExists', 'Another object has this key');
    }
  }

  /** Whether an attempt that died before it could say so has named one of our files already. */
  async #stands(): Promise<boolean> {
    const there = await stat(this.#place.pathOf(this.key)).catch(() => undefined);
    const names = there === undefined ? [] : await readdir(this.#folder);
    const ours = await Promise.all(names.map((name) => stat(join(this.#folder, name))));
    return ours.some(({ ino, dev }) => ino === there?.ino && dev === there.dev);
  }

  /** Beside the work, so that there is little left to do at the end. */
  async #flush(): Promise<void> {
    try {
      const file = await open(join(this.#folder, this.#body), 'r+');
      await file.datasync().finally(() => file.close());
    } catch (error) {
      // A disk tells of a failed write once only, and then calls it written.
      if (!isErrno(error, 'ENOENT')) this.#lost = error;
    }
    this.#flushing = undefined;
  }

  #throwLost(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  async #remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
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

function stored({ number, bytes, sha256 }: Omit<PlacedPart, 'boot'>): StoredPart {
  return { number, bytes, sha256, etag: sha256 };
}

function inOrder(parts: readonly PlacedPart[], ours: string): boolean {
  let at = 0;
  for (const { file, offset, bytes } of parts) {
    if (file !== ours || offset !== at) return false;
    at += bytes;
  }
  return true;
}

interface PlacedPart {
  number: number;
  bytes: number;
  sha256: string;
  /** In the folder of the upload. */
  file: string;
  offset: number;
  /** The run of the machine in which it was written; empty where that cannot be known. */
  boot: string;
}

async function listPlaced(folder: string): Promise<PlacedPart[]> {
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

async function writePart(folder: string, part: Omit<PlacedPart, 'boot'>, body: Uint8Array): Promise<void> {
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
async function joinParts(
  folder: string,
  parts: readonly PlacedPart[],
  path: string,
): Promise<number | undefined> {
  const whole = await open(path, 'wx');
  try {
    let at = 0;
    for (const part of parts) {
      if (
        (await copyBytes(join(folder, part.file), part, (piece, done) =>
          writeAll(whole, piece, at + done),
        )) !== part.sha256
      )
        return part.number;
      at += part.bytes;
    }
    return undefined;
  } finally {
    await whole.close();
  }
}

async function isIntact(folder: string, part: PlacedPart): Promise<boolean> {
  const hash = await copyBytes(join(folder, part.file), part, () => Promise.resolve()).catch(
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return '';
      throw error;
    },
  );
  return hash === part.sha256;
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
