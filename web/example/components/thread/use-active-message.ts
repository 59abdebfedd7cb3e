import {
  type KeyboardEvent,
  type FocusEvent as ReactFocusEvent,
  type RefObject,
  useLayoutEffect,
  useRef,
  useState,
} from "react";

/** Each message as an element: `data-anchor` is its key. */
const messages = "[data-anchor]";

/**
 * One stop for Tab in all of a list: the list itself, and from there the arrows go from message to message. The one that has the
 * focus gives it on, to its menu, links and code, by Tab; Enter opens its menu. If what has the focus goes, such as a button that is
 * done, its message gets it, or the list if that is gone too.
 */
export function useActiveMessage(scroller: RefObject<HTMLElement | null>) {
  const [key, setKey] = useState<string | null>(null);
  const focused = useRef<{ element: Element; message: HTMLElement | null } | null>(null);

  useLayoutEffect(() => {
    const { element, message } = focused.current ?? {};
    if (!element || element.isConnected || document.activeElement !== document.body) return;
    (message?.isConnected ? message : scroller.current)?.focus({ preventScroll: true });
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !isListOrMessage(target)) return;
    if (event.key === "Enter" && target.matches(messages)) {
      event.preventDefault();
      target.querySelector<HTMLElement>("[data-menu]")?.click();
    }
    if (step === undefined) return;
    const all = Array.from(scroller.current?.querySelectorAll<HTMLElement>(messages) ?? []);
    const at = all.findIndex((message) => message === target);
    const next = at < 0 ? lastInSight(all, scroller.current) : all[at + step];
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  const onFocus = ({ target }: ReactFocusEvent) => {
    const message = target.closest<HTMLElement>(messages);
    focused.current = { element: target, message };
    setKey(message?.dataset["anchor"] ?? null);
  };
  const onBlur = ({ target, currentTarget, relatedTarget }: ReactFocusEvent) => {
    if (!currentTarget.contains(relatedTarget)) setKey(null);
    // A browser may tell of that also because it is about to go. Then nothing else gets the focus.
    queueMicrotask(() => {
      if ((target.isConnected || relatedTarget) && focused.current?.element === target) focused.current = null;
    });
  };
  return { key, list: { tabIndex: key === null ? 0 : -1, onKeyDown, onFocus, onBlur } };
}

function isListOrMessage(target: HTMLElement): boolean {
  return target.matches(`[data-scroller], ${messages}`);
}

function lastInSight(all: readonly HTMLElement[], box: HTMLElement | null): HTMLElement | undefined {
  const bottom = box?.getBoundingClientRect().bottom ?? 0;
  return all.findLast((message) => message.getBoundingClientRect().top < bottom);
}
