// @vitest-environment jsdom
import { File as NodeFile } from "node:buffer"; // jsdom's cannot be kept by IndexedDB
import { act } from "react";
import { type Root, createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useAttachmentUrl } from "../src/files-react.js";
import { chatFiles } from "../src/files.js";
import type { ShownAttachment, ShownMessage } from "../src/index.js";
import { ChatProvider, useConversation } from "../src/react.js";
import { stubBrowser } from "./support/files.js";
import { World } from "./support/world.js";

let root: Root;
let box: HTMLDivElement;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  box = document.createElement("div");
  root = createRoot(box);
});

/** Does something to a page, and lets React follow. */
const perform = (what: () => void) =>
  act(() => {
    what();
    return Promise.resolve();
  });

afterEach(async () => {
  await perform(() => root.unmount());
  vi.useRealTimers();
});

function Picture({ message, attachment }: { message: ShownMessage; attachment: ShownAttachment }) {
  return <img src={useAttachmentUrl(message, attachment)} alt={attachment.fileName} />;
}

function Thread() {
  const { messages } = useConversation();
  return messages.map((message) =>
    message.attachments.map((attachment) => (
      <Picture key={attachment.fileName} message={message} attachment={attachment} />
    )),
  );
}

test("an image is shown as it was chosen, and by one address each on the next page", async () => {
  const real = globalThis.document;
  const world = new World();
  vi.stubGlobal("document", real);
  world.limits = { maxBytes: 1_000, maxPerMessage: 10 };
  const { previews } = stubBrowser(world.files, () => world.isCut);
  const first = world.chat({ files: chatFiles() });
  const pass = async (milliseconds: number) => {
    for (let i = 0; i < 60; i++) await act(() => world.pass(1));
    await act(() => world.pass(milliseconds));
  };
  const sources = () => [...box.querySelectorAll("img")].map((image) => image.getAttribute("src"));
  await perform(() => root.render(<ChatProvider chat={first} children={<Thread />} />));
  await pass(0);
  const files = ["a.png", "b.png"].map((name) => new NodeFile(["x"], name, { type: "image/png" }) as unknown as File);
  await perform(() => void first.conversation().send("", { files }));
  expect(sources()).toEqual([...previews]);
  await pass(2_000);
  expect(first.conversation().getSnapshot().messages).toMatchObject([{ delivery: "sent" }]);
  expect(sources()).toEqual([...previews]);
  expect(world.files.linksAsked).toBe(0);

  first.close();
  const next = world.chat();
  await perform(() => root.render(<ChatProvider key="next" chat={next} children={<Thread />} />));
  await pass(100);
  expect(sources()).toEqual([
    expect.stringMatching(/^https:\/\/store\.example/),
    expect.stringMatching(/^https:\/\/store\.example/),
  ]);
  expect(world.files.linksAsked).toBe(1);
});
