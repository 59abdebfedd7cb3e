import type { InboxFilter } from "@devinbox/client";

export type Status = NonNullable<InboxFilter["status"]>;

/** What of the inbox is shown, as it stands in the address. */
export interface Choice {
  status: Status;
  unread: boolean;
  /** `anyone`, `me`, `nobody`, or `d:` and a developer's id. */
  assignee: string;
  q: string;
}

/** devinbox searches for no less, in code points. */
export const shortestSearch = 3;

/** Reads an address. Whatever else stands there counts as if it was not there. */
export function choiceOf(parameters: URLSearchParams): Choice {
  const status = parameters.get("status");
  const assignee = parameters.get("assignee") ?? "";
  return {
    status: status === "closed" || status === "all" ? status : "open",
    unread: parameters.get("unread") === "true",
    assignee: /^(me|nobody|d:.+)$/s.test(assignee) ? assignee : "anyone",
    q: parameters.get("q") ?? "",
  };
}

/** An address with another choice, or another conversation. What is as always does not stand in it. */
export function addressWith(
  parameters: URLSearchParams,
  change: Partial<Choice> & { conversation?: string | null },
): string {
  const next = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries(change)) {
    const usual = [null, "", false, name === "status" ? "open" : "anyone"];
    if (usual.includes(value)) next.delete(name);
    else next.set(name, String(value));
  }
  const query = next.toString();
  return query ? `?${query}` : "";
}

/** The filter for a choice. Until it is known who `me` is, nobody's are left out. */
export function filterOf({ status, unread, assignee, q }: Choice, me: string | null): InboxFilter {
  const filter: InboxFilter = { status };
  if (unread) filter.unread = true;
  if (assignee === "me" && me !== null) filter.assigneeId = me;
  if (assignee === "nobody") filter.assigneeId = "none";
  if (assignee.startsWith("d:")) filter.assigneeId = assignee.slice(2);
  if (!isTooShort(q)) filter.q = q.trim() || undefined;
  return filter;
}

/** Whether something was typed that is not enough to search for. */
export function isTooShort(q: string): boolean {
  const length = Array.from(q.trim()).length;
  return length > 0 && length < shortestSearch;
}
