import type { BrowserContextOptions, Page } from "@playwright/test";
import { type Deployment, type Person, ada, alan, grace, ken } from "../support/deployment.ts";
import { expect, test } from "../support/scenario.ts";

const folder = process.env["SCREENSHOTS"]!;
const screens: Record<string, BrowserContextOptions> = {
  desktop: { viewport: { width: 1280, height: 800 } },
  wide: { viewport: { width: 1920, height: 1080 } },
  tablet: { viewport: { width: 820, height: 1180 }, hasTouch: true },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};

const clients: [Person, string][] = [
  [{ id: "46", role: "client", name: "Linus" }, "hello?"],
  [alan, "Is there a way to import our old tickets?"],
  [{ id: "44", role: "client", name: "Frances" }, "The invoice of October has the wrong address."],
  [{ id: "45", role: "client", name: "Barbara" }, "We need two more seats from December on."],
  [{ id: "47", role: "client", name: "Niklaus" }, "Can the nightly export go to another region?"],
];

/** Lets some people write, over three days. */
async function write(deployment: Deployment): Promise<void> {
  for (const [client, body] of clients) await deployment.send(client, body);
  await deployment.call(ada, "POST", "/api/messages/read", { clientId: "44", upToSeq: 1 });
  await deployment.call(ken, "POST", "/api/conversations/update", { clientId: "45", assigneeId: ken.id });
  const lines: [Person, string][] = [
    [grace, "Good morning! Since yesterday the export of our report stops halfway."],
    [grace, "It says “timeout” after a minute: https://example.com/reports/42"],
    [grace, "Could you have a look?"],
    [ada, "Of course. Which format did you choose?"],
    [
      grace,
      'CSV, by the **API**:\n```sh\ncurl https://example.com/reports/42.csv \\\n  --header "Authorization: Bearer $TOKEN" --max-time 120\n```\nThe PDF works.',
    ],
    [
      ada,
      "Thank you, I can reproduce it: with more than 50,000 rows it is too slow. I’ll raise the limit and tell you when it is live.",
    ],
    [grace, "Great"],
    [ada, "Done. Please try again."],
    [grace, "That was quick, it works!\n\nOne more thing: could the columns stay in the order in which I chose them?"],
  ];
  for (const [who, body] of lines) await deployment.send(who, body, grace);
  await deployment.call(ada, "POST", "/api/messages/read", { clientId: grace.id, upToSeq: 8 });
  await deployment.call(grace, "POST", "/api/messages/read", { upToSeq: 8 });
  await deployment.call(ada, "POST", "/api/conversations/update", { clientId: grace.id, assigneeId: ada.id });
  // At noon of this and earlier days, so that the pictures are the same at any time of day.
  await deployment.sql(`
    update chat.message set created_at = date_trunc('day', now()) - case
      when client_id = '42' and seq <= 3 then interval '1 day' when client_id in ('43', '46') then interval '3 days' else '0' end
      + interval '10 hours' + case client_id when '42' then seq * interval '2 minutes' else client_id::int * interval '7 minutes' - interval '7 hours' end;
    update chat.conversation c set last_message_at = m.created_at, online = c.client_id in ('42', '45'), online_at = now()
      from chat.message m where m.client_id = c.client_id and m.seq = c.last_seq`);
}

/** Sends a picture and others, and chooses two more files. */
async function sendFiles(page: Page): Promise<void> {
  const draw = async (width: number, height: number) => {
    const address = await page.evaluate(
      ([w, h]) => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [w!, h!];
        const context = canvas.getContext("2d")!;
        const colours = context.createLinearGradient(0, 0, w!, h!);
        colours.addColorStop(0, "#cfe8e4");
        colours.addColorStop(1, "#2c7a73");
        context.fillStyle = colours;
        context.fillRect(0, 0, w!, h!);
        context.fillStyle = "#fff";
        for (const [y, length] of [
          [0.2, 0.4],
          [0.4, 0.7],
          [0.55, 0.6],
        ] as const)
          context.fillRect(w! * 0.1, h! * y, w! * length, h! * 0.06);
        return canvas.toDataURL("image/png");
      },
      [width, height],
    );
    return { mimeType: "image/png", buffer: Buffer.from(address.split(",")[1]!, "base64") };
  };
  const data = (mimeType: string, size: number) => ({ mimeType, buffer: Buffer.alloc(size, "x") });
  const input = page.locator("input[type=file][multiple]");
  await input.setInputFiles([
    { name: "before.png", ...(await draw(1280, 720)) },
    { name: "after.png", ...(await draw(390, 844)) },
    { name: "report.pdf", ...data("application/pdf", 2_345_678) },
  ]);
  await page.getByRole("textbox").fill("It looks like this.");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("log").getByText("Sent")).toBeVisible();
  await input.setInputFiles([
    { name: "screenshot.png", ...(await draw(800, 600)) },
    { name: "server.log", ...data("text/plain", 34_000) },
  ]);
  await expect(page.getByRole("list", { name: "Files to send" }).getByRole("listitem")).toHaveCount(2);
}

/** What looks no other on these than on a desktop is left out. */
const between = ["tablet", "wide"];

for (const [screen, options] of Object.entries(screens)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`${screen}, ${colorScheme}`, async ({ open, deployment }) => {
      await write(deployment);
      const shoot = async (page: Page, name: string) => {
        await expect(page.getByText(/Loading/)).toHaveCount(0);
        await expect(page.getByText("```sh")).toHaveCount(0); // until what reads it is loaded
        await page.screenshot({
          path: `${folder}/${name}-${colorScheme}-${screen}.png`,
          animations: "disabled",
          caret: "hide",
        });
      };
      const visit = (path: string) => open(path, { ...options, colorScheme });
      const question = "That was quick";

      const inbox = await visit("/inbox?as=ada");
      await expect(inbox.getByRole("link", { name: /Niklaus/ })).toBeVisible();
      await shoot(inbox, "inbox");
      await inbox.getByRole("link", { name: /Grace/ }).click();
      await expect(inbox.getByRole("log").getByText(question)).toBeVisible();
      await expect(inbox.getByRole("region", { name: "Code in sh" })).toBeVisible();
      await shoot(inbox, "conversation");
      if (screen === "phone") {
        await inbox.getByRole("button", { name: "Conversation actions" }).tap();
        await expect(inbox.getByRole("menuitem", { name: "About the client" })).toBeVisible();
        await shoot(inbox, "menu");
        await inbox.keyboard.press("Escape");
      } else {
        await inbox.getByRole("log").focus();
        await inbox.keyboard.press("?");
        await expect(inbox.getByRole("dialog", { name: "Keys" })).toBeVisible();
        await shoot(inbox, "keys");
        await inbox.keyboard.press("Escape");
      }

      const chat = await visit("/chat?as=grace");
      await expect(chat.getByText(question)).toBeVisible();
      await shoot(chat, "chat");
      await chat.route("**/api/messages/send", (route) =>
        route.fulfill({ status: 403, json: { status: 403, code: "forbidden" } }),
      );
      await chat.getByRole("textbox").fill("Are you there?");
      await chat.getByRole("button", { name: "Send" }).click();
      await expect(chat.getByText(/Not sent/)).toBeVisible();
      await chat.context().setOffline(true);
      await expect(chat.getByText(/You are offline/)).toBeVisible();
      await shoot(chat, "offline");
      if (between.includes(screen)) return;

      await deployment.sql(
        `delete from chat.message where client_id = '43'; delete from chat.conversation where client_id = '43'`,
      );
      const first = await visit("/chat?as=alan");
      await expect(first.getByText("Ask us anything")).toBeVisible();
      await shoot(first, "first-message");
      await sendFiles(first);
      await shoot(first, "files");

      const widget = await visit("/widget?as=grace");
      await widget.getByRole("button", { name: /Chat with the developers/ }).click();
      await expect(widget.getByRole("log").getByText(question)).toBeVisible();
      await shoot(widget, "widget");

      const home = await visit("/");
      await expect(home.getByRole("log").getByText(question)).toHaveCount(2);
      await shoot(home, "home");
      const signIn = await visit("/authjs");
      await expect(signIn.getByRole("button", { name: "Grace" })).toBeVisible();
      await shoot(signIn, "sign-in");
      await shoot(await visit("/nowhere"), "not-found");
    });
  }
}
