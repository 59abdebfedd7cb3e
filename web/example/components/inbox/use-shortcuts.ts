import { useEffect, useEffectEvent } from "react";
import { isField } from "@/components/ui/is-field";

/** What a key does. */
export type Shortcuts = Readonly<Record<string, () => void>>;

/**
 * Calls what a key stands for, unless somebody writes, and Escape also then. What has keys of its own, such as a dialog or an
 * editor, has `data-own-keys`. React handles events at the document, so what it stops does not come as far as the window.
 */
export function useShortcuts(isOn: boolean, shortcuts: Shortcuts, onEscape: (from: HTMLElement) => void): void {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!(target instanceof HTMLElement) || target.closest("[data-own-keys]")) return;
    if (document.querySelector("dialog[open], [role=menu]")) return;
    if (key === "Escape") onEscape(target);
    if (!isOn || isField(target) || !Object.hasOwn(shortcuts, key)) return;
    event.preventDefault();
    shortcuts[key]?.();
  });

  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKeyDown(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}
