// A webhook as a user would have one: a real HTTP server that takes what a notifier sends.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Notification } from '../../src/model/contracts/health-activities.js';

export interface Webhook {
  url: string;
  secret: string;
  /** In the order in which they came. */
  taken: Notification[];
  stop(): Promise<void>;
}

export async function startWebhook(): Promise<Webhook> {
  const taken: Notification[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      taken.push(JSON.parse(Buffer.concat(chunks).toString()) as Notification);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/ferry`,
    secret: `whsec_${randomBytes(32).toString('base64')}`,
    taken,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
