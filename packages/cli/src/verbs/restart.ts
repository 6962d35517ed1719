import { byHand, type HandOptions } from '../by-hand.ts';

export const run = (options: HandOptions, workers: string[]): Promise<number> => byHand('restart', options, workers);
