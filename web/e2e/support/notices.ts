import type { Page } from "@playwright/test";

/** What is told when somebody switches notifications on. */
export const welcome = "Notifications are on: This is how you are told of what comes.";

/** Has a page note its notifications and sounds in place of making them. */
export async function note(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const all: string[] = [];
    class Notice {
      static permission = "granted";
      static requestPermission = () => Promise.resolve("granted");
      close = () => {};
      constructor(title: string, { body }: { body: string }) {
        all.push(`${title}: ${body}`);
      }
    }
    Object.assign(window, { told: all, Notification: Notice });
    AudioContext.prototype.resume = () => Promise.resolve(void all.push("a sound"));
  });
}

/** What a page has noted. */
export const told = (page: Page) => page.evaluate(() => (window as unknown as { told: string[] }).told);
