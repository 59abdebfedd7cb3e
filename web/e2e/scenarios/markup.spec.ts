import { ada, grace } from "../support/deployment.ts";
import { expect, test } from "../support/scenario.ts";

const code = `const answer = await fetch("/api/session"); // ${"a long line ".repeat(20)}`;

test("text as developers write it, loaded with the first message that needs it", async ({ chat, deployment }) => {
  await deployment.send(ada, "No markup here", grace);
  const client = await chat(grace);
  const scripts: string[] = [];
  client.page.on("request", (request) => {
    if (request.resourceType() === "script") scripts.push(request.url());
  });
  await client.shows("No markup here");
  await client.page.waitForLoadState("networkidle");
  scripts.length = 0;
  await deployment.send(
    ada,
    `It is **not** *that*, \`but\` this:\n\`\`\`ts\n${code}\n\`\`\`\n- one\n- two\n> quoted`,
    grace,
  );
  const last = client.messages.last();
  await expect(last.locator("strong")).toHaveText("not");
  await expect(last.locator("em")).toHaveText("that");
  await expect(last.locator("p code")).toHaveText("but");
  await expect(last.getByRole("listitem")).toHaveText(["one", "two"]);
  await expect(last.locator("blockquote")).toHaveText("quoted");
  const block = last.getByRole("region", { name: "Code in ts" });
  await expect(block).toHaveText(code);
  expect(scripts.length).toBeGreaterThan(0);

  // One line stays one, and is moved sideways.
  const size = await block.evaluate((pre) => ({
    hidden: pre.scrollWidth - pre.clientWidth,
    lines: pre.clientHeight / 20,
  }));
  expect(size.hidden).toBeGreaterThan(100);
  expect(size.lines).toBeLessThan(3);
  await client.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const copied = () => client.page.evaluate(() => navigator.clipboard.readText());
  await last.getByRole("button", { name: "Copy the code" }).click();
  await expect.poll(copied).toBe(code);

  await client.choose("No markup here", "Copy text");
  await expect.poll(copied).toBe("No markup here");
  await client.choose("No markup here", "Quote in an answer");
  await expect(client.field).toHaveValue("> No markup here\n\n");
  await expect(client.field).toBeFocused();
  await client.page.keyboard.type("Indeed");
  await client.page.keyboard.press("Enter");
  await expect(client.messages.last().locator("blockquote")).toHaveText("No markup here");
  expect((await deployment.stored(grace)).at(-1)!.body).toBe("> No markup here\n\nIndeed");
});
