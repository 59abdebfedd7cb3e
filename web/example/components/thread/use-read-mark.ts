import { type RefObject, useEffect, useRef } from "react";
import type { ShownThread } from "./message-list";

const everyPercent = Array.from({ length: 101 }, (_, i) => i / 100);

/**
 * Marks as read what has really been on the screen: at least half of a message, or half a screen of a long one, in a page that is
 * visible itself; and only in order: up to the first message that was not. Elements of the other side's messages carry their seq in
 * `data-seq`.
 */
export function useReadMark(scroller: RefObject<HTMLElement | null>, thread: ShownThread, isOpening: boolean): void {
  const { messages, markRead } = thread;
  const observer = useRef<IntersectionObserver | null>(null);
  const newest = useRef(thread);
  useEffect(() => {
    newest.current = thread;
  });

  useEffect(() => {
    if (isOpening) return;
    const inSight = new Set<number>();
    const seen = new Set<number>();
    const report = () => {
      if (document.visibilityState !== "visible") return;
      for (const seq of inSight) seen.add(seq);
      const upTo = seenInOrder(newest.current, seen);
      if (upTo > 0) markRead(upTo);
    };
    // Without a root the browser clips by the scroller and by the window alike.
    const watching = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting, intersectionRatio, intersectionRect, rootBounds } of entries) {
          const seq = Number((target as HTMLElement).dataset["seq"]);
          const halfAScreen = intersectionRect.height >= (rootBounds?.height ?? window.innerHeight) / 2;
          if (isIntersecting && (intersectionRatio >= 0.5 || halfAScreen)) inSight.add(seq);
          else inSight.delete(seq);
        }
        report();
      },
      { threshold: everyPercent }, // half a screen is any part of a long message
    );
    observer.current = watching;
    const onVisible = () => {
      inSight.clear(); // the thread goes to what is unread first, and what is in sight there is told anew
      if (document.visibilityState !== "visible") return;
      for (const element of scroller.current?.querySelectorAll("[data-seq]") ?? []) {
        watching.unobserve(element);
        watching.observe(element);
      }
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      document.removeEventListener("visibilitychange", onVisible);
      watching.disconnect();
      observer.current = null;
    };
  }, [scroller, markRead, isOpening]);

  useEffect(() => {
    for (const element of scroller.current?.querySelectorAll("[data-seq]") ?? []) observer.current?.observe(element);
  }, [scroller, messages, markRead, isOpening]);
}

/** Up to which message of the other side all were seen, from the read mark on; 0 if that would not move it. */
function seenInOrder({ me, conversation, messages }: ShownThread, seen: ReadonlySet<number>): number {
  if (!me || !conversation) return 0;
  let upTo = 0;
  let next = conversation.read[me.role] + 1;
  for (const { seq, own } of messages) {
    if (seq < next) continue;
    if (seq > next || (!own && !seen.has(seq))) break;
    if (!own) upTo = seq;
    next++;
  }
  return upTo;
}
