import type { BrowserContext, Page } from "@playwright/test";
import { expect, test } from "../support/scenario.ts";

/** What a page has asked for and said. */
interface Seen {
  tokens: number;
  sessions: number;
  words: string[];
}

async function watched(context: BrowserContext): Promise<[Page, Seen]> {
  const page = await context.newPage();
  const seen: Seen = { tokens: 0, sessions: 0, words: [] };
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname === "/api/token") seen.tokens++;
    if (pathname === "/api/session") seen.sessions++;
  });
  page.on("console", (message) => seen.words.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.words.push(error.message));
  return [page, seen];
}

// What the README of the client package has a reader write is built and served as it stands there; see internal/browser/readme_test.go.
for (const origin of ["same-origin", "cross-origin"]) {
  test.describe(origin, () => {
    test.use({ settings: { README: origin } });
    test.setTimeout(300_000);

    test("the README's pages are live in a fresh app of Next.js", async ({ browser, deployment }) => {
      const context = await browser.newContext({ baseURL: deployment.url });
      const [client, clientSaw] = await watched(context);
      const [team, teamSaw] = await watched(context);
      await client.goto("/chat");
      await expect(client.getByText("live", { exact: true })).toBeVisible();
      await client.getByPlaceholder("Write a message").fill("Hello");
      await client.keyboard.press("Enter");
      await expect(client.getByText("Grace: Hello (sent)")).toBeVisible();

      await team.goto("/inbox");
      await team.getByRole("button", { name: "Grace (1)" }).click();
      await expect(team.getByText("live", { exact: true })).toBeVisible();
      await expect(team.getByText("Grace: Hello")).toBeVisible();
      await team.getByPlaceholder("Write a message").fill("Good morning");
      await team.keyboard.press("Enter");
      await expect(client.getByText("Ada: Good morning")).toBeVisible();
      await expect(client.getByText("Grace: Hello (seen)")).toBeVisible();
      await expect(team.getByRole("button", { name: "Grace (0)" })).toBeVisible();
      await expect(team.getByText("Ada: Good morning (seen)")).toBeVisible();

      for (const seen of [clientSaw, teamSaw]) {
        expect(seen.words).toEqual([]);
        expect(seen.tokens).toBeLessThanOrEqual(2);
        expect(seen.sessions).toBe(1);
      }

      if (origin === "same-origin") {
        await client.close(); // so that only the short page reads what is sent now
        await team.getByPlaceholder("Write a message").fill("Are you there?");
        await team.keyboard.press("Enter");
        await expect(team.getByText("Ada: Are you there? (sent)")).toBeVisible();
        const short = await context.newPage();
        await short.goto("/short"); // of the whole project's README
        await expect(short.getByText("live", { exact: true })).toBeVisible();
        await expect(team.getByText("Ada: Are you there? (seen)")).toBeVisible();
        await team.close(); // so that nobody reads what is sent now
        await short.getByRole("textbox").fill("In short");
        await short.keyboard.press("Enter");
        await expect(short.getByText("You: In short (sent)")).toBeVisible();
      }
      await context.close();
    });
  });
}
