import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** What stays where it is while the thread changes: the end of it (null), or a message. */
type Anchor = { element: Element; top: number } | null;

/** How near to the end counts as being there, in pixels. */
const slack = 32;

export interface StickyScroll {
  scroller: RefObject<HTMLDivElement | null>;
  atEnd: boolean;
  onScroll: () => void;
  /** Goes to the end and stays there. */
  toEnd: () => void;
  /** Goes to an element and leaves a little of what stands before it in sight. */
  toElement: (element: HTMLElement) => void;
}

/**
 * Keeps a reader in place. At the end, new messages come into sight; anywhere else, whatever is added above or below, or changes its
 * height, moves nothing. Browsers anchor by themselves, but not all of them, and not at the very top, so it is done here for all alike.
 *
 * The scroller has one child, whose children are the messages.
 */
export function useStickyScroll(): StickyScroll {
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor>(null);
  /** Where the thread stood when the anchor was right. */
  const position = useRef(0);
  const [atEnd, setAtEnd] = useState(true);

  const remember = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    const ended = box.scrollHeight - box.scrollTop - box.clientHeight <= slack;
    anchor.current = ended ? null : firstInSight(box);
    position.current = box.scrollTop;
    setAtEnd(ended);
  }, []);

  const restore = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    const kept = anchor.current;
    // The reader may have scrolled already while the event that tells of it is still to come: they stay there. If the
    // thread has become shorter than that, the browser has scrolled.
    const shortened = box.scrollHeight - box.clientHeight < position.current - 1;
    const scrolled = shortened ? 0 : box.scrollTop - position.current;
    if (!kept && scrolled < 0) {
      remember();
      return;
    }
    if (!kept) box.scrollTop = box.scrollHeight;
    else if (kept.element.isConnected) box.scrollTop += topWithin(box, kept.element) - kept.top + scrolled;
    if (kept) kept.top -= scrolled;
    position.current = box.scrollTop;
  }, [remember]);

  useLayoutEffect(restore);

  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const observer = new ResizeObserver(restore);
    observer.observe(box);
    if (box.firstElementChild) observer.observe(box.firstElementChild);
    return () => observer.disconnect();
  }, [restore]);

  const toEnd = useCallback(() => {
    anchor.current = null;
    restore();
    setAtEnd(true);
  }, [restore]);

  const toElement = useCallback(
    (element: HTMLElement) => {
      const box = scroller.current;
      if (!box) return;
      box.scrollTop += topWithin(box, element) - box.clientHeight / 4;
      remember();
    },
    [remember],
  );

  return { scroller, atEnd, onScroll: remember, toEnd, toElement };
}

function topWithin(box: Element, element: Element): number {
  return element.getBoundingClientRect().top - box.getBoundingClientRect().top;
}

function firstInSight(box: Element): Anchor {
  for (const element of box.querySelectorAll("[data-anchor]")) {
    const top = topWithin(box, element);
    if (top + element.clientHeight > 0) return { element, top };
  }
  return null;
}
