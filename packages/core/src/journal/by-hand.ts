/** As the API calls who asks over its socket. */
export const byHand = 'the command';
