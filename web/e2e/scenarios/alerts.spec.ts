import { ada, alan, grace } from "../support/deployment.ts";
import { Inbox } from "../support/inbox.ts";
import { note, told, welcome } from "../support/notices.ts";
import { expect, test } from "../support/scenario.ts";

test("a developer is told once, in one tab, and not of what is on the screen", async ({ inbox, deployment }) => {
  await deployment.send(alan, "Alan asks");
  await deployment.send(grace, "Grace asks");
  let release = () => {};
  const isShown = new Promise<void>((resolve) => (release = resolve));
  const team = await inbox(ada, {
    prepare: async (page) => {
      await note(page);
      // This tab is told of what is on the screen of the other one a little later: it waits for less than a second for that to say so.
      await page.routeWebSocket(/./, (socket) => {
        socket.connectToServer().onMessage(async (message) => {
          if (message.includes("On the screen")) await isShown;
          socket.send(message);
        });
      });
    },
  });
  await team.page.getByRole("button", { name: "How to be told" }).click();
  await team.page.getByRole("menuitemcheckbox", { name: "Desktop notifications" }).click();
  await team.page.keyboard.press("Escape");
  const tab = await team.page.context().newPage();
  await note(tab);
  await tab.goto("/inbox?as=ada");
  const second = await Inbox.on(tab);
  await second.open("Alan");

  await deployment.send(alan, "On the screen of the second tab");
  await expect(second.line("Alan")).toContainText("On the screen");
  release();
  await expect(team.line("Alan")).toContainText("On the screen");
  await deployment.send(grace, "Are you there?");
  await expect
    .poll(async () => [...(await told(team.page)), ...(await told(tab))].sort())
    .toEqual(["Grace: Are you there?", welcome, "a sound"]);
  await deployment.send(ada, "I am", grace); // one's own side is nothing new
  await deployment.send(grace, "Good");
  await expect
    .poll(async () => [...(await told(team.page)), ...(await told(tab))].sort())
    .toEqual(["Grace: Are you there?", "Grace: Good", welcome, "a sound", "a sound"]);
});

test("a client hears nothing until they want to, and is told while they look elsewhere", async ({
  chat,
  deployment,
}) => {
  const client = await chat(grace, { prepare: note });
  await client.write("Hello");
  await client.delivery("Hello", "Sent");
  await client.page.getByRole("button", { name: "How to be told" }).click();
  await expect(client.page.getByRole("menuitemcheckbox", { name: "Sound" })).not.toBeChecked();
  const notifications = client.page.getByRole("menuitemcheckbox", { name: "Desktop notifications" });
  const refused = client.page.getByText("This browser allows no notifications here.");
  // As on an iPhone, and then as in Chrome for Android.
  for (const browser of ["without", "throwing"]) {
    await client.page.evaluate((kind) => {
      const page = window as unknown as { Notification: typeof Notification; kept?: typeof Notification };
      const kept = (page.kept ??= page.Notification);
      Reflect.deleteProperty(window, "Notification");
      if (kind === "without") return;
      const throwing = () => {
        throw new TypeError("Illegal constructor.");
      };
      Object.assign(window, {
        Notification: Object.assign(throwing, { requestPermission: () => kept.requestPermission() }),
      });
    }, browser);
    await notifications.click();
    await expect(refused).toBeVisible();
    await expect(notifications).not.toBeChecked();
    await client.page.keyboard.press("Escape");
    await client.page.getByRole("button", { name: "How to be told" }).click();
  }
  await client.page.evaluate(() => Object.assign(window, { Notification: (window as never)["kept"] }));
  await notifications.click();
  await expect(notifications).toBeChecked();
  await client.page.keyboard.press("Escape");
  await deployment.send(ada, "Seen", grace);
  await expect(client.message("Seen")).toBeVisible();
  await client.page.evaluate(() => Object.defineProperty(document, "visibilityState", { get: () => "hidden" }));
  await deployment.send(ada, "Not seen", grace);
  await expect.poll(() => told(client.page)).toEqual([welcome, "Ada: Not seen"]);
});
