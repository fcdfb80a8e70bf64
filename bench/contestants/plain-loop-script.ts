import { QdrantClient } from '@qdrant/js-client-rest';
import { measureHere, scriptInput } from './measure-here.js';

const input = scriptInput<{ from: string; to: string; collection: string }>();
const [from, to] = [input.from, input.to].map((url) => new QdrantClient({ url, checkCompatibility: false }));

await measureHere(async () => {
  let offset: Awaited<ReturnType<QdrantClient['scroll']>>['next_page_offset'];
  do {
    const page = await from!.scroll(input.collection, {
      limit: 100,
      with_payload: true,
      with_vector: true,
      ...(offset === undefined ? {} : { offset: offset as string | number }),
    });
    const points = page.points.map(({ id, vector, payload }) => ({ id, vector: vector!, payload: payload! }));
    await to!.upsert(input.collection, { wait: true, points: points as never });
    offset = page.next_page_offset ?? undefined;
  } while (offset !== undefined);
});
