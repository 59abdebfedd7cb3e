import { type Page, expect } from "@playwright/test";
import { Thread } from "./thread.ts";

/** The client's page. */
export class Chat extends Thread {
  private constructor(page: Page) {
    super(page, page.getByRole("main"), "Write a message");
  }

  /** Waits until one can write. */
  static async on(page: Page): Promise<Chat> {
    const chat = new Chat(page);
    await expect(chat.field).toBeEnabled();
    return chat;
  }
}
