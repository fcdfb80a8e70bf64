import { expect, test } from 'vitest';
import { FerryError } from '../../src/model/errors.js';
import {
  can,
  canReadSnapshot,
  captureModeFor,
  captureNotes,
  isAtLeast,
  recoveryWay,
  requireNotOlder,
  requireReadable,
} from '../../src/model/qdrant-version.js';

test('compares versions by their numbers', () => {
  expect(isAtLeast('1.16.3', '1.16.0')).toBe(true);
  expect(isAtLeast('1.9.9', '1.16.0')).toBe(false);
  expect(isAtLeast('2.0.0-dev', '1.16.0')).toBe(true);
});

test('knows since which version Qdrant has a capability', () => {
  expect(can('1.15.5', 'metadata')).toBe(false);
  expect(can('1.16.0', 'metadata')).toBe(true);
  expect(can('1.18.1', 'endsUnreadStreams')).toBe(false);
  expect(can('1.20.0', 'endsUnreadStreams')).toBe(true);
});

test('streams a shard only from a Qdrant that a stalled reader does not block, and warns of another choice', () => {
  expect(captureModeFor('1.16.3')).toBe('stored');
  expect(captureModeFor('1.17.0')).toBe('stream');
  expect(captureNotes('stream', '1.17.0')).toEqual([]);
  expect(captureNotes('stored', '1.16.3')).toEqual([]);
  expect(captureNotes('stream', '1.16.3')).toEqual([
    expect.stringContaining('the node blocks (fixed in 1.17.0)'),
  ]);
});

test('pushes onto a Qdrant before 1.17 unless requested otherwise', () => {
  expect(recoveryWay('1.16.3', 'auto')).toBe('push');
  expect(recoveryWay('1.16.3', 'pull')).toBe('pull');
  expect(recoveryWay('1.17.0', 'auto')).toBe('auto');
});

test('lets a snapshot be read by the same minor version and by the next', () => {
  expect(canReadSnapshot('1.16.3', '1.16.0')).toBe(true);
  expect(canReadSnapshot('1.16.3', '1.17.0')).toBe(true);
  expect(canReadSnapshot('1.16.3', '1.18.0')).toBe(false);
  expect(canReadSnapshot('1.17.0', '1.16.3')).toBe(false);
  expect(canReadSnapshot('1.17.0', '2.17.0')).toBe(false);
  expect(canReadSnapshot('unknown', '1.17.0')).toBe(false);
});

test('refuses a version that cannot read the snapshot with VersionUnfit', () => {
  const code = (work: () => void) => {
    try {
      work();
      return undefined;
    } catch (error) {
      return error instanceof FerryError ? error.code : error;
    }
  };
  expect(code(() => requireReadable('1.15.5', '1.17.0', 'target'))).toBe('VersionUnfit');
  expect(code(() => requireReadable('1.16.3', '1.17.0', 'target'))).toBeUndefined();
  expect(code(() => requireNotOlder('1.17.0', '1.16.3', 'target'))).toBe('VersionUnfit');
  expect(code(() => requireNotOlder('1.17.1', '1.17.0', 'target'))).toBeUndefined();
  expect(code(() => requireNotOlder('1.17.0', '2.0.0', 'target'))).toBeUndefined();
});
