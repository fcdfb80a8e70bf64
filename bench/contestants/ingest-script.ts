import { create, toBinary } from '@bufbuild/protobuf';
import { UpsertPointsSchema } from '../../src/qdrant/points/gen/points_pb.js';
import { pointBatches } from '../point-batches.js';
import { measureHere, scriptInput } from './measure-here.js';
import { RawUpserts, grpcFrame } from './raw-upserts.js';

/** As many as our copy has under way on each of its connections. */
const IN_FLIGHT = 2;

interface Input {
  grpcUrl: string;
  collection: string;
  points: number;
  slices: number;
  batchBytes: number;
}

const { grpcUrl, collection, points, slices, batchBytes } = scriptInput<Input>();
const frames: Buffer[] = [];
for (const batch of pointBatches(points, batchBytes)) {
  const request = create(UpsertPointsSchema, {
    collectionName: collection,
    wait: true,
    points: batch.points,
  });
  frames.push(grpcFrame(toBinary(UpsertPointsSchema, request)));
}
const connections = await Promise.all(Array.from({ length: slices }, () => RawUpserts.open(grpcUrl)));

await measureHere(async () => {
  const queue = frames.values();
  const lane = async (connection: RawUpserts) => {
    for (const frame of queue) await connection.send(frame);
  };
  await Promise.all(connections.flatMap((one) => Array.from({ length: IN_FLIGHT }, () => lane(one))));
});
for (const connection of connections) connection.close();
