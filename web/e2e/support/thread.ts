import { type Locator, type Page, expect } from "@playwright/test";

/** A conversation as it is shown, on either side. */
export class Thread {
  readonly log: Locator;
  readonly messages: Locator;
  readonly bodies: Locator;
  readonly field: Locator;
  readonly banner: Locator;
  readonly typing: Locator;

  constructor(
    readonly page: Page,
    within: Locator,
    field: string,
  ) {
    this.log = within.getByRole("log", { name: "Messages" });
    this.messages = this.log.locator("li[data-anchor]");
    this.bodies = this.messages.locator("[data-body]");
    this.field = within.getByRole("textbox", { name: field });
    this.banner = within.getByRole("status").filter({ hasText: /You are offline|Live updates are off/ });
    this.typing = this.log.getByText(/ is typing…$/);
  }

  /** The message of exactly that text. */
  message(body: string): Locator {
    return this.messages.filter({ has: this.page.locator("[data-body]").getByText(body, { exact: true }) });
  }

  async write(body: string): Promise<void> {
    await this.field.fill(body);
    await this.field.press("Enter");
  }

  /** Requires these messages, and no other, from the oldest to the newest. */
  async shows(...bodies: string[]): Promise<void> {
    await expect(this.bodies).toHaveText(bodies);
  }

  /** Requires what stands beside one of the reader's own messages. What is sent may be seen before one looks. */
  async delivery(body: string, delivery: "Sending…" | "Sent" | "Seen"): Promise<void> {
    await expect(this.message(body)).toContainText(delivery === "Sent" ? /Sent|Seen/ : delivery);
  }

  /** Chooses from the menu of a message. */
  async choose(body: string, item: "Copy text" | "Quote in an answer" | "Edit" | "Delete…"): Promise<void> {
    const message = this.message(body);
    await message.hover();
    await message.getByRole("button", { name: "Message actions" }).click();
    await this.page.getByRole("menuitem", { name: item }).click();
  }

  async edit(body: string, changed: string): Promise<void> {
    await this.choose(body, "Edit");
    await this.log.getByRole("textbox", { name: "Message" }).fill(changed);
    await this.log.getByRole("button", { name: "Save" }).click();
  }

  async delete(body: string): Promise<void> {
    await this.choose(body, "Delete…");
    const dialog = this.page.getByRole("dialog", { name: "Delete this message?" });
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expect(dialog).toBeHidden();
  }
}
