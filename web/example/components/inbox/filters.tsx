import type { TeamMember } from "@devinbox/client";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { type Choice, type Status, choiceOf, isTooShort, shortestSearch } from "@/lib/inbox-address";
import styles from "./filters.module.css";

const statuses: readonly [Status, string][] = [
  ["open", "Open"],
  ["closed", "Closed"],
  ["all", "All"],
];
/** How long somebody may pause while typing a search, in milliseconds. */
const pause = 250;

interface FiltersProps {
  search: Ref<HTMLInputElement>;
  me: string | null;
  team: readonly TeamMember[];
  choice: Choice;
  onChoose: (change: Partial<Choice>) => void;
}

export function Filters({ search, me, team, choice, onChoose }: FiltersProps) {
  const field = useRef<HTMLInputElement>(null);
  useImperativeHandle(search, () => field.current as HTMLInputElement);
  const timer = useRef<number>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  /** What this field has put into the address. */
  const own = useRef(choice.q);
  const type = (text: string) => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      own.current = text;
      onChoose({ q: text });
    }, pause);
  };
  // If another search stands in the address, such as that of the page before, the field has that one.
  useEffect(() => {
    const { q } = choiceOf(new URLSearchParams(window.location.search)); // as it is now: `choice` may be of a moment ago
    if (q === own.current) return;
    own.current = q;
    window.clearTimeout(timer.current);
    if (field.current) field.current.value = q;
  }, [choice]);
  const tooShort = isTooShort(choice.q);

  return (
    <form role="search" aria-label="Conversations" onSubmit={(event) => event.preventDefault()}>
      {/* Until it is known who is asking, nothing could be answered; and what is typed before React is there would be lost. */}
      <fieldset className={styles.filters} disabled={me === null}>
        <input
          ref={field}
          type="search"
          className="input"
          aria-label="Search"
          aria-describedby={tooShort ? "search-hint" : undefined}
          placeholder="Search name, e-mail or id"
          dir="auto"
          defaultValue={choice.q}
          maxLength={254}
          onChange={(event) => type(event.target.value)}
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
                  onChange={() => onChoose({ status })}
                />
                <span>{name}</span>
              </label>
            ))}
          </div>
          <button
            type="button"
            className={styles.toggle}
            aria-pressed={choice.unread}
            onClick={() => onChoose({ unread: !choice.unread })}
          >
            Unread
          </button>
          <select
            className={styles.select}
            aria-label="Assigned to"
            value={choice.assignee}
            data-chosen={choice.assignee !== "anyone" || undefined}
            onChange={(event) => onChoose({ assignee: event.target.value })}
          >
            <option value="anyone">Anyone</option>
            <option value="me">Mine</option>
            <option value="nobody">Unassigned</option>
            {team
              .filter(({ id }) => id !== me)
              .map(({ id, name }) => (
                <option key={id} value={`d:${id}`}>
                  {name ?? id}
                </option>
              ))}
          </select>
        </div>
      </fieldset>
    </form>
  );
}
