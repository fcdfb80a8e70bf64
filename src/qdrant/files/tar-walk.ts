// The entries of a tar that lies in a file: their names and where their bytes are, without reading those bytes. Promises
// that what it walked to the end is whole: every entry as long as it says, and the empty blocks behind the last one.
// Asks for windows that grow while it reads on, and starts small again behind what it jumps over, so that a large snapshot
// costs a few small requests.

import { FerryError } from '../../model/errors.js';
import { BLOCK, hasMoreHoles, isHeader, nameIn, padded, paxRecords, sizeIn, typeIn } from './tar-headers.js';

/** Bytes that can be asked for from anywhere; `read` gives exactly that range or throws. */
export interface ByteFile {
  name: string;
  bytes: number;
  read(from: number, to: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface TarEntry {
  /** Without "./" before it. */
  name: string;
  /** A file, with holes or without. */
  isFile: boolean;
  hasHoles: boolean;
  /** Of its first header, a long name's included. */
  at: number;
  header: Buffer;
  /** Of what is behind the header: GNU's list of holes, then the bytes. */
  bodyAt: number;
  dataAt: number;
  bytes: number;
  /** Where the next entry begins. */
  end: number;
}

const SMALL_WINDOW = 64 * 1024;
const LARGE_WINDOW = 4 * 1024 ** 2;
/** Names and pax records; nobody's is longer. */
const LONGEST_NAME = 1024 ** 2;

export interface WalkOptions {
  /** Qdrant writes no empty blocks behind a segment that it packs into a snapshot. */
  mayLackEnd?: boolean;
}

export async function* walkTar(
  file: ByteFile,
  signal: AbortSignal,
  { mayLackEnd = false }: WalkOptions = {},
): AsyncGenerator<TarEntry> {
  const window = new FileWindow(file, signal);
  let named: Partial<Named> = {};
  let first: number | undefined;
  for (let at = 0; ;) {
    if (mayLackEnd && first === undefined && at === file.bytes) return;
    const block = await window.take(at, BLOCK);
    if (isEmpty(block)) {
      if (first !== undefined || !isEmpty(await window.take(at + BLOCK, BLOCK))) throw noArchive(file, at);
      return;
    }
    if (!isHeader(block)) throw noArchive(file, at);
    first ??= at;
    const type = typeIn(block);
    if (NAMES_NEXT.includes(type)) {
      const bytes = sizeIn(block);
      if (bytes > LONGEST_NAME) throw noArchive(file, at);
      named = { ...named, ...namedBy(type, await window.take(at + BLOCK, bytes), file) };
      at += BLOCK + padded(bytes);
      continue;
    }
    const entry = await entryAt(window, { at, first, block, named });
    if (entry.end > file.bytes) throw cutShort(file);
    yield entry;
    [named, first, at] = [{}, undefined, entry.end];
  }
}

/** "L" and "K": GNU's long name and long link; "x" and "g": pax. */
const NAMES_NEXT = ['L', 'K', 'x', 'g'];

interface Named {
  name: string;
  bytes: number;
}

function namedBy(type: string, body: Buffer, file: ByteFile): Partial<Named> {
  if (type === 'L') return { name: body.toString('utf8').replace(/\0+$/, '') };
  if (type !== 'x') return {};
  const records = paxRecords(body);
  if ([...records.keys()].some((key) => key.startsWith('GNU.sparse'))) {
    throw unreadable(file, 'was repacked as a sparse pax archive, which is not supported');
  }
  const [name, size] = [records.get('path'), records.get('size')];
  return { ...(name === undefined ? {} : { name }), ...(size === undefined ? {} : { bytes: Number(size) }) };
}

async function entryAt(
  window: FileWindow,
  found: { at: number; first: number; block: Buffer; named: Partial<Named> },
): Promise<TarEntry> {
  const { at, first, block, named } = found;
  const bodyAt = at + BLOCK;
  let dataAt = bodyAt;
  for (let more = hasMoreHoles(block, true); more; dataAt += BLOCK) {
    more = hasMoreHoles(await window.take(dataAt, BLOCK), false);
  }
  const bytes = named.bytes ?? sizeIn(block);
  const type = typeIn(block);
  return {
    name: (named.name ?? nameIn(block)).replace(/^(\.\/)+/, ''),
    isFile: ['0', '7', 'S'].includes(type),
    hasHoles: type === 'S',
    ...{ at: first, header: Buffer.from(block), bodyAt, dataAt, bytes, end: dataAt + padded(bytes) },
  };
}

class FileWindow {
  readonly #file: ByteFile;
  readonly #signal: AbortSignal;
  #at = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #width = SMALL_WINDOW;

  constructor(file: ByteFile, signal: AbortSignal) {
    this.#file = file;
    this.#signal = signal;
  }

  /** The same buffer for a while: copy what is kept. */
  async take(at: number, length: number): Promise<Buffer> {
    if (at + length > this.#file.bytes) throw cutShort(this.#file);
    if (at < this.#at || at + length > this.#at + this.#bytes.length) await this.#move(at, length);
    return this.#bytes.subarray(at - this.#at, at - this.#at + length);
  }

  async #move(at: number, length: number): Promise<void> {
    const isNext = at <= this.#at + this.#bytes.length;
    this.#width = isNext ? Math.min(this.#width * 2, LARGE_WINDOW) : SMALL_WINDOW;
    const to = Math.min(this.#file.bytes, at + Math.max(length, this.#width));
    this.#bytes = await readAll(this.#file, at, to, this.#signal);
    this.#at = at;
  }
}

export async function readAll(
  file: ByteFile,
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  if (to > from) for await (const chunk of file.read(from, to, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function isEmpty(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function noArchive(file: ByteFile, at: number): FerryError {
  if (at === 0) return unreadable(file, 'is not a tar archive');
  return unreadable(file, `has a corrupt tar header at byte ${at}`);
}

function cutShort(file: ByteFile): FerryError {
  // an error page that was saved under the name of a snapshot
  if (file.bytes < 2 * BLOCK) return noArchive(file, 0);
  return unreadable(file, `is truncated: it ends after ${file.bytes} bytes, before the end of its archive`);
}

export function unreadable(file: Pick<ByteFile, 'name'>, what: string): FerryError {
  return new FerryError('SnapshotUnreadable', `"${file.name}" ${what}`, { context: { file: file.name } });
}
