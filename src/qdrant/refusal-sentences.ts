// What Qdrant means by an error, where its status does not tell: a full disk and a restart are both a 500. One table for
// REST and gRPC, of Qdrant's own sentences and of the operating system's, read in its source (1.19.0) and provoked on 1.16.3
// and 1.17.0 (test/contract/refusal-sentences.test.ts). The catalogue holds what follows from a code: whether it is tried
// again, waits for an operator, or ends the collection. What the table does not know keeps the meaning of its status.

import type { ErrorCode } from '../model/errors.js';

const SENTENCES: readonly { pattern: RegExp; code: ErrorCode }[] = [
  // Passing. First, for the sentence below it may carry is about the moment.
  { pattern: /Shard temporarily unavailable: /, code: 'QdrantUnavailable' },
  // No waiting helps a request that is larger than the whole allowance.
  { pattern: /request larger than rate limiter capacity/, code: 'StrictModeLimit' },
  { pattern: /Rate limiting exceeded: /, code: 'QdrantThrottled' },
  // 1.19 and newer: a quota of the node, of memory or of its disk.
  { pattern: /Insufficient storage: .*\bmemory\b/i, code: 'QdrantOutOfMemory' },
  { pattern: /Insufficient storage: /, code: 'QdrantDiskFull' },
  { pattern: /No space left on device|Disk quota exceeded|\(os error (28|122)\)/, code: 'QdrantDiskFull' },
  { pattern: /Out of memory, free: |Cannot allocate memory|\(os error 12\)/, code: 'QdrantOutOfMemory' },
  // The official binary (glibc), a static one (musl), and the number that both give.
  {
    pattern: /Too many open files|No file descriptors available|\(os error 2[34]\)/,
    code: 'QdrantOutOfFiles',
  },
  { pattern: /File ?name too long|\(os error 36\)/i, code: 'NameTooLong' },
  { pattern: /Max collections limit reached: \d/, code: 'CollectionLimitReached' },
  // The second one is the message of Qdrant's container image.
  { pattern: /running in recovery mode|killed during initialization/, code: 'QdrantRecoveryMode' },
  { pattern: /Storage locked: |Read-only file system|\(os error 30\)/, code: 'QdrantReadOnly' },
  { pattern: /Strict mode error: |\. Help: /, code: 'StrictModeLimit' },
];

/** Without line breaks, and without what gRPC between two nodes adds. */
export function inOneLine(sentence: string): string {
  return sentence
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll(', details: [], metadata: MetadataMap { headers: {} }', '');
}

/** Says that the answering node does not reach another one, with its address where Qdrant gives it. Empty otherwise. */
export function deadPeerIn(sentence: string): string {
  const dead = /Failed to connect to (https?:\/\/[^\s/,"]+)/.exec(sentence)?.[1];
  if (dead !== undefined) return `The node at ${dead} does not answer the other nodes. `;
  // From a connection that was open when the other one died: without its address.
  return /error trying to connect: tcp connect error/.test(sentence)
    ? 'Another node, which this one needs, does not answer it (see message_send_failures of GET /cluster). '
    : '';
}

/** Undefined for a sentence that is not known. What a caller named (collections, files) is no part of it. */
export function codeOfSentence(sentence: string): ErrorCode | undefined {
  const own = sentence.replace(/`[^`]*`|"[^"]*"/g, '…');
  return SENTENCES.find(({ pattern }) => pattern.test(own))?.code;
}
