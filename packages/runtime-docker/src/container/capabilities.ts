/** capabilities(7), of Linux 5.9 and later. */
const known = (
  'AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE ' +
  'LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN ' +
  'SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM'
).split(' ');

/** A sentence for each that is none; with and without `CAP_`, and `ALL`, as engines take them. */
export function unknownCapabilities(names: readonly string[]): readonly string[] {
  const plain = (name: string): string => name.toUpperCase().replace(/^CAP_/, '');
  return names
    .filter((name) => plain(name) !== 'ALL' && !known.includes(plain(name)))
    .map((name) => `"${name}" is no capability; they are named as in capabilities(7), such as NET_ADMIN`);
}
