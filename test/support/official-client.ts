// Qdrant's own client, as a reader that shares nothing with the product: for answers in which no number is over 2^53, from
// servers that a public authority, or none, vouches for.

import { QdrantClient } from '@qdrant/js-client-rest';
import type { RestSide } from './rest-text.js';

export function officialClient({ url, apiKey }: RestSide): QdrantClient {
  return new QdrantClient({
    url,
    // No connection is kept: a busy Qdrant closes an idle one just when the next request is sent.
    headers: { connection: 'close', ...(apiKey === undefined ? {} : { 'api-key': apiKey }) },
    checkCompatibility: false,
  });
}
