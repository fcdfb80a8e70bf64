// Map entries of one message (and of the messages around it) as offsets, sorted by the bytes of their keys, without an
// object for each: gRPC maps come in no stable order, and every payload and every set of named vectors is one.

import { unknownField, WireReader } from './wire.js';

/** Four numbers an entry: start and end of the key, start and end of the value. */
const WIDTH = 4;

export class EntryStack {
  #offsets = new Int32Array(1_024);
  #top = 0;

  /** Remember where the entries of a map begin; give it back to `release`. */
  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
  }

  countSince(mark: number): number {
    return (this.#top - mark) / WIDTH;
  }

  at(position: number): number {
    return this.#offsets[position] as number;
  }

  push(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    if (this.#top + WIDTH > this.#offsets.length) this.#grow();
    const at = this.#top;
    this.#offsets[at] = keyStart;
    this.#offsets[at + 1] = keyEnd;
    this.#offsets[at + 2] = valueStart;
    this.#offsets[at + 3] = valueEnd;
    this.#top = at + WIDTH;
  }

  /** A protobuf map entry: key 1, value 2; what is absent is empty. */
  pushEntry(bytes: Uint8Array, start: number, end: number): void {
    const reader = new WireReader(bytes, start, end);
    let keyStart = 0;
    let keyEnd = 0;
    let valueStart = 0;
    let valueEnd = 0;
    while (reader.next()) {
      if (reader.field === 1) {
        keyStart = reader.start;
        keyEnd = reader.end;
      } else if (reader.field === 2) {
        valueStart = reader.start;
        valueEnd = reader.end;
      } else throw unknownField('MapEntry', reader);
    }
    this.push(keyStart, keyEnd, valueStart, valueEnd);
  }

  /** Sorts the entries since `mark` by key. Few entries are the rule, so by insertion; many by the engine's sort. */
  sort(bytes: Uint8Array, mark: number): void {
    if (this.countSince(mark) > 48) return this.#sortMany(bytes, mark);
    for (let i = mark + WIDTH; i < this.#top; i += WIDTH) {
      for (let j = i; j > mark && this.#isBefore(bytes, j, j - WIDTH); j -= WIDTH) this.#swap(j, j - WIDTH);
    }
  }

  #isBefore(bytes: Uint8Array, a: number, b: number): boolean {
    return compareBytes(bytes, this.at(a), this.at(a + 1), bytes, this.at(b), this.at(b + 1)) < 0;
  }

  #swap(a: number, b: number): void {
    const offsets = this.#offsets;
    for (let i = 0; i < WIDTH; i++) {
      const kept = offsets[a + i] as number;
      offsets[a + i] = offsets[b + i] as number;
      offsets[b + i] = kept;
    }
  }

  #sortMany(bytes: Uint8Array, mark: number): void {
    const entries: number[][] = [];
    for (let at = mark; at < this.#top; at += WIDTH)
      entries.push([...this.#offsets.subarray(at, at + WIDTH)]);
    entries.sort((a, b) => compareBytes(bytes, a[0]!, a[1]!, bytes, b[0]!, b[1]!));
    entries.forEach((entry, i) => this.#offsets.set(entry, mark + i * WIDTH));
  }

  #grow(): void {
    const larger = new Int32Array(this.#offsets.length * 2);
    larger.set(this.#offsets);
    this.#offsets = larger;
  }
}

/** Order of unsigned bytes; a prefix comes first. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const shared = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < shared; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
