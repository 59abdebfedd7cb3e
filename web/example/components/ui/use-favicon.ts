import { useEffect } from "react";

/** The page's icon with a dot on it. */
const dotted = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0a5a56"/><path d="M8 11a3 3 0 0 1 3-3h10a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-6l-5 4v-4.2A3 3 0 0 1 8 18z" fill="#fff"/><circle cx="24" cy="8" r="8" fill="#d92d20" stroke="#fff" stroke-width="2"/></svg>`,
)}`;

/** Puts a dot on the page's icon as long as something is unread. */
export function useFavicon(isUnread: boolean): void {
  useEffect(() => {
    if (!isUnread) return;
    const link = document.createElement("link");
    link.rel = "icon";
    link.type = "image/svg+xml";
    link.href = dotted;
    document.head.append(link); // the last one counts
    return () => link.remove();
  }, [isUnread]);
}
