// Sends parts 1 to N of 5 MiB, says so, and then part N + 1 again and again, never whole, until it is killed.

import { createHash } from 'node:crypto';
import { openStore } from '../../dist/storage/open-store.js';

const [key, parts] = process.argv.slice(2);
const store = openStore(JSON.parse(process.env.STORE));
const upload = await store.upload(key);
process.stdout.write(`id ${upload.id}\n`);
for (let number = 1; number <= Number(parts); number += 1) await upload.putPart(number, made(number));
process.stdout.write(`sent ${parts}\n`);
setInterval(() => undefined, 1_000);

/** As in object-stores.ts. */
function made(seed) {
  const body = Buffer.alloc(5 * 1024 ** 2, createHash('sha512').update(`${seed}`).digest());
  body.writeBigUInt64LE(BigInt(seed));
  return body;
}
