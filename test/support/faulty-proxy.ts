// An HTTP proxy in front of a store or a Qdrant that does wrong what networks and servers do wrong. A plan is asked for every request
// and says what shall happen to it; nothing happens to the others.

import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';

export type Fault =
  /** An answer of the store's own making; the request never arrives. */
  | { answer: 500 | 503 | 403 }
  /** The same, with the store's own word for it; HEAD hears the status alone. */
  | { refuse: string; status: number }
  /** The connection is cut when so many bytes of the request have passed. */
  | { cutRequestAt: number }
  /** The connection is cut when so many bytes of the answer's body have passed. */
  | { cutAnswerAt: number }
  /** The answer ends as if it were whole when so many bytes of its body have passed. */
  | { endAnswerAt: number }
  /** Qdrant's "done", and nothing was done: the request never arrives. */
  | { pretend: true }
  /** The store does it, and nobody hears of it. */
  | { loseAnswer: true }
  /** One bit of the request's body at this byte is another one. */
  | { flipBitAt: number }
  /** Whatever is there lies in an archive tier, and this is what `x-amz-restore` says of it. */
  | { archived: string }
  | { bytesPerSecond: number }
  /** The request waits for it before it passes. */
  | { until: Promise<unknown> };

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
}

export interface FaultyProxy {
  endpoint: string;
  /** Behind it. */
  target: string;
  /** What was asked, in order. */
  seen: Seen[];
  /** How many requests the plan did harm to. */
  faults: number;
  plan: (request: Seen) => Fault | undefined;
  end(): Promise<void>;
}

const ANSWERS = { 500: 'InternalError', 503: 'SlowDown', 403: 'AccessDenied' } as const;

export async function faultyProxy(target: string): Promise<FaultyProxy> {
  const server = createServer((question, answer) => {
    const seen = { method: question.method ?? '', url: question.url ?? '', headers: question.headers };
    proxy.seen.push(seen);
    const fault = proxy.plan(seen);
    if (fault !== undefined) proxy.faults += 1;
    pass(proxy.target, question, answer, fault).catch(() => cut(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    seen: [],
    faults: 0,
    plan: () => undefined,
    end: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** A plan that does harm to the first `times` requests that `which` picks. */
export function firstTimes(
  times: number,
  which: (request: Seen) => boolean,
  fault: Fault,
): FaultyProxy['plan'] {
  let left = times;
  return (request) => (which(request) && left-- > 0 ? fault : undefined);
}

async function pass(
  target: string,
  question: IncomingMessage,
  answer: ServerResponse,
  fault: Fault = { bytesPerSecond: Infinity },
): Promise<void> {
  if ('answer' in fault) return refuse(question, answer, fault.answer, ANSWERS[fault.answer]);
  if ('refuse' in fault) return refuse(question, answer, fault.status, fault.refuse);
  if ('pretend' in fault) return pretend(question, answer);
  if ('until' in fault) await fault.until;
  const passed = await forward(target, question, fault);
  if ('loseAnswer' in fault) {
    passed.resume();
    return cut(answer);
  }
  if ('archived' in fault) return inArchive(passed, answer, fault.archived);
  answer.writeHead(passed.statusCode ?? 500, passed.headers);
  if ('endAnswerAt' in fault) return endEarly(passed, answer, fault.endAnswerAt);
  await pipeline(passed, ...onTheWay(fault, 'cutAnswerAt' in fault ? fault.cutAnswerAt : Infinity), answer);
}

function forward(target: string, question: IncomingMessage, fault: Fault): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method, url, headers } = question;
    const onward = send(`${target}${url}`, { method, headers, agent: false }, resolve);
    onward.once('error', reject);
    const cutAt = 'cutRequestAt' in fault ? fault.cutRequestAt : Infinity;
    pipeline(question, ...onTheWay(fault, cutAt), onward).catch((error: unknown) => {
      onward.destroy();
      reject(error as Error);
    });
  });
}

/** What happens to a body. */
function onTheWay(fault: Fault, cutAt: number): [Transform] {
  let passed = 0;
  const transform = async (chunk: Buffer): Promise<Buffer> => {
    const from = passed;
    passed += chunk.byteLength;
    if (passed > cutAt) throw new Error('cut');
    if ('bytesPerSecond' in fault && fault.bytesPerSecond < Infinity) {
      await pause((chunk.byteLength / fault.bytesPerSecond) * 1_000);
    }
    if ('flipBitAt' in fault && fault.flipBitAt >= from && fault.flipBitAt < passed) {
      const damaged = Buffer.from(chunk);
      damaged[fault.flipBitAt - from]! ^= 1;
      return damaged;
    }
    return chunk;
  };
  return [
    new Transform({
      transform: (chunk: Buffer, _encoding, done) =>
        void transform(chunk).then(
          (changed) => done(null, changed),
          (error: Error) => done(error),
        ),
    }),
  ];
}

async function refuse(
  question: IncomingMessage,
  answer: ServerResponse,
  status: number,
  code: string,
): Promise<void> {
  question.resume();
  await new Promise((resolve) => question.once('end', resolve));
  answer.writeHead(status, { 'content-type': 'application/xml' });
  answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>planned</Message></Error>`);
}

async function pretend(question: IncomingMessage, answer: ServerResponse): Promise<void> {
  question.resume();
  await new Promise((resolve) => question.once('end', resolve));
  answer.writeHead(200, { 'content-type': 'application/json' });
  answer.end('{"result":true,"status":"ok","time":0.01}');
}

async function inArchive(passed: IncomingMessage, answer: ServerResponse, restore: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of passed as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString().replaceAll('>STANDARD<', '>GLACIER<');
  const said = { 'x-amz-storage-class': 'GLACIER', ...(restore === '' ? {} : { 'x-amz-restore': restore }) };
  const length = text === '' ? {} : { 'content-length': String(Buffer.byteLength(text)) };
  answer.writeHead(passed.statusCode ?? 500, { ...passed.headers, ...said, ...length });
  answer.end(text);
}

async function endEarly(passed: IncomingMessage, answer: ServerResponse, at: number): Promise<void> {
  let left = at;
  for await (const chunk of passed as AsyncIterable<Buffer>) {
    answer.write(chunk.subarray(0, left));
    left -= chunk.byteLength;
    if (left <= 0) break;
  }
  answer.end();
}

function cut(answer: ServerResponse): void {
  answer.socket?.destroy();
}
