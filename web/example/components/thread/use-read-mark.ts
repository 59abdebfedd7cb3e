import type { ShownMessage } from "@devinbox/client";
import { type RefObject, useEffect, useRef } from "react";

const everyPercent = Array.from({ length: 101 }, (_, i) => i / 100);

/**
 * Marks as read what has really been on the screen: at least half of a message, or half a screen of a long one, in a page that is
 * visible itself. Elements of the other side's messages carry their seq in `data-seq`.
 */
export function useReadMark(
  scroller: RefObject<HTMLElement | null>,
  messages: readonly ShownMessage[],
  markRead: (upToSeq: number) => void,
): void {
  const observer = useRef<IntersectionObserver | null>(null);

  useEffect(() => {
    const inSight = new Map<Element, number>();
    const report = () => {
      if (document.visibilityState !== "visible" || inSight.size === 0) return;
      markRead(Math.max(...inSight.values()));
    };
    // Without a root the browser clips by the scroller and by the window alike.
    const watching = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting, intersectionRatio, intersectionRect, rootBounds } of entries) {
          const halfAScreen = intersectionRect.height >= (rootBounds?.height ?? window.innerHeight) / 2;
          if (isIntersecting && (intersectionRatio >= 0.5 || halfAScreen))
            inSight.set(target, Number((target as HTMLElement).dataset.seq));
          else inSight.delete(target);
        }
        report();
      },
      { threshold: everyPercent }, // half a screen is any part of a long message
    );
    observer.current = watching;
    document.addEventListener("visibilitychange", report);
    return () => {
      document.removeEventListener("visibilitychange", report);
      watching.disconnect();
    };
  }, [markRead]);

  useEffect(() => {
    for (const element of scroller.current?.querySelectorAll("[data-seq]") ?? []) observer.current?.observe(element);
  }, [scroller, messages, markRead]);
}
