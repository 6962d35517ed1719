// Works for three to nine seconds, then has had enough, in one of five ways.
const ways = [
  ['that was that', () => process.exit(0)],
  ['something went wrong', () => process.exit(1)],
  ['the configuration is not to my taste', () => process.exit(78)],
  ['giving up at once', () => process.kill(process.pid, 'SIGABRT')],
  [
    'an error that nobody expected',
    () => {
      throw new Error('out of patience');
    },
  ],
];
const [words, leave] = ways[Math.floor(Math.random() * ways.length)];
console.log('in a good mood');
setTimeout(
  () => {
    console.error(words);
    leave();
  },
  3000 + Math.random() * 6000,
);
