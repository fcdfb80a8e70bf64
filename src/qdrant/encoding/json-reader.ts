// A cursor over JSON text that stays where it is, as the bytes that Qdrant sent. Promises: every read is bounds-checked,
// broken text throws, and no number is parsed unless asked for. Why not a parser: a number of 64 bits must keep its
// digits, and objects for each of them cost more than reading the point over gRPC.

import { FerryError } from '../../model/errors.js';

export const QUOTE = 0x22;
export const OBJECT_START = 0x7b;
export const LIST_START = 0x5b;
const OBJECT_END = 0x7d;
const LIST_END = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

export class JsonReader {
  readonly bytes: Buffer;
  at: number;
  readonly #end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  /** The first byte of what comes next; does not move over it. */
  peek(): number {
    for (; this.at < this.#end; this.at++) {
      const byte = this.bytes[this.at] as number;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
    }
    throw broken('it ends too early');
  }

  /** Calls `entry` with the cursor before each value, which it has to read or to skip. */
  object(entry: (key: Buffer) => void): void {
    this.#expect(OBJECT_START);
    if (this.#took(OBJECT_END)) return;
    do {
      const key = this.stringBytes();
      this.#expect(COLON);
      entry(key);
    } while (this.#took(COMMA));
    this.#expect(OBJECT_END);
  }

  /** Calls `item` with the cursor before each value, which it has to read or to skip. Returns how many there were. */
  list(item: () => void): number {
    this.#expect(LIST_START);
    if (this.#took(LIST_END)) return 0;
    let count = 0;
    do {
      item();
      count += 1;
    } while (this.#took(COMMA));
    this.#expect(LIST_END);
    return count;
  }

  /** A string as UTF-8: a view of the text where nothing in it is escaped. */
  stringBytes(): Buffer {
    const start = this.at + (this.peek() === QUOTE ? 1 : 0);
    const isEscaped = this.#skipString();
    const content = this.bytes.subarray(start, this.at - 1);
    return isEscaped ? Buffer.from(JSON.parse(`"${content.toString()}"`) as string) : content;
  }

  /** A number's digits, or `true`, `false`, `null`. */
  word(): string {
    this.peek();
    const start = this.at;
    this.#skipWord();
    return this.bytes.toString('latin1', start, this.at);
  }

  /** Moves over one value of any kind. */
  skip(): void {
    let depth = 0;
    do {
      const byte = this.peek();
      if (byte === QUOTE) this.#skipString();
      else if (byte === OBJECT_START || byte === LIST_START) {
        depth += 1;
        this.at += 1;
      } else if (byte === OBJECT_END || byte === LIST_END) {
        depth -= 1;
        this.at += 1;
      } else if (byte === COMMA || byte === COLON) this.at += 1;
      else this.#skipWord();
    } while (depth > 0);
  }

  /** The text of the next value. */
  raw(): Buffer {
    this.peek();
    const start = this.at;
    this.skip();
    return this.bytes.subarray(start, this.at);
  }

  #skipWord(): void {
    const start = this.at;
    while (this.at < this.#end && isOfWord(this.bytes[this.at] as number)) this.at += 1;
    if (this.at === start) throw broken(`byte ${this.bytes[start]} at ${start}`);
  }

  /** True where something in it is escaped. */
  #skipString(): boolean {
    this.#expect(QUOTE);
    let isEscaped = false;
    for (; this.at < this.#end; this.at++) {
      const byte = this.bytes[this.at];
      if (byte === BACKSLASH) {
        isEscaped = true;
        this.at += 1;
      } else if (byte === QUOTE) {
        this.at += 1;
        return isEscaped;
      }
    }
    throw broken('a string that does not end');
  }

  #took(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at += 1;
    return true;
  }

  #expect(byte: number): void {
    if (this.#took(byte)) return;
    throw broken(`byte ${this.bytes[this.at]} at ${this.at} where "${String.fromCharCode(byte)}" belongs`);
  }
}

/** Letters, digits, signs and the point. */
function isOfWord(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2e ||
    byte === MINUS ||
    byte === 0x2b ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x45
  );
}

function broken(what: string): FerryError {
  return new FerryError('QdrantUnavailable', `Qdrant's answer is not complete JSON: ${what}`);
}

/** Where the numbers of a JSON text stand. */
export function* numbersIn(text: Buffer): Generator<{ start: number; end: number }> {
  for (let at = 0; at < text.length;) {
    const byte = text[at] as number;
    if (byte === QUOTE) at = afterString(text, at);
    else if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) {
      const start = at;
      while (at < text.length && isOfNumber(text[at] as number)) at += 1;
      yield { start, end: at };
    } else at += 1;
  }
}

function afterString(text: Buffer, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function isOfNumber(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || [0x2e, 0x2d, 0x2b, 0x65, 0x45].includes(byte);
}
