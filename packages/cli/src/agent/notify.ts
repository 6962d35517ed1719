/**
 * Tells whoever started the agent as a service that it is up, and again and again that its loop turns, as sd_notify(3) and sd_watchdog_enabled(3) ask
 * for. The returned function tells that it ends.
 */
export async function notifyServiceManager(env: NodeJS.ProcessEnv, onTrouble: (text: string) => void): Promise<() => void> {
  if (!env['NOTIFY_SOCKET']) return () => {};
  const { openNotifier } = await import('@ostler/process');
  const notifier = openNotifier(env['NOTIFY_SOCKET'], onTrouble);
  if (notifier === null) return () => {};
  notifier.send(`READY=1\nMAINPID=${process.pid}\nSTATUS=supervising`);
  const everyMs = Number(env['WATCHDOG_USEC']) / 1000 / 2;
  // The agent's own timer: a loop that stands still says nothing, which is the point.
  const timer = everyMs > 0 ? setInterval(() => notifier.send('WATCHDOG=1'), everyMs).unref() : null;
  return () => {
    if (timer !== null) clearInterval(timer);
    notifier.send('STOPPING=1');
  };
}
