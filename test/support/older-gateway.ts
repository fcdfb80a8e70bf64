// A gateway of an older kind, made of a real one: it knows no conditional writes and no checksums. It either refuses a
// request that asks for them, as some do, or does as if it had not heard, as others do; then the request is signed anew,
// for the signature covers what was taken away.

import { createHash, createHmac } from 'node:crypto';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { S3Gateway } from '../../src/local/index.js';

export type Manner = 'refuses' | 'ignores';

export interface OlderGateway {
  endpoint: string;
  /** Requests that asked for what it does not know. */
  asked: string[];
  end(): Promise<void>;
}

type Headers = Record<string, string>;

const UNKNOWN = /^(if-none-match|if-match|x-amz-(sdk-)?checksum-.*)$/;

export async function olderGateway(gateway: S3Gateway, manner: Manner): Promise<OlderGateway> {
  const asked: string[] = [];
  const server = createServer((question, answer) => {
    const headers = plain(question);
    const isWrite = question.method === 'PUT' || question.method === 'POST';
    const unknown = isWrite ? Object.keys(headers).filter((name) => UNKNOWN.test(name)) : [];
    if (unknown.length > 0) asked.push(`${question.method} ${question.url}: ${unknown.join(', ')}`);
    if (unknown.length > 0 && manner === 'refuses') return refuse(question, answer);
    const onward = unknown.length === 0 ? headers : signedAnew(gateway, question, omit(headers, unknown));
    pass(gateway.endpoint, question, answer, onward).catch(() => answer.socket?.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    end: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pass(
  target: string,
  question: IncomingMessage,
  answer: ServerResponse,
  headers: Headers,
): Promise<void> {
  const passed = await new Promise<IncomingMessage>((resolve, reject) => {
    const onward = send(
      `${target}${question.url}`,
      { method: question.method, headers, agent: false },
      resolve,
    );
    onward.once('error', reject);
    pipeline(question, onward).catch(reject);
  });
  answer.writeHead(passed.statusCode ?? 500, passed.headers);
  await pipeline(passed, answer);
}

function refuse(question: IncomingMessage, answer: ServerResponse): void {
  question.resume().once('end', () => {
    answer.writeHead(501, { 'content-type': 'application/xml' });
    answer.end('<?xml version="1.0"?><Error><Code>NotImplemented</Code><Message>older</Message></Error>');
  });
}

/** Signature Version 4, with the body left out of it. */
function signedAnew(gateway: S3Gateway, question: IncomingMessage, given: Headers): Headers {
  const headers: Headers = { ...given, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
  const time = headers['x-amz-date'] ?? '';
  const names = Object.keys(headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  const signed = names.sort().join(';');
  const [path = '', query = ''] = (question.url ?? '').split('?');
  const pairs = query.split('&').map((pair) => (pair.includes('=') || pair === '' ? pair : `${pair}=`));
  const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
  const canonical = [question.method, path, pairs.sort().join('&'), lines, signed, 'UNSIGNED-PAYLOAD'].join(
    '\n',
  );
  const scope = `${time.slice(0, 8)}/${gateway.region}/s3/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', time, scope, hash].join('\n');
  const key = scope
    .split('/')
    .reduce<Buffer | string>((last, word) => hmac(last, word), `AWS4${gateway.secretAccessKey}`);
  const signature = hmac(key, text).toString('hex');
  const credential = `Credential=${gateway.accessKeyId}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${signed}, Signature=${signature}`;
  return { ...headers, authorization };
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function plain({ headers }: IncomingMessage): Headers {
  const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  return Object.fromEntries(pairs) as Headers;
}

function omit(headers: Headers, names: string[]): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
