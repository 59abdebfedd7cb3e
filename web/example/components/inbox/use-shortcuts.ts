import { type RefObject, useEffect, useEffectEvent } from "react";
import { isField } from "@/components/is-field";

interface Shortcuts {
  /** Whether single keys do anything. */
  keys: boolean;
  list: RefObject<HTMLElement | null>;
  search: RefObject<HTMLInputElement | null>;
  open: string | null;
  close: () => void;
}

/** j and k move through the list, Enter opens (as with any link), Escape goes back to the list, / goes to the search. */
export function useShortcuts({ keys, list, search, open, close }: Shortcuts): void {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const links = Array.from(list.current?.querySelectorAll<HTMLElement>("a") ?? []);
    const current = links.find((link) => link.getAttribute("aria-current") === "true");
    if (event.key === "Escape" && open !== null && event.target !== search.current) {
      close();
      // On a narrow screen the list is hidden until the thread is gone.
      requestAnimationFrame(() => (current ?? search.current)?.focus());
      return;
    }
    if (!keys || isField(event.target)) return;
    if (event.key === "/") {
      event.preventDefault();
      search.current?.focus();
    }
    if (event.key === "j" || event.key === "k") {
      const at = links.findIndex((link) => link === document.activeElement);
      const from = at >= 0 ? at : current ? links.indexOf(current) : -1;
      const to = from < 0 ? 0 : from + (event.key === "j" ? 1 : -1);
      links[to]?.focus();
    }
  });

  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKeyDown(event);
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, []);
}
