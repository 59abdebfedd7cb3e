import { type RefObject, useCallback, useEffect, useLayoutEffect, useState } from "react";
import type { ShownThread } from "./message-list";

/** How many messages are loaded at most to find the first that is unread. The rest is loaded as one reads back. */
const most = 1_000;

/** Where the reader goes on. */
export interface FirstUnread {
  /** Where the reader's side had read to when they came: null for all of it, undefined while that is not known. */
  readUpTo: number | null | undefined;
  /** Whether what is between the first unread message and the newest ones is still being loaded. */
  isOpening: boolean;
  /** Whether the first unread message is above of what is in sight. */
  isAbove: boolean;
  toFirstUnread: () => void;
}

/** Opens a thread at the first unread message, however far up it is, and again there when a page that was hidden is shown. */
export function useFirstUnread(
  thread: ShownThread,
  scroller: RefObject<HTMLElement | null>,
  toElement: (element: HTMLElement) => void,
): FirstUnread {
  const { status, error, me, conversation, messages, unread, hasOlder, loadingOlder, loadOlder } = thread;
  const mark = me && conversation ? conversation.read[me.role] : 0;
  const isReady = status === "ready" && me !== null;
  /** It grows each time the reader comes. */
  const [visit, setVisit] = useState({ number: 0, readUpTo: undefined as number | null | undefined });
  if (visit.readUpTo === undefined && isReady) setVisit({ number: 1, readUpTo: unread > 0 ? mark : null });
  const { number, readUpTo } = visit;

  const oldest = messages.find(({ seq }) => seq > 0)?.seq ?? 0;
  const isMissing = typeof readUpTo === "number" && hasOlder && oldest > readUpTo + 1 && messages.length < most;
  const isOpening = isReady && isMissing && error === null;
  useEffect(() => {
    if (isOpening && !loadingOlder) void loadOlder();
  }, [isOpening, loadingOlder, loadOlder]);

  useEffect(() => {
    if (!isReady) return;
    const onShown = () => {
      if (document.visibilityState !== "visible" || unread === 0) return;
      setVisit((before) => ({ number: before.number + 1, readUpTo: mark }));
    };
    document.addEventListener("visibilitychange", onShown);
    return () => document.removeEventListener("visibilitychange", onShown);
  }, [isReady, unread, mark]);

  useLayoutEffect(() => {
    const line = !isOpening && number > 0 && scroller.current?.querySelector<HTMLElement>("[data-unread-mark]");
    if (line) toElement(line);
  }, [isOpening, number, scroller, toElement]);

  const first = unread > 0 ? messages.find(({ own, seq }) => !own && seq > mark)?.seq : undefined;
  const isAbove = useIsAbove(scroller, isOpening ? undefined : first);
  const toFirstUnread = useCallback(() => {
    const element = scroller.current?.querySelector<HTMLElement>(`[data-seq="${first}"]`);
    if (element) toElement(element);
  }, [scroller, first, toElement]);
  return { readUpTo, isOpening, isAbove, toFirstUnread };
}

/** Whether a message is above of what is in sight. */
function useIsAbove(scroller: RefObject<HTMLElement | null>, seq: number | undefined): boolean {
  const [above, setAbove] = useState<number>();
  useEffect(() => {
    const element = scroller.current?.querySelector(`[data-seq="${seq}"]`);
    if (seq === undefined || !element) return;
    const observer = new IntersectionObserver(
      (entries) => {
        const last = entries.at(-1);
        const isAbove = last?.rootBounds && last.boundingClientRect.bottom <= last.rootBounds.top + 1;
        setAbove(isAbove ? seq : undefined);
      },
      { root: scroller.current },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller, seq]);
  return seq !== undefined && above === seq;
}
