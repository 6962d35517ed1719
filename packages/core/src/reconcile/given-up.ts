/** Does as `work`, unless the signal fires first: then it rejects at once, and what `work` comes to counts for nothing. */
export async function unlessGivenUp<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(givenUpError(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    refuseGivenUp(signal);
    const done = await Promise.race([work(), givenUp]);
    refuseGivenUp(signal);
    return done;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function refuseGivenUp(signal: AbortSignal): void {
  if (signal.aborted) throw givenUpError(signal);
}

/** No problem of its own: where the agent ends, whoever waits is told that. */
const givenUpError = ({ reason }: AbortSignal): Error =>
  Object.assign(new Error('it was given up: who asked for it has gone, or the agent ends', { cause: reason }), { name: 'AbortError' });
