import { type Locator, type Page, expect } from "@playwright/test";
import { Thread } from "./thread.ts";

/** The developers' page: the list, and the conversation that is open. */
export class Inbox {
  readonly lines: Locator;
  readonly totals: Locator;
  readonly search: Locator;
  readonly conversation: Thread;
  readonly assignee: Locator;

  private constructor(readonly page: Page) {
    const side = page.getByRole("region", { name: "Inbox" });
    this.lines = side.getByRole("list", { name: "Conversations" }).getByRole("link");
    this.totals = side.getByRole("status").filter({ hasText: "open" });
    this.search = side.getByRole("searchbox", { name: "Search" });
    this.conversation = new Thread(
      page,
      page.getByRole("region", { name: "Conversation", exact: true }),
      "Write an answer",
    );
    this.assignee = page.getByRole("combobox", { name: "Assignee" });
  }

  /** Waits until the list is there. */
  static async on(page: Page): Promise<Inbox> {
    const inbox = new Inbox(page);
    await expect(inbox.totals).toBeVisible();
    return inbox;
  }

  /** The line of somebody in the list. */
  line(name: string): Locator {
    return this.lines.filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** Opens a conversation, and waits until one can write. */
  async open(name: string): Promise<Thread> {
    await this.line(name).click();
    await expect(this.conversation.field).toBeEnabled();
    return this.conversation;
  }

  /** Requires the conversations of these, and no other, in this order. Behind the name stands the time. */
  async lists(...names: string[]): Promise<void> {
    await expect(this.lines).toHaveText(names.map((name) => new RegExp(`^${name}\\d?\\d:\\d\\d`)));
  }

  async status(name: "Open" | "Closed" | "All"): Promise<void> {
    await this.page.getByRole("search").getByText(name, { exact: true }).click();
  }
}
