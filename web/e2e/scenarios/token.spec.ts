import { Inbox } from "../support/inbox.ts";
import { ada, grace, token } from "../support/deployment.ts";
import { expect, test } from "../support/scenario.ts";

// Whoever deploys the example, or runs it with a deployment's secret, gives nobody a token who only asks for one.
test.use({ settings: { DEMO: "false" } });

test("where the demo may sign nobody in, a page says how to, and takes a token", async ({ open, deployment }) => {
  await deployment.send(grace, "Hello");
  for (const as of ["grace", "ada"]) {
    const refused = await fetch(`${deployment.url}/api/token?as=${as}`);
    expect(refused.status).toBe(401);
    expect(await refused.text()).not.toContain("eyJ");
  }

  const page = await open("/inbox?as=ada");
  const form = page.getByRole("form", { name: "Sign in as Ada" });
  await expect(form).toContainText("go run ./cmd/devinbox token --role developer --sub ada --name Ada");
  await form.getByLabel("Token").fill(` ${token(ada)} `);
  await form.getByRole("button", { name: "Sign in as Ada" }).click();
  const inbox = await Inbox.on(page);
  await inbox.lists("Grace");
  await (await inbox.open("Grace")).shows("Hello");

  await page.goto("/");
  await expect(page.getByRole("form")).toHaveCount(2);
  await page.goto("/authjs");
  await expect(page.getByRole("main")).toContainText("AUTH_SECRET");
  await expect(page.getByRole("button")).toHaveCount(0);
});
