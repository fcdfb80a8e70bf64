import { describe, expect, it } from 'vitest';
import {
  parseInput,
  scrollMigrationSchema,
  verifyCollectionsSchema,
} from '../../src/model/contracts/inputs.js';

const least = { source: 'a', target: 'b' };
const parse = (more: object) => parseInput(scrollMigrationSchema, { ...least, ...more });

describe('the input of a migration', () => {
  it('needs nothing but two aliases', () => {
    expect(parse({})).toMatchObject({
      slices: 4,
      onExisting: 'fail',
      onDifference: 'repair',
      onFailure: 'park',
    });
    expect(parseInput(verifyCollectionsSchema, least)).toMatchObject({ subset: false });
  });

  it('says everything that is wrong at once, a line an issue', () => {
    const wrong = () => parse({ slices: '4', collections: 'docs', colections: ['docs'] });
    expect(wrong).toThrow(/slices/);
    expect(wrong).toThrow(/collections/);
    expect(wrong).toThrow(/colections/);
  });

  it.each([
    { apiKey: 'swordfish' },
    { key: 'swordfish' },
    { overrides: { deep: { authToken: 'swordfish' } } },
    { password: 'swordfish' },
    { collections: ['https://user:swordfish@host:6333'] },
  ])('refuses what looks like a secret without repeating it: %j', (more) => {
    expect(() => parse(more)).toThrow(/ferry.yaml/);
    expect(() => parse(more)).not.toThrow(/swordfish/);
  });

  it('lets a collection be called what it will', () => {
    expect(parse({ as: { auth_tokens: 'api_key' } }).as).toEqual({ auth_tokens: 'api_key' });
  });
});
