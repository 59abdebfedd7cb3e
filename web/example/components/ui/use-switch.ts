import { useCallback, useSyncExternalStore } from "react";

const changed = "devinbox-switch";

/** A setting of this browser: as `usually`, until it is switched. */
export function useSwitch(name: string, usually = true): [boolean, (on: boolean) => void] {
  const on = useSyncExternalStore(
    subscribe,
    () => (read(name) ?? (usually ? "on" : "off")) === "on",
    () => usually,
  );
  const set = useCallback(
    (next: boolean) => {
      try {
        window.localStorage.setItem(name, next ? "on" : "off");
      } catch {
        // Full, or forbidden: it stays as it is.
      }
      window.dispatchEvent(new Event(changed));
    },
    [name],
  );
  return [on, set];
}

function read(name: string): string | null {
  try {
    return window.localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** `storage` comes from other tabs only. */
function subscribe(listener: () => void): () => void {
  const events = [changed, "storage"];
  for (const event of events) window.addEventListener(event, listener);
  return () => {
    for (const event of events) window.removeEventListener(event, listener);
  };
}
