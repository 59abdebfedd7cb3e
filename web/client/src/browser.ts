/** The page, as far as there is one: a server has none of this. */
const page: Partial<Pick<typeof globalThis, "addEventListener" | "removeEventListener" | "document" | "navigator">> =
  globalThis;

const EVENTS = ["online", "offline", "visibilitychange"]; // the last one rises from the document to the window

/** Calls a handler whenever the page gains or loses the network or its visibility. Gives the way to stop. */
export function onPageChange(handler: () => void): () => void {
  for (const event of EVENTS) page.addEventListener?.(event, handler);
  return () => {
    for (const event of EVENTS) page.removeEventListener?.(event, handler);
  };
}

/** Whether somebody may be looking at the page. */
export function isVisible(): boolean {
  return page.document?.visibilityState !== "hidden";
}

/** Whether the browser believes that it has a network. */
export function isOnline(): boolean {
  return page.navigator?.onLine !== false;
}

/** Whether there is both somebody to show something to, and a way to ask for it. */
export function isActive(): boolean {
  return isVisible() && isOnline();
}

/** The locks that the tabs of one browser share, where it has such. */
export function webLocks(): LockManager | undefined {
  return (page.navigator as Partial<Navigator> | undefined)?.locks;
}

/** 128 random bits. Unlike randomUUID this is there on every page, also without TLS. */
export function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
