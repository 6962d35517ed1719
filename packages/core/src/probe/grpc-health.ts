// The two messages of grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md) and their frames, in the encoding of Protocol
// Buffers: HealthCheckRequest { string service = 1 }, HealthCheckResponse { ServingStatus status = 1 }.

const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
export type ServingStatus = (typeof servingStatuses)[number];

/** A frame of gRPC with a HealthCheckRequest. `service` '' = the server as a whole. */
export function requestFrame(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** The status in the first frame of what was answered; a sentence in an error where there is none. */
export function statusIn(answer: Buffer): ServingStatus {
  if (answer.length < 5) throw new Error('it answered without a message');
  if (answer[0] !== 0) throw new Error('its message is compressed though that was not asked for');
  const length = answer.readUInt32BE(1);
  if (answer.length < 5 + length) throw new Error(`its message breaks off after ${answer.length - 5} of ${length} bytes`);
  const status = servingStatuses[statusNumber(answer.subarray(5, 5 + length))];
  if (status === undefined) throw new Error('it answered a status that grpc.health.v1 does not know');
  return status;
}

/** The last one counts, others are passed over, as Protocol Buffers want it. 0 where there is none. */
function statusNumber(message: Buffer): number {
  const reader = { bytes: message, at: 0 };
  let status = 0;
  while (reader.at < message.length) {
    const tag = readVarint(reader);
    const kind = tag & 7;
    if (tag === 0x08) status = readVarint(reader);
    else if (kind === 0) readVarint(reader);
    else if (kind === 2) {
      const length = readVarint(reader);
      reader.at += length;
    } else if (kind === 1 || kind === 5) reader.at += kind === 1 ? 8 : 4;
    else throw malformed();
  }
  if (reader.at > message.length) throw malformed();
  return status;
}

const malformed = (): Error => new Error('its message is no HealthCheckResponse');

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left >>>= 7) bytes.push((left & 127) | 128);
  return Buffer.from([...bytes, left]);
}

/** At most 10 bytes; what does not fit into a number is none that is known here. */
function readVarint(reader: { readonly bytes: Buffer; at: number }): number {
  let value = 0;
  for (let n = 0; n < 10; n++) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw malformed();
    value += (byte & 127) * 128 ** n;
    if (byte < 128) return value;
  }
  throw malformed();
}
