/** One field of a message: https://protobuf.dev/programming-guides/encoding/ */
export interface Field {
  readonly number: number;
  /** A number where the wire has a varint, the bytes otherwise. */
  readonly value: number | Uint8Array;
}

/** A field on the wire: a whole number or truth as a varint, a text or a message as bytes. */
export function field(number: number, value: number | boolean | string | Uint8Array): Uint8Array {
  if (typeof value === 'number' || typeof value === 'boolean') return Uint8Array.from([...varint(number * 8), ...varint(Number(value))]);
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return joined([Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
}

export const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** The fields of a message in their order. Throws where the bytes are none. */
export function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the message ends in the middle of a number');
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = next();
    const length = { 0: undefined, 1: 8, 2: -1, 5: 4 }[tag & 7];
    if ((tag & 7) === 0) fields.push({ number: tag >>> 3, value: next() });
    else if (length === undefined) throw new Error(`there is no wire type ${tag & 7}`);
    else {
      const size = length === -1 ? next() : length;
      fields.push({ number: tag >>> 3, value: bytes.subarray(at, at + size) });
      at += size;
    }
  }
  return fields;
}

/** Every message at a path of field numbers. */
export function messagesAt(bytes: Uint8Array, ...path: readonly number[]): readonly Uint8Array[] {
  const [number, ...rest] = path;
  if (number === undefined) return [bytes];
  return fieldsOf(bytes).flatMap((one) => (one.number === number && typeof one.value !== 'number' ? messagesAt(one.value, ...rest) : []));
}

export const textAt = (bytes: Uint8Array, ...path: readonly number[]): string | undefined => {
  const found = messagesAt(bytes, ...path)[0];
  return found === undefined ? undefined : new TextDecoder().decode(found);
};

function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}
