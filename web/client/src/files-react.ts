"use client";

import { useEffect, useState } from "react";
import { previewOf, watchAttachmentUrl } from "./attachment-urls.js";
import { useChat } from "./react.js";
import type { ShownAttachment, ShownMessage } from "./types.js";

/**
 * The address of a message's file while the component is there; undefined while there is none. Of an image that was chosen
 * on this page it is the file itself. One that is saved and not shown has a fresh one each time that it has expired.
 */
export function useAttachmentUrl(
  { clientId }: Pick<ShownMessage, "clientId">,
  attachment: ShownAttachment,
): string | undefined {
  const chat = useChat();
  const { id, mediaType } = attachment;
  const preview = previewOf(attachment);
  const isSent = !attachment.upload && !preview;
  const [loaded, setLoaded] = useState({ id: "", url: "" });
  useEffect(() => {
    if (!isSent) return undefined;
    const shown = { id, mediaType } as ShownAttachment;
    return watchAttachmentUrl(chat, { clientId }, shown, (url) => setLoaded({ id, url }));
  }, [chat, clientId, id, mediaType, isSent]);
  return preview ?? (loaded.id === id ? loaded.url : undefined);
}
