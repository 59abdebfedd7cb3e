const EVENTS = ["online", "offline", "visibilitychange"]; // the last one rises from the document to the window

/** Is told when the page gains or loses the network or its spectator. Gives the way to stop. On a server nothing is ever told. */
export function onPage(handler: () => void): () => void {
  const each = (method: "addEventListener" | "removeEventListener") => EVENTS.forEach((event) => globalThis[method]?.(event, handler));
  each("addEventListener");
  return () => each("removeEventListener");
}

/** Whether nobody sees the page. */
export function isHidden(): boolean {
  return globalThis.document?.visibilityState === "hidden";
}

/** Whether there is nobody to be told, or no way to ask. */
export function isAway(): boolean {
  return isHidden() || isCutOff();
}

/** Whether the browser knows that it has no network. */
export function isCutOff(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** 128 random bits. Unlike randomUUID this is there on every page, also without TLS. */
export function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
