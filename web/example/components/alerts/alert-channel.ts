/** How long to wait for another tab to say that something is on its screen, in milliseconds. */
const grace = 800;

/** Decides among the tabs of one browser whether somebody is told of something, and by which tab. */
export interface AlertChannel {
  /** Something came: it is on this tab's screen, or is to be told unless it is on another's. */
  report: (key: string, isSeen: boolean, tell: () => void) => void;
  close: () => void;
}

/** The tabs with the same `name` are of one person. One of them, which holds the lock of that name, speaks for all. */
export function createAlertChannel(name: string): AlertChannel {
  const seen = new Set<string>();
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => seen.add(String(data));
  const ended = new AbortController();
  let isSpeaker = false;
  const speak = () => {
    isSpeaker = true;
    return new Promise<void>((resolve) => ended.signal.addEventListener("abort", () => resolve()));
  };
  // Without locks, as on a page without TLS, each tab speaks for itself.
  if ((navigator as Partial<Navigator>).locks)
    navigator.locks.request(name, { signal: ended.signal }, speak).catch(() => {});
  else void speak();

  return {
    report(key, isSeen, tell) {
      if (isSeen) {
        seen.add(key);
        channel.postMessage(key);
        return;
      }
      window.setTimeout(() => {
        if (isSpeaker && !seen.has(key) && !ended.signal.aborted) tell();
      }, grace);
    },
    close() {
      ended.abort();
      channel.close();
    },
  };
}
