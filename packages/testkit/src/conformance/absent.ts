const absence = Symbol('absence');

/** What a case throws when the runtime itself declares that it lacks what the case is about: counted as absent, not as passed or failed. */
export function absent(why: string): Error {
  return Object.assign(new Error(why), { [absence]: true });
}

export function isAbsent(error: unknown): error is Error {
  return error instanceof Error && absence in error;
}
