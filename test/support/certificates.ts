// An authority and certificates of it for this machine, made by openssl.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Writes `{name}.crt` and `{name}.key`. */
export async function makeAuthority(folder: string, name: string): Promise<void> {
  const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
  const subject = ['-days', '2', '-subj', `/CN=${name}`];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject]);
}

/** The same, signed by that authority, for a server at 127.0.0.1 or a client. */
export async function makeCertificate(folder: string, authority: string, name: string): Promise<void> {
  const at = (file: string) => join(folder, file);
  await writeFile(at('san'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', at(`${name}.key`)];
  await run('openssl', ['req', ...key, '-out', at(`${name}.csr`), '-subj', `/CN=${name}`]);
  const signer = ['-CA', at(`${authority}.crt`), '-CAkey', at(`${authority}.key`), '-CAcreateserial'];
  const signed = ['-extfile', at('san'), '-days', '2', '-out', at(`${name}.crt`)];
  await run('openssl', ['x509', '-req', '-in', at(`${name}.csr`), ...signer, ...signed]);
}
