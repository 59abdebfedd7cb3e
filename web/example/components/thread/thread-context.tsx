import type { ConversationStore, ShownMessage } from "@devinbox/client";
import { createContext, useContext } from "react";

/** What can be done with a message. None of it changes while a thread is shown, so that no message is rendered again for it. */
export interface ThreadActions extends Pick<ConversationStore, "edit" | "retry" | "discard"> {
  /** Opens the menu of a message at an element, which gets the focus back. */
  openMenu: (message: ShownMessage, anchor: HTMLElement) => void;
  /** Shows a picture of a message as large as the window, by its place among them. */
  view: (message: ShownMessage, at: number) => void;
  /** Opens the editor in the place of a message, or closes it. */
  setEditing: (messageId: string | null) => void;
  /** Moves the text of a message that was not sent back into the field. */
  rewrite: (message: ShownMessage) => void;
  askToDelete: (message: ShownMessage) => void;
  copy: (message: ShownMessage) => Promise<void>;
  /** Puts a message's text into the field, as a quotation to be answered. */
  quote: (message: ShownMessage) => void;
  /** Puts the focus into the field to write in. */
  write: () => void;
}

const ThreadContext = createContext<ThreadActions | null>(null);

export const ThreadProvider = ThreadContext.Provider;

export function useThreadActions(): ThreadActions {
  const actions = useContext(ThreadContext);
  if (!actions) throw new Error("No ThreadProvider.");
  return actions;
}
