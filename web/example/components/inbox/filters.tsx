import type { InboxFilter } from "@devinbox/client";
import { type RefObject, useEffect, useRef, useState } from "react";
import styles from "./filters.module.css";

type Status = NonNullable<InboxFilter["status"]>;
type Assignee = "anyone" | "me" | "nobody";
interface Choice {
  status: Status;
  unread: boolean;
  assignee: Assignee;
  q: string;
}

const everything: Choice = { status: "open", unread: false, assignee: "anyone", q: "" };
const statuses: readonly [Status, string][] = [
  ["open", "Open"],
  ["closed", "Closed"],
  ["all", "All"],
];
/** devinbox searches for no less, in code points. */
const shortestSearch = 3;
/** How long somebody may pause while typing a search, in milliseconds. */
const pause = 250;

interface FiltersProps {
  search: RefObject<HTMLInputElement | null>;
  me: string | null;
  setFilter: (filter: InboxFilter) => void;
}

export function Filters({ search, me, setFilter }: FiltersProps) {
  const [choice, setChoice] = useState(everything);
  const timer = useRef<number>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  const choose = (change: Partial<Choice>, delay = 0) => {
    const next = { ...choice, ...change };
    setChoice(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setFilter(filterOf(next, me)), delay);
  };
  const tooShort = choice.q.trim() !== "" && codePoints(choice.q.trim()) < shortestSearch;

  return (
    <form role="search" aria-label="Conversations" onSubmit={(event) => event.preventDefault()}>
      {/* Until it is known who is asking, nothing could be answered; and what is typed before React is there would be lost. */}
      <fieldset className={styles.filters} disabled={me === null}>
        <input
          ref={search}
          type="search"
          className={styles.search}
          aria-label="Search"
          aria-describedby={tooShort ? "search-hint" : undefined}
          placeholder="Search name, e-mail or id"
          value={choice.q}
          maxLength={254}
          onChange={(event) => choose({ q: event.target.value }, pause)}
        />
        {tooShort && (
          <p id="search-hint" className={styles.hint}>
            Type at least {shortestSearch} characters.
          </p>
        )}
        <div className={styles.row}>
          <div role="radiogroup" aria-label="Status" className={styles.statuses}>
            {statuses.map(([status, name]) => (
              <label key={status}>
                <input
                  type="radio"
                  name="status"
                  className="visually-hidden"
                  checked={choice.status === status}
                  onChange={() => choose({ status })}
                />
                <span>{name}</span>
              </label>
            ))}
          </div>
          <button
            type="button"
            className={styles.toggle}
            aria-pressed={choice.unread}
            onClick={() => choose({ unread: !choice.unread })}
          >
            Unread
          </button>
          <select
            className={styles.select}
            aria-label="Assigned to"
            value={choice.assignee}
            onChange={(event) => choose({ assignee: event.target.value as Assignee })}
          >
            <option value="anyone">Anyone</option>
            <option value="me">Mine</option>
            <option value="nobody">Unassigned</option>
          </select>
        </div>
      </fieldset>
    </form>
  );
}

function filterOf({ status, unread, assignee, q }: Choice, me: string | null): InboxFilter {
  const filter: InboxFilter = { status };
  if (unread) filter.unread = true;
  if (assignee === "me" && me !== null) filter.assigneeId = me;
  if (assignee === "nobody") filter.assigneeId = "none";
  if (codePoints(q.trim()) >= shortestSearch) filter.q = q.trim();
  return filter;
}

function codePoints(text: string): number {
  return Array.from(text).length;
}
