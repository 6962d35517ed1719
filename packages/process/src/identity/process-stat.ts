/** One process as the kernel lists it. `start` only compares for equality: clock ticks since boot on Linux, `ps -o lstart=` in UTC on macOS. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly state: string;
  readonly start: string;
  readonly command: string;
  /** User plus system time in clock ticks; `null` on macOS. */
  readonly ticks: number | null;
  /** On macOS, as ps tells it; `null` on Linux, where this takes another look. */
  readonly residentBytes: number | null;
}

/** A zombie waits to be reaped, which init may do late: it is not alive. X is a process being taken down (proc_pid_stat(5)). */
export function isAliveState(state: string): boolean {
  return !/^[ZXx]/.test(state);
}

/**
 * Parses `/proc/PID/stat` (proc_pid_stat(5)). The command's name may hold blanks and brackets: the fields begin after the LAST `)`.
 * `null` when the text is cut short.
 */
export function parseStat(text: string): ProcessEntry | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text
    .slice(close + 2)
    .trim()
    .split(/\s+/);
  const [state, parent, group, session] = fields;
  const start = fields[19];
  if (state === undefined || start === undefined) return null;
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    state,
    start,
    command: text.slice(open + 1, close),
    ticks: Number(fields[11]) + Number(fields[12]),
    residentBytes: null,
  };
}

/**
 * Parses a line of `LC_ALL=C TZ=UTC0 ps -o pid=,ppid=,pgid=,stat=,rss=,lstart=,command=` (macOS). `rss` is in KiB, `lstart` is five
 * words: `Tue Nov 24 06:38:32 2026`. macOS prints no session id, so the group stands in for it.
 */
export function parsePsLine(line: string): ProcessEntry | null {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d{4})\s*(.*)$/.exec(line);
  if (!match) return null;
  const [, pid, parent, group, state = '', resident = '', start = '', command = ''] = match;
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: Number(group),
    state,
    start: start.replace(/\s+/g, '_'),
    command,
    ticks: null,
    residentBytes: /^\d+$/.test(resident) ? Number(resident) * 1024 : null,
  };
}
