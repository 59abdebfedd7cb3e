import { gzipSync } from "node:zlib";
import type { Locator, Page } from "@playwright/test";
import { type Deployment, ada, grace } from "../support/deployment.ts";
import { expect, test } from "../support/scenario.ts";

/** The scripts that a page loads, by their address. */
async function scripts(page: Page): Promise<Map<string, Promise<Buffer>>> {
  const found = new Map<string, Promise<Buffer>>();
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.endsWith(".js")) found.set(pathname, response.body());
  });
  return Promise.resolve(found);
}

test("the chat's own scripts weigh at most 60 kB, and what reads markup comes with the first message that has some", async ({
  chat,
  open,
  deployment,
}) => {
  let own = new Map<string, Promise<Buffer>>();
  let framework = own;
  await open("/there-is-no-such-page", {
    prepare: async (page) => {
      framework = await scripts(page);
    },
  });
  const client = await chat(grace, {
    prepare: async (page) => {
      own = await scripts(page);
    },
  });
  await client.write("Hello");
  await client.delivery("Hello", "Sent");
  let bytes = 0;
  for (const [address, body] of own) if (!framework.has(address)) bytes += gzipSync(await body).length;
  console.log(`the chat's own scripts: ${bytes} bytes gzipped`);
  expect(bytes).toBeLessThanOrEqual(60_000);

  const before = own.size;
  await deployment.send(ada, "**Good** morning", grace);
  await expect(client.message("Good morning")).toBeVisible();
  expect(own.size).toBeGreaterThan(before);
});

/** Fills Grace's conversation up to 1,000 messages, of which 300 have code. */
async function fill(deployment: Deployment): Promise<void> {
  await deployment.send(ada, "Message 1", grace);
  await deployment.sql(`
    insert into chat.message (client_id, seq, id, version, sender_role, sender_id, sender_name, body, body_digest, client_total, created_at)
      select client_id, n, gen_random_uuid(), n, sender_role, sender_id, sender_name,
        'Message ' || n || case when n % 3 = 0 and n > 100 then e'\\n\`\`\`go\\nfunc main() { println(' || n || e') }\\n\`\`\`' else '' end,
        body_digest, client_total, created_at
      from chat.message, generate_series(2, 1000) n;
    update chat.conversation set last_seq = 1000, version = 1000`);
  await deployment.call(grace, "POST", "/api/messages/read", { upToSeq: 1000 });
}

/** Goes to the oldest message that is loaded, and says by how much it moves in any frame until older ones are there. */
async function jumpWhileOlderLoad(log: Locator): Promise<number> {
  return log.evaluate(async (list) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const messages = () => list.querySelectorAll("[data-anchor]").length;
    const loaded = messages();
    list.scrollTop = 0;
    await frame();
    const oldest = list.querySelector("[data-anchor]")!;
    const places: number[] = [];
    for (let more = 10; more > 0; await frame()) {
      places.push(oldest.getBoundingClientRect().top);
      if (messages() > loaded) more--;
    }
    return Math.max(...places) - Math.min(...places);
  });
}

test("1,000 messages and 300 blocks of code are read back without a jump, and a key changes no more than in an empty thread", async ({
  chat,
  deployment,
}) => {
  test.slow();
  const empty = await chat(grace);
  /** What changes in the page while somebody writes, by key. */
  const changes = async (page: Page): Promise<number> => {
    await page.evaluate(() => {
      const observer = new MutationObserver((records) => (counted.changes += records.length));
      const counted = Object.assign(window, { changes: 0, observer });
      observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    });
    await page.keyboard.type("twenty keys of a text");
    return page.evaluate(() => {
      const { changes: all, observer } = window as unknown as { changes: number; observer: MutationObserver };
      observer.disconnect();
      return all;
    });
  };
  const inEmpty = await changes(empty.page);
  await empty.field.clear();

  await fill(deployment);
  const client = await chat(grace);
  while ((await client.bodies.count()) < 1000) expect(await jumpWhileOlderLoad(client.log)).toBeLessThanOrEqual(1);
  await expect(client.log.getByRole("region", { name: "Code in go" })).toHaveCount(300);
  await client.field.focus();
  const counts = [await changes(client.page)];
  await client.field.clear();
  counts.push(await changes(client.page));
  expect(Math.min(...counts)).toBeLessThanOrEqual(inEmpty); // once a minute the page says anew when the last answer came
});
