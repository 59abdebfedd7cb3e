import { afterEach, describe, expect, test, vi } from "vitest";
import { attachmentUrl, chatFiles, watchAttachmentUrl } from "../src/files.js";
import type { ChatError, ChatOptions, ConversationStore, SessionIdentity } from "../src/index.js";
import { stubBrowser } from "./support/files.js";
import { MapStorage } from "./support/storage.js";
import { FakeLocks, World, ada, grace, json, page, problem } from "./support/world.js";

const heidi: SessionIdentity = { id: "43", role: "client", name: "Heidi" };
const MB = 1_048_576;

afterEach(() => {
  vi.useRealTimers();
});

const file = (name: string, size = 10, type = "text/plain") => new File(["x".repeat(size)], name, { type });
const image = (name = "screenshot.png") => file(name, 10, "image/png");

/** What a file is like that the browser cannot read: a folder, or one that was deleted or changed since it was chosen. */
const unreadable = () => ({
  isUnreadable: true,
  slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException("It is gone.", "NotFoundError")) }),
});

/** A page that sends files, with a store. */
function filesWorld(options: { locks?: FakeLocks } = {}) {
  const world = new World(options);
  world.limits = { maxBytes: 25 * MB, maxPerMessage: 10 };
  const browser = stubBrowser(world.files, () => world.isCut);
  const live = (more: ChatOptions = {}) => world.live({ files: chatFiles(), ...more });
  /** Lets time pass, at first in small steps, for the database is many of them away. */
  const settle = async (milliseconds = 0) => {
    for (let i = 0; i < 60; i++) await world.pass(1);
    await world.pass(milliseconds);
    for (let i = 0; i < 20; i++) await world.pass(1);
  };
  return { world, ...browser, live, settle };
}

const begun = (world: World) => world.of("POST", "/api/attachments").map((asked) => asked.body);
const shown = (store: ConversationStore) =>
  store.getSnapshot().messages.map(({ body, delivery, attachments }) => ({
    body,
    delivery,
    files: attachments.map(({ fileName, upload }) => `${fileName} ${upload?.state ?? "sent"}`),
  }));
const uploadOf = (store: ConversationStore, name: string) =>
  store
    .getSnapshot()
    .messages.flatMap(({ attachments }) => attachments)
    .find(({ fileName }) => fileName === name)!.upload!;

/** What the browser keeps: which messages, of which files. */
async function keptFiles(database: IDBFactory, settle: () => Promise<void>): Promise<string[]> {
  let keys: IDBValidKey[] = [];
  const opening = database.open("devinbox-files");
  opening.onupgradeneeded = () => opening.result.createObjectStore("files");
  opening.onsuccess = () => {
    const request = opening.result.transaction("files").objectStore("files").getAllKeys();
    request.onsuccess = () => {
      keys = request.result;
      opening.result.close();
    };
  };
  await settle();
  return keys as string[];
}

describe("a message with files", () => {
  test("is shown at once with a preview, tells of the progress, and leaves when all are stored", async () => {
    const { world, live, settle, previews } = filesWorld();
    const { store } = await live();
    const id = store.send("Look", { files: [image(), file("log.txt", 20)] });
    const [message] = store.getSnapshot().messages;
    expect(message).toMatchObject({ body: "Look", delivery: "sending", key: id });
    expect(message!.attachments).toMatchObject([
      { fileName: "screenshot.png", mediaType: "image/png", size: 10, upload: { state: "uploading", progress: 0 } },
      { fileName: "log.txt", mediaType: "text/plain", size: 20, upload: { state: "uploading", progress: 0 } },
    ]);
    expect(previews).toEqual(new Set([uploadOf(store, "screenshot.png").preview]));
    await settle(500);
    expect(store.getSnapshot().messages[0]!.attachments).toMatchObject([
      { width: 640, height: 480, upload: { state: "uploading", progress: 0.5, isKept: true } },
      { width: null, height: null, upload: { state: "uploading", progress: 0.5, isKept: true } },
    ]);
    expect(world.sends).toHaveLength(0);
    await settle(1_000);
    expect(begun(world)).toEqual([
      { clientId: "42", fileName: "screenshot.png", mediaType: "image/png", size: 10, width: 640, height: 480 },
      { clientId: "42", fileName: "log.txt", mediaType: "text/plain", size: 20, width: null, height: null },
    ]);
    expect(world.files.puts[0]!.headers).toEqual({ "Content-Type": "image/png", "If-None-Match": "*" });
    expect(world.sends.map((asked) => asked.body["attachmentIds"])).toEqual([[...world.files.begun.keys()]]);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["screenshot.png sent", "log.txt sent"] }]);
    expect(store.getSnapshot().messages[0]!.key).toBe(id);
  });

  test("of none but files leaves without a text", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    store.send("", { files: [image()] });
    await settle(2_000);
    expect(world.conversation.messages).toMatchObject([{ body: "", attachments: [{ fileName: "screenshot.png" }] }]);
  });

  test("keeps its place among the others, and its files their order, although they are uploaded side by side", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    const names = ["1", "2", "3", "4", "5"];
    store.send("five", { files: names.map((name) => file(name)) });
    store.send("after it");
    store.send("and more", { files: [file("6")] });
    await settle(900);
    expect(world.files.atOnce).toBe(3);
    await settle(5_000);
    expect(world.files.mostAtOnce).toBe(3);
    expect(
      world.conversation.messages.map(({ body, attachments }) => [body, attachments.map((a) => a.fileName)]),
    ).toEqual([
      ["five", names],
      ["after it", []],
      ["and more", ["6"]],
    ]);
  });

  test("shows what was chosen in place of what was sent, as long as the Chat is there", async () => {
    const { live, settle, previews } = filesWorld();
    const { chat, store } = await live();
    store.send("", { files: [image(), image("other.png")] });
    uploadOf(store, "other.png").cancel();
    expect(previews.size).toBe(1);
    await settle(2_000);
    expect(shown(store)[0]!.files).toEqual(["screenshot.png sent"]);
    expect(previews.size).toBe(1);
    chat.close();
    expect(previews.size).toBe(0);
  });

  test("of a developer names the conversation", async () => {
    const { world, settle } = filesWorld();
    world.me = ada;
    const store = world.chat({ files: chatFiles() }).conversation("42");
    store.subscribe(() => {});
    await settle();
    store.send("A build", { files: [file("build.zip", 10, "application/zip")] });
    await settle(2_000);
    expect(begun(world)).toMatchObject([{ clientId: "42", fileName: "build.zip" }]);
    expect(world.conversation.messages).toMatchObject([{ body: "A build", sender: ada }]);
  });
});

test.each<[string, string]>([
  ["Schöne Grüße.txt", "Schöne Grüße.txt"],
  [`${"長".repeat(100)}.pdf`, `${"長".repeat(83)}.pdf`],
  ["x".repeat(300), "x".repeat(255)],
  [`${"x".repeat(300)}.tar.gz`, `${"x".repeat(252)}.gz`],
  [`a.${"長".repeat(100)}`, `a.${"長".repeat(84)}`],
  ["a\u0000b\u0085\n.txt", "ab.txt"],
  ["\u0001", "file"],
  ["", "file"],
  ["half \ud800 a pair.txt", "half \ufffd a pair.txt"],
])("a file's name is made one that the server takes: %j", async (name, sent) => {
  const { world, live, settle } = filesWorld();
  const { store } = await live();
  store.send("", { files: [file(name)] });
  await settle(2_000);
  expect(begun(world)).toMatchObject([{ fileName: sent }]);
  expect(new TextEncoder().encode(sent).length).toBeLessThanOrEqual(255);
});

describe("files that cannot be sent", () => {
  const sized = (name: string, size: number) => Object.defineProperty(file(name), "size", { value: size });

  test.each<[code: string, at: string[], files: File[], limits: World["limits"]]>([
    ["file_too_large", ["b"], [file("a"), sized("b", 25 * MB + 1)], { maxBytes: 25 * MB, maxPerMessage: 10 }],
    ["file_empty", ["a"], [file("a", 0)], { maxBytes: 25 * MB, maxPerMessage: 10 }],
    ["too_many_files", [], [file("a"), file("b"), file("c")], { maxBytes: 25 * MB, maxPerMessage: 2 }],
    ["files_off", [], [file("a")], null],
  ])("are told as %s before anything is shown or sent", async (code, at, files, limits) => {
    const { world, live, settle } = filesWorld();
    world.limits = limits;
    const { store } = await live();
    let error: ChatError | undefined;
    try {
      store.send("Look", { files });
    } catch (cause) {
      error = cause as ChatError;
    }
    expect(error).toMatchObject({ name: "ChatError", code, fields: at.map((field) => ({ field })) });
    expect(error!.message).toMatch(/^[A-Z].+\.$/);
    await settle(1_000);
    expect(store.getSnapshot().messages).toEqual([]);
    expect(world.asked).toEqual([]);
    expect(world.storage.items.size).toBe(0);
  });

  test("are told as files_off where the Chat was made without", async () => {
    const { world } = filesWorld();
    const { store } = await world.live();
    expect(() => store.send("Look", { files: [file("a")] })).toThrow("No files can be sent here.");
    store.send("Look", { files: [] });
    expect(shown(store)).toMatchObject([{ body: "Look" }]);
  });

  test("of 25 MB are sent, and no larger ones", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    store.send("", { files: [new File([new Uint8Array(25 * MB)], "25MB.bin")] });
    await settle(2_000);
    expect(world.conversation.messages).toMatchObject([
      { attachments: [{ size: 26_214_400, mediaType: "application/octet-stream" }] },
    ]);
  });

  test("are refused when it is known what may be, where that was not known before", async () => {
    const { world, settle } = filesWorld();
    world.isCut = true;
    const store = world.chat({ files: chatFiles() }).conversation();
    store.subscribe(() => {});
    world.limits = null;
    store.send("Look", { files: [file("a")] });
    await settle(2_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sending", files: ["a uploading"] }]);
    world.isCut = false;
    await settle(30_000);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "failed", error: { code: "files_off" } }]);
    uploadOf(store, "a").cancel();
    await settle(1_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: [] }]);
  });
});

describe("an upload", () => {
  test.each<[string, (world: World) => void, puts: number, begun: number]>([
    ["a network error", (world) => (world.files.answers = [0, 0]), 3, 1],
    ["a 503 of the store", (world) => (world.files.answers = [503]), 2, 1],
    ["a lost answer: the 412 that follows is a success", (world) => (world.files.losesAnswers = true), 2, 1],
    [
      "a 503 of the server",
      (world) => world.script.set("POST /api/attachments", [() => problem(503, "unavailable")]),
      1,
      2,
    ],
  ])("is tried again after %s", async (_, fail, puts, begins) => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    fail(world);
    store.send("Look", { files: [file("a")] });
    await settle(30_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["a sent"] }]);
    expect([world.files.puts.length, begun(world).length]).toEqual([puts, begins]);
  });

  test("is begun anew where its address has expired meanwhile", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    world.files.answers = () => 503;
    store.send("Look", { files: [file("a")] });
    await settle(14 * 60_000);
    expect(begun(world)).toHaveLength(1);
    world.files.answers = [];
    world.isCut = true;
    await settle(2 * 60_000);
    world.isCut = false;
    await settle(60_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["a sent"] }]);
    expect(begun(world)).toHaveLength(2);
  });

  test.each([400, 403, 404])(
    "has failed where the store refuses it with a %i, and is retried by a person",
    async (status) => {
      const { world, live, settle } = filesWorld();
      const { store } = await live();
      world.files.answers = [status];
      store.send("Look", { files: [file("a"), file("b")] });
      store.send("not held up");
      await settle(3_000);
      expect(shown(store)).toEqual([
        { body: "not held up", delivery: "sent", files: [] },
        { body: "Look", delivery: "failed", files: ["a failed", "b stored"] },
      ]);
      expect(uploadOf(store, "a").error).toMatchObject({ code: "store", status });
      uploadOf(store, "a").retry();
      await settle(3_000);
      expect(shown(store).at(-1)).toEqual({ body: "Look", delivery: "sent", files: ["a sent", "b sent"] });
      expect(world.files.puts.filter((put) => put.size === 10)).toHaveLength(3);
    },
  );

  test("has failed, and is tried again with its message", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    world.files.answers = [403, 403];
    const id = store.send("", { files: [file("a"), file("b")] });
    await settle(3_000);
    expect(shown(store)).toEqual([{ body: "", delivery: "failed", files: ["a failed", "b failed"] }]);
    store.retry(id);
    await settle(3_000);
    expect(shown(store)).toEqual([{ body: "", delivery: "sent", files: ["a sent", "b sent"] }]);
  });

  test("waits while there is no network, and goes on when it is back", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    store.send("In a tunnel", { files: [file("a")] });
    await settle(500);
    world.isCut = true;
    world.online(false);
    await settle(60_000);
    expect(shown(store)).toEqual([{ body: "In a tunnel", delivery: "sending", files: ["a uploading"] }]);
    world.isCut = false;
    world.online(true);
    await settle(1_500);
    expect(shown(store)).toEqual([{ body: "In a tunnel", delivery: "sent", files: ["a sent"] }]);
  });

  test("that stands still is given up and begun again", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    world.files.takesMs = 10_000_000;
    store.send("Look", { files: [file("a")] });
    await settle(30_000);
    world.files.takesMs = 1_000;
    await settle(35_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["a sent"] }]);
  });

  test.each<[string, object]>([
    ["a folder, or a file that is gone or has changed", unreadable()],
    ["a file that is gone and was never read", { ...unreadable(), size: 0, slice: () => new Blob([]) }],
    ["a file that has another size by now", { size: 11 }],
  ])("has failed, and holds nothing up, where the browser can read its file no more: %s", async (_, change) => {
    const { world, live, settle } = filesWorld();
    const { store } = await live({ storage: null }); // so that there is no copy
    const gone = file("a");
    store.send("Look", { files: [gone] });
    for (const [name, value] of Object.entries(change))
      Object.defineProperty(gone, name, { value, configurable: true });
    store.send("not held up");
    await settle(60_000);
    expect(shown(store)).toEqual([
      { body: "not held up", delivery: "sent", files: [] },
      { body: "Look", delivery: "failed", files: ["a failed"] },
    ]);
    const code = "file_unreadable";
    expect(uploadOf(store, "a").error).toMatchObject({ code, status: 0 });
    expect(store.getSnapshot().messages[1]).toMatchObject({ error: { code } });
    expect(world.files.puts.length).toBeLessThan(2);
    for (const name of Object.keys(change)) Reflect.deleteProperty(gone, name);
    uploadOf(store, "a").retry();
    await settle(2_000);
    expect(shown(store).at(-1)).toEqual({ body: "Look", delivery: "sent", files: ["a sent"] });
  });

  test("has failed, and holds nothing up, where a firewall refuses to begin it for a minute", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    world.script.set("POST /api/attachments", () => page(403));
    const id = store.send("Look", { files: [file("a")] });
    store.send("not held up");
    await settle(40_000);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "sending" }, { delivery: "sending" }]);
    await settle(40_000);
    expect(shown(store)).toEqual([
      { body: "not held up", delivery: "sent", files: [] },
      { body: "Look", delivery: "failed", files: ["a failed"] },
    ]);
    expect(uploadOf(store, "a").error).toMatchObject({ code: "http", status: 403 });
    expect(begun(world)).toHaveLength(8);
    world.script.clear();
    store.retry(id);
    await settle(2_000);
    expect(shown(store).at(-1)).toEqual({ body: "Look", delivery: "sent", files: ["a sent"] });
  });

  test("goes on with the copy where the file was deleted after it was chosen", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    world.files.answers = [0];
    const chosen = file("a");
    store.send("Look", { files: [chosen] });
    await settle(500);
    Object.assign(chosen, unreadable());
    await settle(5_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["a sent"] }]);
    expect(world.files.puts).toHaveLength(2);
  });

  test("is of the file itself where the copy cannot be read", async () => {
    for (const isReadable of [true, false]) {
      const { world, live, settle } = filesWorld();
      const { store } = await live();
      const chosen = file("a");
      const slice = vi
        .spyOn(Blob.prototype, "slice")
        .mockImplementation(() => (isReadable ? new Blob(["x"]) : (unreadable().slice() as unknown as Blob)));
      store.send("Look", { files: [chosen] });
      await settle(3_000);
      slice.mockRestore();
      expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["a sent"] }]);
      expect(world.files.puts.map((put) => put.file === chosen)).toEqual([!isReadable]);
      vi.useRealTimers();
    }
  });

  test("is tried for a day, as its message is, and lets those behind it go", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    world.files.answers = () => 0;
    store.send("Look", { files: [file("a")] });
    store.send("behind it");
    await settle(10_000);
    vi.setSystemTime(Date.now() + 24 * 60 * 60_000);
    store.send("a day later");
    await settle(30_000);
    expect(store.getSnapshot().messages).toMatchObject([
      { body: "a day later", delivery: "sent" },
      { body: "Look", delivery: "failed", error: { code: "expired" } },
      { body: "behind it", delivery: "failed", error: { code: "expired" } },
    ]);
    const puts = world.files.puts.length;
    await settle(60_000);
    expect(world.files.puts).toHaveLength(puts);
    world.files.answers = [];
    store.retry(store.getSnapshot().messages[1]!.key);
    await settle(5_000);
    expect(shown(store)).toContainEqual({ body: "Look", delivery: "sent", files: ["a sent"] });
  });

  test("that is given up while its address is asked for never begins", async () => {
    for (const act of ["cancel", "discard", "sign-out"]) {
      const { world, live, settle } = filesWorld();
      const { chat, store } = await live();
      let answer = () => {};
      world.script.set("POST /api/attachments", (asked) => {
        const late = world.answer(asked);
        return new Promise((resolve) => (answer = () => resolve(late)));
      });
      const id = store.send("Look", { files: [file("a")] });
      await settle(500);
      if (act === "cancel") uploadOf(store, "a").cancel();
      if (act === "discard") store.discard(id);
      if (act === "sign-out") await chat.signOut();
      answer();
      await settle(5_000);
      expect(world.files.puts, act).toEqual([]);
      expect(world.files.begun.size).toBe(1);
      vi.useRealTimers();
    }
  });

  test("that is cancelled leaves its message without it; without text, none at all", async () => {
    const { world, live, settle, database, previews } = filesWorld();
    const { store } = await live();
    store.send("Look", { files: [image("a.png"), image("b.png")] });
    store.send("", { files: [image("c.png")] });
    await settle(500);
    uploadOf(store, "a.png").cancel();
    uploadOf(store, "c.png").cancel();
    await settle(3_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["b.png sent"] }]);
    expect(world.files.stored.size).toBe(1);
    expect(await keptFiles(database, settle)).toEqual([]);
    expect(previews.size).toBe(1);
    expect(world.storage.items.size).toBe(0);
  });

  test("that has failed and is cancelled lets its message go", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    world.files.answers = [403];
    store.send("Look", { files: [file("a"), file("b")] });
    await settle(3_000);
    uploadOf(store, "a").cancel();
    await settle(1_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["b sent"] }]);
  });

  test("of a message that was given up stops", async () => {
    const { world, live, settle, database, previews } = filesWorld();
    const { store } = await live();
    const id = store.send("Look", { files: [image()] });
    store.send("after it");
    await settle(500);
    store.discard(id);
    await settle(3_000);
    expect(world.files.puts).toHaveLength(0);
    expect(shown(store)).toEqual([{ body: "after it", delivery: "sent", files: [] }]);
    expect(previews.size).toBe(0);
    expect(await keptFiles(database, settle)).toEqual([]);
  });

  test("stops with the Chat", async () => {
    const { world, live, settle } = filesWorld();
    const { chat, store } = await live();
    store.send("Look", { files: [file("a"), file("b")] });
    await settle(500);
    chat.close();
    const asked = world.asked.length;
    await settle(120_000);
    expect(world.files.puts).toHaveLength(0);
    expect(world.asked).toHaveLength(asked);
    store.send("too late", { files: [file("c")] });
    await settle(10_000);
    expect(world.asked).toHaveLength(asked);
  });
});

describe("what was chosen and not sent", () => {
  test("is begun anew where the server does not know it any more, as after a day", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live();
    world.script.set("POST /api/messages/send", [
      () => {
        world.files.stored.clear(); // the cron was here
        for (const forgotten of world.files.begun.values()) forgotten.clientId = "gone";
        const errors = [{ field: "attachmentIds", message: "must be of files that are stored" }];
        return json({ code: "validation_failed", status: 422, detail: "No.", errors, requestId: "r" }, 422);
      },
    ]);
    const id = store.send("Look", { files: [file("a"), file("b")] });
    await settle(3_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "failed", files: ["a failed", "b failed"] }]);
    expect(uploadOf(store, "a").error).toMatchObject({ code: "validation_failed" });
    store.retry(id);
    await settle(3_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["a sent", "b sent"] }]);
    expect(world.files.begun.size).toBe(4);
  });

  test.each<[string, ChatOptions]>([
    ["of another server", { baseUrl: "https://other.example" }],
    ["that keeps nothing", { storage: null }],
    ["of another server that keeps nothing", { baseUrl: "https://other.example", storage: null }],
  ])("is left alone by another Chat of the same browser: %s", async (_, other) => {
    const { world, live, settle, database } = filesWorld();
    const first = await live();
    world.files.answers = () => 503;
    first.store.send("Look", { files: [file("a")] });
    await settle(500);
    first.chat.close();
    world.files.answers = [];
    const second = world.chat({ files: chatFiles(), ...other });
    second.conversation().send("Another", { files: [file("b")] });
    await settle(3_000);
    await second.signOut();
    await settle(1_000);
    expect(await keptFiles(database, settle)).toHaveLength(1);
    const { store } = await live();
    await settle(3_000);
    expect(shown(store).at(-1)).toEqual({ body: "Look", delivery: "sent", files: ["a sent"] });
  });

  test("survives a reload, and its upload goes on where it was begun", async () => {
    const { world, live, settle, database } = filesWorld();
    const first = await live();
    const id = first.store.send("Look", { files: [image(), file("log.txt")] });
    await settle(500);
    expect((await keptFiles(database, settle)).map((key) => key.split(" ")[1])).toEqual([id, id]);
    first.chat.close();
    const { store } = await live();
    await settle();
    expect(shown(store)).toMatchObject([{ body: "Look", files: ["screenshot.png uploading", "log.txt uploading"] }]);
    expect(uploadOf(store, "screenshot.png").preview).toMatch(/^blob:/);
    await settle(2_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["screenshot.png sent", "log.txt sent"] }]);
    expect(world.files.begun.size).toBe(2);
    expect(await keptFiles(database, settle)).toEqual([]);
  });

  test("is not uploaded again where it was stored before the reload", async () => {
    const { world, live, settle } = filesWorld();
    const first = await live();
    world.script.set("POST /api/messages/send", () => problem(503, "unavailable"));
    first.store.send("Look", { files: [image()] });
    await settle(2_000);
    first.chat.close();
    world.script.clear();
    const { store } = await live();
    await settle(1_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["screenshot.png sent"] }]);
    expect(world.files.puts).toHaveLength(1);
  });

  test.each<[string, (options: { storage: MapStorage }) => void, ChatOptions]>([
    ["there is no IndexedDB", () => vi.stubGlobal("indexedDB", undefined), {}],
    [
      "it has no room",
      () =>
        vi.stubGlobal("indexedDB", {
          open: () => {
            throw new DOMException("full", "QuotaExceededError");
          },
        }),
      {},
    ],
    [
      "the message is not kept",
      ({ storage }) =>
        (storage.setItem = () => {
          throw new DOMException("full", "QuotaExceededError");
        }),
      {},
    ],
    ["nothing is to be kept", () => {}, { storage: null }],
  ])("says that it is not kept where %s", async (_, fail, options) => {
    const { world, live, settle } = filesWorld();
    fail(world);
    const { store } = await live(options);
    world.files.takesMs = 60_000;
    store.send("Look", { files: [file("a")] });
    await settle(100);
    expect(uploadOf(store, "a").isKept).toBe(false);
    await settle(120_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: ["a sent"] }]);
  });

  test("comes back as failed where it was not kept, with its text, and says which file is missing", async () => {
    const { world, live, settle, database } = filesWorld();
    vi.stubGlobal("indexedDB", undefined);
    const first = await live();
    first.store.send("Look", { files: [file("a")] });
    await settle(500);
    first.chat.close();
    vi.stubGlobal("indexedDB", database);
    const { store } = await live();
    await settle(1_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "failed", files: ["a failed"] }]);
    expect(store.getSnapshot().messages).toMatchObject([{ error: { code: "file_missing" } }]);
    expect(uploadOf(store, "a").error).toMatchObject({ code: "file_missing" });
    uploadOf(store, "a").cancel();
    await settle(1_000);
    expect(shown(store)).toEqual([{ body: "Look", delivery: "sent", files: [] }]);
    expect(world.files.puts).toHaveLength(0);
  });

  test("is not sent without its files where the next page has none", async () => {
    const { world, live, settle } = filesWorld();
    const first = await live();
    first.store.send("Look", { files: [file("a")] });
    await settle(500);
    first.chat.close();
    const { store } = await world.live();
    await settle(1_000);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "failed", error: { code: "files_off" } }]);
    expect(world.sends).toHaveLength(0);
  });

  test("is gone after a day, and at sign-out", async () => {
    for (const end of ["day", "sign-out"]) {
      const { world, live, settle, database } = filesWorld();
      const first = await live();
      world.files.answers = () => 503;
      first.store.send("Look", { files: [file("a")] });
      await settle(500);
      expect(await keptFiles(database, settle)).toHaveLength(1);
      if (end === "day") {
        first.chat.close();
        vi.setSystemTime(Date.now() + 24 * 60 * 60_000);
        world.files.answers = [];
        const { store } = await live();
        store.send("another", { files: [file("b")] });
      } else await first.chat.signOut();
      await settle(5_000);
      expect(await keptFiles(database, settle)).toEqual([]);
      expect(world.storage.items.size).toBe(0);
      vi.useRealTimers();
    }
  });

  test("is never sent by another person, and is sent when its author is back", async () => {
    const { world, live, settle } = filesWorld();
    const first = await live();
    world.files.answers = () => 503;
    first.store.send("Grace's", { files: [image()] });
    await settle(500);
    first.chat.close();
    world.files.answers = [];
    world.me = heidi;
    const second = world.chat({ files: chatFiles() });
    second.conversation().subscribe(() => {});
    await settle(60_000);
    expect(world.inbox.of("43").messages).toEqual([]);
    expect([...world.files.begun.values()].map(({ by }) => by.id)).toEqual(["42"]);
    second.close();
    world.me = grace;
    const { store } = await live();
    await settle(2_000);
    expect(shown(store)).toEqual([{ body: "Grace's", delivery: "sent", files: ["screenshot.png sent"] }]);
  });

  test("of nobody knows whom is shown after a reload, not uploaded, and is whose who sends it", async () => {
    const { world, settle } = filesWorld();
    world.isCut = true;
    const first = world.chat({ files: chatFiles() });
    first.conversation().send("In a tunnel", { files: [image()] });
    await settle(5_000);
    first.close();
    world.isCut = false;
    world.me = heidi;
    const store = world.chat({ files: chatFiles() }).conversation();
    store.subscribe(() => {});
    await settle(60_000);
    expect(shown(store)).toEqual([{ body: "In a tunnel", delivery: "failed", files: ["screenshot.png failed"] }]);
    expect(uploadOf(store, "screenshot.png").preview).toMatch(/^blob:/);
    expect(world.files.begun.size).toBe(0);
    store.retry(store.getSnapshot().messages[0]!.key);
    await settle(3_000);
    expect(world.inbox.of("43").messages).toMatchObject([
      { sender: heidi, attachments: [{ fileName: "screenshot.png" }] },
    ]);
    expect([...world.files.begun.values()].map(({ by }) => by.id)).toEqual(["43"]);
  });

  test("stays with a tab that is alive, and goes to another one when that is gone", async () => {
    const { world, live, settle } = filesWorld({ locks: new FakeLocks() });
    const first = await live();
    world.files.answers = () => 503;
    first.store.send("from the first tab", { files: [image()] });
    await settle(500);
    const second = await live();
    await settle(5_000);
    expect(shown(second.store)).toEqual([]);
    expect(world.files.begun.size).toBe(1);
    first.chat.close();
    world.files.answers = [];
    await settle(30_000);
    expect(shown(second.store)).toEqual([
      { body: "from the first tab", delivery: "sent", files: ["screenshot.png sent"] },
    ]);
    expect(world.conversation.messages).toHaveLength(1);
  });

  test("goes no further where somebody else signs in meanwhile", async () => {
    const { world, live, settle } = filesWorld();
    const { store } = await live({ getToken: undefined });
    store.send("Grace's", { files: [file("a")] });
    await settle(500);
    world.me = heidi;
    await settle(60_000);
    expect(store.getSnapshot()).toMatchObject({ error: { code: "identity_changed" }, messages: [] });
    expect(world.inbox.of("43").messages).toEqual([]);
  });
});

describe("the address of a sent file", () => {
  async function sent(count: number) {
    const { world, live, settle } = filesWorld();
    const sender = await live();
    sender.store.send("", { files: Array.from({ length: count }, (_, i) => file(`${i}`)) });
    await settle(5_000);
    sender.chat.close();
    const { chat, store } = await live();
    await settle();
    const message = store.getSnapshot().messages[0]!;
    world.asked.length = 0;
    return { world, settle, chat, message };
  }

  test("is asked for in one request for many, and once while it is good", async () => {
    const { world, settle, chat, message } = await sent(5);
    const urls = Promise.all(message.attachments.map((attachment) => attachmentUrl(chat, message, attachment)));
    const again = attachmentUrl(chat, message, message.attachments[0]!);
    await settle(100);
    expect(new Set(await urls).size).toBe(5);
    expect(await again).toBe((await urls)[0]);
    expect(world.of("GET", "/api/attachments").map(({ query }) => query.get("ids"))).toEqual([
      message.attachments.map(({ id }) => id).join(),
    ]);
    await settle(200_000);
    expect(await attachmentUrl(chat, message, message.attachments[0]!)).toBe((await urls)[0]);
    expect(world.of("GET", "/api/attachments")).toHaveLength(1);
    await settle(100_000);
    const fresh = attachmentUrl(chat, message, message.attachments[0]!);
    await settle(100);
    expect(await fresh).not.toBe((await urls)[0]);
    expect(world.of("GET", "/api/attachments")).toHaveLength(2);
  });

  test("is told again each time that it has expired, for what is saved; an image keeps what it has loaded", async () => {
    const { settle, chat, message } = await sent(2);
    const [a, b] = message.attachments;
    const told: string[][] = [[], []];
    const stop = [
      watchAttachmentUrl(chat, message, a!, (url) => told[0]!.push(url)),
      watchAttachmentUrl(chat, message, { ...b!, mediaType: "image/png" }, (url) => told[1]!.push(url)),
    ];
    await settle(100);
    expect(told.map((urls) => urls.length)).toEqual([1, 1]);
    for (let i = 0; i < 10; i++) await settle(60_000);
    expect(told.map((urls) => urls.length)).toEqual([3, 1]);
    stop.forEach((end) => end());
    await settle(600_000);
    expect(told.map((urls) => urls.length)).toEqual([3, 1]);
  });

  test("is asked for again after a failure, and refused for what is not there", async () => {
    const { world, settle, chat, message } = await sent(1);
    world.script.set("GET /api/attachments", [() => problem(503, "unavailable")]);
    const url = attachmentUrl(chat, message, message.attachments[0]!);
    const gone = attachmentUrl(chat, message, { ...message.attachments[0]!, id: "gone" });
    const refused = gone.catch((error: unknown) => (error as ChatError).code);
    await settle(5_000);
    expect(await url).toMatch(/^https:/);
    expect(await refused).toBe("not_found");
    expect(world.of("GET", "/api/attachments")).toHaveLength(2);
  });

  test("is asked for anew, not for ever, where this computer's clock is wrong", async () => {
    const { world, settle, chat, message } = await sent(1);
    vi.spyOn(world.files, "links").mockImplementation((ids) =>
      ids.map((id) => ({ id, url: "https://store.example/x", expiresAt: "2001-01-01T00:00:00.000Z" })),
    );
    const stop = watchAttachmentUrl(chat, message, message.attachments[0]!, () => {});
    await settle(590_000);
    stop();
    expect(world.of("GET", "/api/attachments").length).toBeLessThanOrEqual(10);
  });
});
