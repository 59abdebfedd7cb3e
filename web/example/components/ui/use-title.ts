import { useEffect } from "react";

/** Sets the document's title, with the number of what is unread before it. */
export function useTitle(title: string, unread: number): void {
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${title}` : title;
  }, [title, unread]);
}
