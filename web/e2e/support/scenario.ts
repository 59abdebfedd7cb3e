import { type BrowserContextOptions, type Page, test as base } from "@playwright/test";
import { Chat } from "./chat.ts";
import { Deployment, type Person } from "./deployment.ts";
import { Inbox } from "./inbox.ts";

export { expect } from "@playwright/test";

interface Fixtures {
  /** The environment of the deployment. */
  settings: Record<string, string>;
  deployment: Deployment;
  /** Opens a page in a browser of somebody's own, which shares nothing with another's. */
  open: (path: string, options?: OpenOptions) => Promise<Page>;
  chat: (client: Person, options?: OpenOptions) => Promise<Chat>;
  inbox: (developer: Person, options?: OpenOptions) => Promise<Inbox>;
}

/** How to open a page: as Playwright has it, and what to do before anything is loaded. */
export interface OpenOptions extends BrowserContextOptions {
  prepare?: (page: Page) => Promise<void>;
}

/** Playwright's test, with a deployment that no other scenario sees. */
export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],
  deployment: async ({ settings }, use) => {
    const deployment = await Deployment.start({ CHAT_RATE_LIMIT: "0", ...settings });
    await use(deployment);
    await deployment.end();
  },
  open: async ({ browser, deployment }, use) => {
    const close: (() => Promise<void>)[] = [];
    await use(async (path, options) => {
      const context = await browser.newContext({ baseURL: deployment.url, ...options });
      close.push(() => context.close());
      const page = await context.newPage();
      await options?.prepare?.(page);
      await page.goto(path);
      return page;
    });
    for (const one of close) await one();
  },
  chat: async ({ open }, use) => {
    await use(async (client, options) => Chat.on(await open(`/chat?as=${client.name.toLowerCase()}`, options)));
  },
  inbox: async ({ open }, use) => {
    await use(async (developer, options) => Inbox.on(await open(`/inbox?as=${developer.name.toLowerCase()}`, options)));
  },
});
