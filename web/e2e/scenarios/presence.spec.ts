import { ada, grace, ken } from "../support/deployment.ts";
import { expect, test } from "../support/scenario.ts";

test.use({ settings: { CHAT_CHANNELS: "presence" } });

test("developers see who else is looking and who is answering; a client sees neither", async ({
  inbox,
  chat,
  deployment,
}) => {
  await deployment.send(grace, "Hello");
  await deployment.send(ken, "Good morning", grace); // one of the team, by name
  const [first, second, client] = await Promise.all([inbox(ada), inbox(ken), chat(grace)]);
  await first.open("Grace");
  const others = first.page.getByRole("list", { name: "Others who are here" });
  await expect(first.page.getByRole("heading", { level: 2 })).toHaveText("Grace");
  await expect(others).toHaveCount(0);
  const conversation = await second.open("Grace");
  await expect(others).toHaveText("Ken is looking at this");
  await expect(async () => {
    await conversation.field.press("x");
    await expect(others).toHaveText("Ken is answering", { timeout: 1_000 });
  }).toPass();
  await expect(others).toHaveText("Ken is looking at this");
  await expect(client.page.getByText(/Ken is (looking|answering)/)).toHaveCount(0);
  await second.page.close();
  await expect(others).toHaveCount(0);
});
