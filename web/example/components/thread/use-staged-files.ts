import type { Chat, SessionIdentity } from "@devinbox/client";
import { useChat } from "@devinbox/client/react";
import { useEffect, useEffectEvent, useState } from "react";
import { type FileLimits, addFiles, fileProblem } from "@/lib/files";
import { keepFiles, readFiles } from "@/lib/kept-files";

/** The files that go with the next message. */
export interface StagedFiles {
  readonly list: readonly File[];
  /** Why the last ones could not be taken, in words; "" if they were. */
  readonly problem: string;
  /** Whether none can be sent here. */
  readonly isOff: boolean;
  /** Whether they are there again after a reload. */
  readonly isKept: boolean;
  /** Folders cannot be sent, and are named only to say so. */
  add: (files: readonly File[], folders?: readonly { name: string }[]) => void;
  remove: (file: File) => void;
  clear: () => void;
  /** Says why they could not be sent. */
  refuse: (error: unknown) => void;
}

/** What is chosen for a conversation by `me`, who may be known later. A reload of the tab leaves it, if the browser can keep it. */
export function useStagedFiles(clientId: string | undefined, me: SessionIdentity | null): StagedFiles {
  const session = useSession(me);
  const limits = session?.limits;
  const [{ files: list, problem }, setChoice] = useState(nothing);
  const isKept = useKept(session && `${session.who} ${clientId ?? ""}`, list, (kept) =>
    setChoice((choice) => ({ ...choice, files: [...kept, ...choice.files] })),
  );
  return {
    list,
    problem,
    isOff: limits === null,
    isKept,
    add(files, folders = []) {
      if (files.length + folders.length > 0) setChoice((choice) => addFiles(choice.files, files, limits, folders));
    },
    remove(file) {
      setChoice(({ files }) => ({ files: files.filter((other) => other !== file), problem: "" }));
    },
    clear: () => setChoice(nothing),
    refuse: (error) => setChoice(({ files }) => ({ files, problem: fileProblem(error) })),
  };
}

const nothing: ReturnType<typeof addFiles> = { files: [], problem: "" };

/** Keeps files over a reload, and gives those that were kept. */
function useKept(
  owner: string | undefined,
  list: readonly File[],
  onRestored: (files: readonly File[]) => void,
): boolean {
  /** Whose files were read, so that those of an earlier page are not replaced before. */
  const [readOf, setReadOf] = useState<string>();
  const [lost, setLost] = useState<readonly File[]>();
  const restored = useEffectEvent(onRestored);

  useEffect(() => {
    if (owner === undefined) return undefined;
    let isHere = true;
    const read = async () => {
      const tab = tabKey();
      const files = tab ? await readFiles(`${tab} ${owner}`) : [];
      if (isHere && files.length > 0) restored(files);
    };
    void read()
      .catch(() => {}) // then there is nothing to show
      .then(() => isHere && setReadOf(owner));
    return () => {
      isHere = false;
    };
  }, [owner]);

  useEffect(() => {
    if (readOf === undefined) return undefined;
    const tab = tabKey(list.length > 0);
    if (!tab && list.length === 0) return undefined;
    let isHere = true;
    const keep = async () => {
      if (!tab) throw new Error("There is no sessionStorage.");
      await keepFiles(`${tab} ${readOf}`, list);
    };
    keep().catch(() => isHere && setLost(list));
    return () => {
      isHere = false;
    };
  }, [readOf, list]);

  return list.length === 0 || (readOf !== undefined && lost !== list);
}

/** What tells this tab's files from another's; nothing if it has chosen none yet, or the browser keeps nothing. */
function tabKey(isNeeded = false): string | null {
  const name = "devinbox-example:tab";
  try {
    if (isNeeded && !sessionStorage.getItem(name))
      sessionStorage.setItem(name, String(crypto.getRandomValues(new Uint32Array(4))));
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

interface Known {
  chat: Chat;
  /** Who is here, by a name of their own. */
  who: string;
  /** What may be sent here. */
  limits: FileLimits;
}

/** undefined until it is known. If it is refused, because nobody is signed in, it is asked for again once the thread knows `me`. */
function useSession(me: SessionIdentity | null): Known | undefined {
  const chat = useChat();
  const [known, setKnown] = useState<Known>();
  const isKnown = known?.chat === chat;
  const isSignedIn = me !== null;
  useEffect(() => {
    if (isKnown) return undefined;
    let isHere = true;
    chat.session().then(
      ({ identity, limits }) => {
        if (isHere) setKnown({ chat, who: `${identity.role}:${identity.id}`, limits: limits.attachment });
      },
      () => {}, // the thread says so
    );
    return () => {
      isHere = false;
    };
  }, [chat, isKnown, isSignedIn]);
  return isKnown ? known : undefined;
}
