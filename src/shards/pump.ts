// How the bytes of a snapshot move, on every route: source → check → receiver. A source is opened at a position and read
// as fast as the receiver takes it (back-pressure); every piece is checked before it goes on; a receiver is an upload
// (upload-stream.ts), a node, a local file, or nobody. Promises:
//   1. A body ends as if whole only after its check has found everything there and right.
//   2. The error of a broken body is the first cause: the source's or the check's, not the receiver's complaint that the
//      body broke off. So the same fault has the same code on every route:
//
//      fault                                  snapshot of a node     object of a store
//      connection broke, server silent        ClusterUnreachable     StoreUnreachable
//      fewer bytes than announced             SnapshotIncomplete     ObjectDamaged
//      no end of archive, length unknown      SnapshotIncomplete     –
//      wrong SHA-256                          SnapshotDamaged        ObjectDamaged (a backup's), SnapshotDamaged
//      corrupt tar, or of another kind        SnapshotDamaged        SnapshotDamaged
//      receiver: full, throttled, refused     StoreFull, StoreThrottled, …: the receiver's own code
//   3. When the caller cancels, that reason is the error. When the receiver fails, the source is closed at once.

import type { Pacer } from '../cluster/pacer.js';

export interface Check {
  /** Sees every byte, in order. Throws as soon as something is wrong. */
  pass(piece: Uint8Array): void;
  /** Throws unless everything has passed. */
  finish(): void;
}

export interface Flow {
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
  check?: Check;
  pacer?: Pacer;
  /** After a piece was checked, before it goes on. */
  onBytes?(bytes: number): void | Promise<void>;
  signal: AbortSignal;
}

export interface Pumped {
  /** No piece is longer than `room` says: so a receiver knows how the check stood at its own borders. */
  body(room?: () => number): AsyncIterable<Uint8Array>;
  /** Ends when the caller cancels, and by `stop`. */
  signal: AbortSignal;
  /** For a receiver that fails while nobody waits for it: ends the source. */
  stop(failure: unknown): void;
}

export async function pump<T>(flow: Flow, receive: (pumped: Pumped) => Promise<T>): Promise<T> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([flow.signal, stopping.signal]);
  let cause: unknown;
  const body: Pumped['body'] = (room) =>
    checkedBytes({ ...flow, signal }, room, (failure) => (cause ??= failure));
  const stop = (failure: unknown) => {
    cause ??= failure;
    stopping.abort(failure);
  };
  try {
    return await receive({ body, signal, stop });
  } catch (error) {
    flow.signal.throwIfAborted();
    throw cause ?? error;
  }
}

/** The bytes alone, for who needs no receiver. `onFailure` hears what source and check throw, not what is thrown at them. */
export async function* checkedBytes(
  { open, check, pacer, onBytes, signal }: Flow,
  room: () => number = () => Infinity,
  onFailure: (failure: unknown) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  let isWithReceiver = false;
  try {
    for await (const chunk of open(signal)) {
      signal.throwIfAborted();
      await pacer?.take(0, chunk.length, signal);
      for (let at = 0; at < chunk.length;) {
        const piece = chunk.subarray(at, at + room());
        at += piece.length;
        check?.pass(piece);
        await onBytes?.(piece.length);
        isWithReceiver = true;
        yield piece;
        isWithReceiver = false;
      }
    }
    signal.throwIfAborted();
    check?.finish();
  } catch (error) {
    if (!isWithReceiver) onFailure(error);
    throw error;
  }
}
