import { expect, it } from 'vitest';
import type { ClusterControl } from '../../src/cluster/control-port.js';
import { pointAliases, type WantedAliases } from '../../src/target/point-aliases.js';

const WRITES = 'docs_20261127_120000';

/** What the aliases name afterwards, and what was said. */
async function point(there: Record<string, string>, wanted: Partial<WantedAliases>) {
  const names = new Map(Object.entries(there));
  const control: Partial<ClusterControl> = {
    aliases: async () => [...names].map(([alias, collection]) => ({ alias, collection })),
    collections: async () => [WRITES, 'old', 'newer'],
    pointAliases: async (aliases, collection) => aliases.forEach((alias) => names.set(alias, collection)),
  };
  const found = await pointAliases(control as ClusterControl, { writes: WRITES, wanted: [], ...wanted });
  return { ...found, names: Object.fromEntries(names) };
}

it('moves the alias that `swap` was asked to move, and says what it named', async () => {
  expect(await point({ docs: 'old' }, { swapped: { alias: 'docs', from: 'old' } })).toEqual({
    aliases: ['docs'],
    left: 'old',
    notes: [],
    names: { docs: WRITES },
  });
});

it('makes it where it did not exist, and says the same again', async () => {
  const swapped = { alias: 'docs' };
  expect(await point({}, { swapped })).toMatchObject({ aliases: ['docs'], names: { docs: WRITES } });
  expect(await point({ docs: WRITES }, { swapped })).toMatchObject({ aliases: ['docs'], notes: [] });
});

it.each([{ from: 'old' }, {}])('leaves it where its owner has turned it since (%j)', async (planned) => {
  const found = await point({ docs: 'newer' }, { swapped: { alias: 'docs', ...planned } });
  expect(found).toMatchObject({ aliases: [], names: { docs: 'newer' } });
  expect(found.notes).toEqual([
    `The alias "docs" was left as it is: it was assigned to another collection since this job was planned. This job wrote to "${WRITES}".`,
  ]);
});

it('takes no other alias from anybody, nor a name that a collection has', async () => {
  const found = await point({ live: 'old' }, { wanted: ['free', 'live', 'newer'] });
  expect(found).toMatchObject({ aliases: ['free'], names: { live: 'old', free: WRITES } });
  expect(found.notes).toHaveLength(2);
});
