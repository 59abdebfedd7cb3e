import { useEffect, useRef } from "react";
import styles from "./load-more.module.css";

interface LoadMoreProps {
  /** What is loaded, as it stands in a sentence: "older messages". */
  what: string;
  more: boolean;
  loading: boolean;
  /** Whether something has gone wrong: then only the button loads. */
  failed: boolean;
  load: () => Promise<void>;
}

/** Loads more as soon as it is about to come into sight, and is a button for those who do not scroll. */
export function LoadMore({ what, more, loading, failed, load }: LoadMoreProps) {
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    const element = button.current;
    if (!element || loading || failed) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void load();
      },
      { root: element.closest("[data-scroller]"), rootMargin: "400px 0px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [more, loading, failed, load]);

  if (!more) return null;
  return (
    <button ref={button} type="button" className={styles.more} onClick={() => void load()} aria-disabled={loading}>
      {loading ? `Loading ${what}…` : failed ? `Try again to load ${what}` : `Show ${what}`}
    </button>
  );
}
