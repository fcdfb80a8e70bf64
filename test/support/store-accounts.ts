// Users of a gateway who may do what a policy of docs/permissions.md says, and nothing else.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { findBinary } from '../../src/local/binaries.js';
import type { S3Gateway } from '../../src/local/index.js';

export interface Statement {
  Effect: string;
  Action: string[];
  Resource: string;
}

const PERMISSIONS = join(import.meta.dirname, '../../docs/permissions.md');

/** The policy under that heading of the document, for a bucket and a prefix. */
export function policyUnder(heading: string, bucket: string, prefix: string): Statement[] {
  const text = readFileSync(PERMISSIONS, 'utf8');
  const section = text.slice(text.indexOf(`### ${heading}\n`));
  const [, json] = /```json\n(.*?)```/s.exec(section) ?? [];
  if (json === undefined) throw new Error(`no policy under "${heading}"`);
  const meant = json.replaceAll('BUCKET', bucket).replaceAll('PREFIX', prefix);
  return (JSON.parse(meant) as { Statement: Statement[] }).Statement;
}

export function without(policy: Statement[], ...actions: string[]): Statement[] {
  const kept = (one: Statement) => one.Action.filter((action) => !actions.includes(action));
  return policy.map((one) => ({ ...one, Action: kept(one) })).filter(({ Action }) => Action.length > 0);
}

export async function addUser(gateway: S3Gateway, access: string, secret: string): Promise<void> {
  const { endpoint, region, accessKeyId, secretAccessKey } = gateway;
  const admin = ['--access', accessKeyId, '--secret', secretAccessKey, '--endpoint-url', endpoint];
  const user = ['create-user', '--access', access, '--secret', secret, '--role', 'user'];
  await promisify(execFile)(await findBinary('versitygw'), ['admin', ...admin, '--region', region, ...user]);
}

/** From now on the users may do this, and nothing else. */
export async function allow(gateway: S3Gateway, rights: Record<string, Statement[]>): Promise<void> {
  const { bucket, endpoint, region, accessKeyId, secretAccessKey } = gateway;
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  });
  const Statement = Object.entries(rights).flatMap(([user, policy]) =>
    policy.map((one) => ({ ...one, Principal: { AWS: [user] } })),
  );
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  client.destroy();
}
