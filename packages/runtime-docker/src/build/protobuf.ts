/** The fields of a message, of the protobuf wire format what is needed here. `bytes`: texts and messages; `null` = a number. What is cut short ends it. */
export function* fieldsOf(message: Uint8Array): Generator<{ readonly field: number; readonly bytes: Uint8Array | null }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === 2) {
      const length = varint();
      yield { field, bytes: message.subarray(at, at + length) };
      at += length;
    } else {
      if (wire === 0) varint();
      else if (wire === 1) at += 8;
      else if (wire === 5) at += 4;
      else return;
      yield { field, bytes: null };
    }
  }
}

/** One field that holds a text of less than 16 KiB. */
export function textField(field: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 0x3fff) throw new RangeError('the text is too long for its field');
  const length = bytes.length < 0x80 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  return Buffer.concat([Buffer.from([field * 8 + 2, ...length]), bytes]);
}
