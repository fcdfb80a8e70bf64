// A search attribute that the server does not know fails every workflow task that sets it, for ever. So they are
// registered before the first task is taken; to repeat this, or to do it in several workers at once, does no harm.

import type { NativeConnection } from '@temporalio/worker';
import { FerryError } from '../model/errors.js';
import { SEARCH_ATTRIBUTES } from '../model/names.js';

/** temporal.api.enums.v1.IndexedValueType */
const INDEXED_VALUE_TYPE = { Keyword: 2 } as const;

export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<void> {
  try {
    const missing = await missingNames(connection, namespace);
    if (missing.length === 0) return;
    const searchAttributes = Object.fromEntries(
      missing.map((name) => [name, INDEXED_VALUE_TYPE[SEARCH_ATTRIBUTES[name]]]),
    );
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    if ((await missingNames(connection, namespace)).length > 0) await untilKnown(connection, namespace);
  } catch (cause) {
    if (cause instanceof FerryError) throw cause;
    throw new FerryError(
      'InvalidConfig',
      `The search attributes ${names()} cannot be registered. ${advice}`,
      {
        cause,
        context: { namespace },
      },
    );
  }
}

const advice = 'Register them as Keyword by hand, or switch them off with FERRY_SEARCH_ATTRIBUTES=off';

type Name = keyof typeof SEARCH_ATTRIBUTES;

async function missingNames(connection: NativeConnection, namespace: string): Promise<Name[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return (Object.keys(SEARCH_ATTRIBUTES) as Name[]).filter((name) => !(name in customAttributes));
}

async function untilKnown(connection: NativeConnection, namespace: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    if ((await missingNames(connection, namespace)).length === 0) return;
  }
  throw new FerryError(
    'InvalidConfig',
    `The search attributes ${names()} do not become available. ${advice}`,
  );
}

function names(): string {
  return Object.keys(SEARCH_ATTRIBUTES).join(', ');
}
