/** What does not hold, by the name of the promise. */
export class Violation extends Error {
  readonly of: string;
  constructor(of: string, text: string) {
    super(text);
    this.of = of;
  }
}
