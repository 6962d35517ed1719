/** The records of a stream of JSON lines, as they come. A last line without its end is left out: it was cut off. */
export async function* readNdjson<X>(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<X> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as X;
  }
}
