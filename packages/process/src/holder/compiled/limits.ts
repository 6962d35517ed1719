/** Numbers of the resources that setrlimit(2) knows, by their names in prlimit(1): asm-generic/resource.h, sys/resource.h of macOS. */
export const limitNumbers: Readonly<Record<string, number>> =
  process.platform === 'darwin'
    ? { cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, as: 5, rss: 5, memlock: 6, nproc: 7, nofile: 8 }
    : {
        ...{ cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, rss: 5, nproc: 6, nofile: 7 },
        ...{ memlock: 8, as: 9, locks: 10, sigpending: 11, msgqueue: 12, nice: 13, rtprio: 14, rttime: 15 },
      };

/** RLIM_INFINITY. */
export const unlimited = process.platform === 'darwin' ? (1n << 63n) - 1n : (1n << 64n) - 1n;
