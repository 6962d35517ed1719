import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** The messages of a stream of server-sent events, as they come. */
export async function* readSse(chunks: AsyncIterable<Buffer>): AsyncGenerator<EventSourceMessage> {
  const decoder = new TextDecoder();
  const ready: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => ready.push(message) });
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* ready.splice(0);
  }
}
