/** One JSON value a line, as engines send progress and events. Pulled: a slow reader slows the engine. Throws on a line that is no JSON. */
export async function* readNdjson<T>(source: AsyncIterable<Buffer>): AsyncGenerator<T> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}
