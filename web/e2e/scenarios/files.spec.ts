import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { hasNoViolation } from "../support/axe.ts";
import { Chat } from "../support/chat.ts";
import { ada, grace } from "../support/deployment.ts";
import { intercept } from "../support/intercept.ts";
import { expect, test } from "../support/scenario.ts";

const MB = 1_048_576;

/** What the object store answers to what it refuses. */
const refusal = { status: 403, body: "No.", headers: { "Access-Control-Allow-Origin": "*" } };

/** A picture, drawn by the browser itself. */
async function png(page: Page, width = 320, height = 200): Promise<Buffer> {
  const address = await page.evaluate(
    ([w, h]) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [w!, h!];
      const context = canvas.getContext("2d")!;
      context.fillStyle = "teal";
      context.fillRect(0, 0, w! / 2, h!);
      return canvas.toDataURL("image/png");
    },
    [width, height],
  );
  return Buffer.from(address.split(",")[1]!, "base64");
}

interface NamedFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

const text = (name: string, size = 10): NamedFile => ({
  name,
  mimeType: "text/plain",
  buffer: Buffer.alloc(size, "x"),
});

const choose = (chat: Chat, ...files: NamedFile[]) =>
  chat.page.locator("input[type=file][multiple]").setInputFiles(files);

/** Chooses a file that is made within the page: it would take long to get there. */
const chooseLarge = (chat: Chat, name: string, size: number) =>
  chat.page.locator("input[type=file][multiple]").evaluate(
    (input: HTMLInputElement, file) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(file.size)], file.name));
      input.files = transfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    },
    { name, size },
  );

/** Pastes files into the field, or drops them on something, as a browser tells a page of it. */
async function give(target: Locator, how: "paste" | "drop", files: NamedFile[]): Promise<void> {
  const given = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, data: buffer.toString("base64") }));
  await target.evaluate(
    (element, { event, sent }) => {
      const transfer = new DataTransfer();
      for (const { name, mimeType, data } of sent) {
        const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: mimeType }));
      }
      const about = { bubbles: true, cancelable: true };
      const made =
        event === "paste"
          ? new ClipboardEvent("paste", { ...about, clipboardData: transfer })
          : new DragEvent("drop", { ...about, dataTransfer: transfer });
      element.dispatchEvent(made);
    },
    { event: how, sent: given },
  );
}

/** Drops what is on a disk on something, as somebody does it by hand. */
async function dropFromDisk(page: Page, target: Locator, files: string[]): Promise<void> {
  const { x, y, width, height } = (await target.boundingBox())!;
  const session = await page.context().newCDPSession(page);
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await session.send("Input.dispatchDragEvent", {
      ...{ type, x: x + width / 2, y: y + height / 2 },
      data: { items: [], files, dragOperationsMask: 1 },
    });
  }
}

/** Waits until the browser keeps what was chosen: a reload before that is faster than a disk. */
const keepsChosen = (page: Page, count: number) =>
  expect
    .poll(() =>
      page.evaluate(async (name) => {
        if (!(await indexedDB.databases()).some((database) => database.name === name)) return 0; // opening it would make it
        return new Promise<number>((resolve, reject) => {
          const opening = indexedDB.open(name);
          opening.onerror = () => reject(new Error("It cannot be opened."));
          opening.onsuccess = () => {
            const asked = opening.result.transaction("chosen").objectStore("chosen").getAll();
            asked.onsuccess = () => {
              opening.result.close();
              resolve((asked.result as { files: File[] }[]).flatMap(({ files }) => files).length);
            };
          };
        });
      }, "devinbox-example-files"),
    )
    .toBe(count);

/** The files that go with the message that is being written. */
const staged = (chat: Chat) => chat.page.getByRole("list", { name: "Files to send" }).getByRole("listitem");
const send = (chat: Chat) => chat.page.getByRole("button", { name: "Send", exact: true }).click();
/** The message that has a file of that name. */
const holder = (thread: Pick<Chat, "messages" | "page">, name: string) =>
  thread.messages.filter({
    has: thread.page.locator(`[data-attachments] :text-is("${name}"), [aria-label="${name}"]`),
  });

test("a pasted screenshot is there on both sides, in its place before it is loaded, and opens by keyboard", async ({
  chat,
  inbox,
}) => {
  const client = await chat(grace);
  await client.write("Look at this");
  await client.delivery("Look at this", "Sent");
  const team = await inbox(ada);
  const conversation = await team.open("Grace");
  await give(client.field, "paste", [
    { name: "screenshot.png", mimeType: "image/png", buffer: await png(client.page) },
  ]);
  await expect(staged(client)).toContainText("screenshot.png");
  await client.write("My screen");
  await client.delivery("My screen", "Sent");

  const picture = holder(conversation, "screenshot.png").getByRole("button", { name: "screenshot.png" });
  await expect(picture.getByRole("img", { name: "screenshot.png" })).toHaveJSProperty("naturalWidth", 320);
  const box = (await picture.boundingBox())!;
  expect(Math.abs(box.width / box.height - 320 / 200)).toBeLessThan(0.05);

  await picture.focus();
  await team.page.keyboard.press("Enter");
  const viewer = team.page.getByRole("dialog", { name: "screenshot.png" });
  await expect(viewer.getByRole("img", { name: "screenshot.png" })).toBeVisible();
  await team.page.keyboard.press("Escape");
  await expect(viewer).toBeHidden();
  await expect(picture).toBeFocused();

  const policy = (await client.page.request.get("/chat")).headers()["content-security-policy"];
  expect(policy).toMatch(/; connect-src 'self' ws:\/\/127\.0\.0\.1:\* http:\/\/127\.0\.0\.1:\*; /);
  expect(policy).toMatch(/; img-src 'self' data: blob: http:\/\/127\.0\.0\.1:\*; /);
  // If it cannot be loaded it is a link, which stays good, and a picture again once there is a network.
  await client.page.clock.install();
  const restore = await intercept(client.page, /X-Amz-Signature/, (route) => route.abort());
  await client.page.reload();
  await expect(holder(client, "screenshot.png").getByRole("link")).toBeVisible();
  const renewed = client.page.waitForRequest("**/api/attachments?*");
  await client.page.clock.fastForward("05:00");
  await renewed;
  restore();
  await client.page.evaluate(() => window.dispatchEvent(new Event("online")));
  await expect(holder(client, "screenshot.png").getByRole("img", { name: "screenshot.png" })).toHaveJSProperty(
    "naturalWidth",
    320,
  );
});

test("a page that was loaded before its person signed in keeps chosen files as any other", async ({ open }) => {
  const unauthorized = { status: 401, json: { status: 401, code: "unauthorized", detail: "Nobody is signed in." } };
  let signIn = () => {};
  const page = await open("/chat?as=grace", {
    prepare: async (prepared) => {
      signIn = await intercept(prepared, "**/api/session", (route) => route.fulfill(unauthorized));
    },
  });
  const alert = page.getByRole("main").getByRole("alert");
  await expect(alert).toBeVisible();
  signIn();
  await expect(async () => {
    await page.evaluate(() => window.dispatchEvent(new Event("online"))); // as when one comes back from where one signs in
    await expect(alert).toBeHidden({ timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  const client = await Chat.on(page);
  await choose(client, text("log.txt"));
  await expect(staged(client)).toContainText("log.txt");
  await keepsChosen(page, 1);
  await page.reload();
  await expect(staged(client)).toContainText("log.txt");
});

test("five files that are dropped at once are sent together, and a drop that misses opens nothing", async ({
  chat,
  deployment,
}) => {
  const client = await chat(grace);
  const picture = await png(client.page);
  const files = [
    ...["a.png", "b.png"].map((name) => ({ name, mimeType: "image/png", buffer: picture })),
    ...["c.txt", "d.txt", "e.txt"].map((name) => text(name)),
  ];
  await give(client.log, "drop", files);
  await expect(staged(client)).toHaveCount(5);
  await send(client);
  for (const { name } of files) await expect(holder(client, name)).toHaveCount(1);
  await expect(holder(client, "a.png")).toContainText(/Sent|Seen/);
  const [message] = await deployment.stored(grace);
  expect(message!.attachments.map(({ fileName }) => fileName)).toEqual(files.map(({ name }) => name));

  const isRefused = await client.page.evaluate(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], "missed.txt"));
    const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer });
    return !document.body.dispatchEvent(event);
  });
  expect(isRefused).toBe(true);
  await expect(staged(client)).toHaveCount(0);

  await holder(client, "a.png").getByRole("button", { name: "a.png", exact: true }).click();
  await expect(client.page.getByRole("dialog", { name: "a.png" })).toContainText("1 of 2");
  await client.page.keyboard.press("ArrowRight");
  await expect(client.page.getByRole("dialog", { name: "b.png" })).toContainText("2 of 2");
  await client.page.keyboard.press("ArrowLeft");
  await expect(client.page.getByRole("dialog", { name: "a.png" })).toContainText("1 of 2");
  await client.page.keyboard.press("Escape");

  const disk = await mkdtemp(join(tmpdir(), "devinbox-drop-"));
  try {
    await mkdir(join(disk, "photos"));
    await writeFile(join(disk, "notes.txt"), "Notes");
    await dropFromDisk(client.page, client.log, [join(disk, "photos"), join(disk, "notes.txt")]);
    await expect(client.page.getByRole("main").getByRole("alert")).toHaveText("photos: a folder cannot be sent.");
    await expect(staged(client)).toHaveCount(1);
    await expect(staged(client)).toContainText("notes.txt");
  } finally {
    await rm(disk, { recursive: true });
  }
});

test("25 MB are sent; what is larger, or too many, is said before anything is sent", async ({ chat, deployment }) => {
  const client = await chat(grace);
  await chooseLarge(client, "large.bin", 25 * MB);
  await send(client);
  await expect(holder(client, "large.bin")).toContainText(/Sent|Seen/);

  await chooseLarge(client, "larger.bin", 25 * MB + 1);
  const alert = client.page.getByRole("main").getByRole("alert");
  await expect(alert).toHaveText("larger.bin: too large. A file may have 25 MB at most.");
  await choose(client, text("empty.txt", 0));
  await expect(alert).toHaveText("empty.txt: there is nothing in it.");
  await expect(staged(client)).toHaveCount(0);
  await choose(client, ...Array.from({ length: 11 }, (_, i) => text(`${i}.txt`)));
  await expect(alert).toHaveText("10.txt: left out. A message takes 10 files at most.");
  await expect(staged(client)).toHaveCount(10);
  expect(await deployment.stored(grace)).toHaveLength(1);
});

test("an upload that fails is tried again; one that is refused, by a person", async ({ chat }) => {
  const client = await chat(grace);
  let failures = 0;
  const stopFailing = await intercept(client.page, /X-Amz-Signature/, (route) =>
    route.request().method() === "PUT" && failures++ < 2 ? route.abort() : route.continue(),
  );
  await choose(client, text("log.txt"));
  await send(client);
  await expect(holder(client, "log.txt")).toContainText(/Sent|Seen/);
  expect(failures).toBe(3);

  stopFailing();
  const stopRefusing = await intercept(client.page, /X-Amz-Signature/, (route) => route.fulfill(refusal));
  await choose(client, text("refused.txt"));
  await send(client);
  const refused = holder(client, "refused.txt");
  await expect(refused).toContainText("The file could not be stored.");
  stopRefusing();
  await refused.getByRole("button", { name: "Upload again refused.txt" }).click();
  await expect(refused).toContainText(/Sent|Seen/);
});

test("a reload in the middle loses nothing, nor does a network that goes away", async ({ chat, deployment }) => {
  const client = await chat(grace);
  const picture = await png(client.page);
  let puts = 0;
  const release = await intercept(client.page, /X-Amz-Signature/, (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    puts++;
    return undefined;
  });
  await choose(client, text("log.txt"), { name: "a.png", mimeType: "image/png", buffer: picture });
  await expect(staged(client)).toHaveCount(2);
  await keepsChosen(client.page, 2);
  await client.page.reload();
  await expect(staged(client)).toContainText(["log.txt", "a.png"]);
  await client.write("In the middle");
  await expect(client.page.getByRole("progressbar", { name: "log.txt, upload" })).toBeVisible();
  await expect.poll(() => puts).toBe(2); // each file is kept before it goes out
  release();
  await client.page.reload();
  await client.delivery("In the middle", "Sent");
  const [message] = await deployment.stored(grace);
  expect(message!.attachments.map(({ fileName }) => fileName)).toEqual(["log.txt", "a.png"]);

  await client.page.context().setOffline(true);
  await choose(client, text("tunnel.txt"));
  await client.write("In a tunnel");
  await expect(holder(client, "tunnel.txt").getByRole("progressbar")).toBeVisible();
  await client.page.context().setOffline(false);
  await client.delivery("In a tunnel", "Sent");
});

test("by keyboard alone files are chosen, taken back, sent and cancelled, and the message goes without those", async ({
  chat,
  deployment,
}) => {
  const client = await chat(grace);
  await client.page.route(/X-Amz-Signature/, (route) =>
    route.request().method() === "PUT" && route.request().headers()["content-type"] === "text/plain"
      ? undefined
      : route.continue(),
  );
  const { keyboard } = client.page;
  const opened = client.page.waitForEvent("filechooser");
  await client.page.getByRole("button", { name: "Attach files" }).focus();
  await keyboard.press("Enter");
  const picture = { name: "a.png", mimeType: "image/png", buffer: await png(client.page) };
  await (await opened).setFiles([text("slow.txt"), text("wrong.txt"), picture]);
  await expect(staged(client)).toHaveCount(3);
  await expect(client.field).toBeFocused();
  await client.page.getByRole("button", { name: "Remove wrong.txt" }).focus();
  await keyboard.press("Enter");
  await expect(client.page.getByRole("button", { name: "Remove a.png" })).toBeFocused();
  await client.write("Both");

  const cancel = client.page.getByRole("button", { name: "Cancel slow.txt" });
  await expect(cancel).toBeVisible();
  for (const key of ["Shift+Tab", "Shift+Tab", "ArrowUp"]) await keyboard.press(key);
  await expect(client.messages).toBeFocused();
  for (let i = 0; i < 3; i++) await keyboard.press("Tab"); // the picture, its upload, and the other one
  await expect(cancel).toBeFocused();
  await keyboard.press("Enter");
  await client.delivery("Both", "Sent");
  const [message] = await deployment.stored(grace);
  expect(message!.attachments.map(({ fileName }) => fileName)).toEqual(["a.png"]);
});

test("axe finds nothing at files that are chosen, on their way, refused, sent and looked at, on a phone", async ({
  chat,
}) => {
  const client = await chat(grace, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  const camera = client.page.waitForEvent("filechooser");
  await client.page.getByRole("button", { name: "Take a picture" }).tap();
  expect(await (await camera).element().getAttribute("capture")).toBe("environment");
  const picture = await png(client.page);
  await choose(client, text("log.txt"), { name: "a.png", mimeType: "image/png", buffer: picture });
  await hasNoViolation(client.page, "chosen files");
  await client.field.fill("Sent files");
  await send(client);
  await client.delivery("Sent files", "Sent");
  await client.page.route(/X-Amz-Signature/, (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    return route.request().headers()["content-type"] === "text/plain" ? route.fulfill(refusal) : undefined;
  });
  await choose(client, text("refused.txt"), { name: "slow.png", mimeType: "image/png", buffer: picture });
  await send(client);
  await expect(holder(client, "refused.txt")).toContainText("The file could not be stored.");
  await hasNoViolation(client.page, "files on their way, refused and sent");
  await holder(client, "a.png").getByRole("button", { name: "a.png", exact: true }).click();
  await expect(client.page.getByRole("dialog", { name: "a.png" })).toBeVisible();
  await hasNoViolation(client.page, "a picture that is looked at");
});
