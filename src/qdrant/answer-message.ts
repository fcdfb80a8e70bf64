// The one message of a gRPC answer, put together from chunks as they come, in one buffer of its size. Promises: a
// message that is too large, compressed, or not whole is an error, never a shorter message.

import { Code, ConnectError } from '@connectrpc/connect';

export const FRAME_HEADER_BYTES = 5;

export class AnswerMessage {
  readonly #maxBytes: number;
  readonly #take: (bytes: number) => Uint8Array;
  #header: Buffer = Buffer.alloc(0);
  #message: Uint8Array | undefined;
  #filled = 0;

  constructor(maxBytes: number, take: (bytes: number) => Uint8Array) {
    this.#maxBytes = maxBytes;
    this.#take = take;
  }

  add(chunk: Buffer): void {
    let rest = chunk;
    if (this.#message === undefined) {
      const known = this.#header.length;
      this.#header = Buffer.concat([this.#header, chunk.subarray(0, FRAME_HEADER_BYTES - known)]);
      if (this.#header.length < FRAME_HEADER_BYTES) return;
      this.#message = this.#allocate();
      rest = chunk.subarray(FRAME_HEADER_BYTES - known);
    }
    if (this.#filled + rest.length > this.#message.length) throw broken('more than one message');
    this.#message.set(rest, this.#filled);
    this.#filled += rest.length;
  }

  whole(): Uint8Array {
    if (this.#message === undefined || this.#filled < this.#message.length)
      throw broken('not a whole message');
    return this.#message;
  }

  #allocate(): Uint8Array {
    if (this.#header[0] !== 0) throw broken('a compressed message');
    const length = this.#header.readUInt32BE(1);
    if (length > this.#maxBytes) {
      throw new ConnectError(
        `the answer has ${length} bytes, ${this.#maxBytes} are let in`,
        Code.ResourceExhausted,
      );
    }
    return this.#take(length);
  }
}

function broken(what: string): ConnectError {
  return new ConnectError(`the answer is ${what}`, Code.Internal);
}
