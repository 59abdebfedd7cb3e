"use client";

import { ChatProvider } from "@devinbox/client/react";
import { type ReactNode, type SubmitEvent, useMemo, useState } from "react";
import { files } from "@/lib/files";
import type { DemoUser } from "@/lib/demo";
import styles from "./own-token.module.css";

/** Asks for a token, and says how to make one. It is kept until the page is reloaded, and stored nowhere. */
export function OwnToken({ user, children }: { user: DemoUser; children: ReactNode }) {
  const [token, setToken] = useState("");
  const options = useMemo(() => ({ getToken: () => Promise.resolve(token), files }), [token]);
  if (token) return <ChatProvider options={options}>{children}</ChatProvider>;

  function signIn(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get("token");
    if (typeof given === "string") setToken(given.trim());
  }
  return (
    <form className={styles.form} aria-label={`Sign in as ${user.name}`} onSubmit={signIn}>
      <p>
        The demo signs nobody in here: <code>CHAT_JWT_SECRET</code> is not one that <code>devinbox dev</code> has made
        for this machine, so a token may be good at a deployment as well. Make one yourself, in the project’s folder:
      </p>
      <pre>
        <code>{`go run ./cmd/devinbox token --role ${user.role} --sub ${user.id} --name ${user.name}`}</code>
      </pre>
      <label className="labelled">
        Token
        <input name="token" type="password" autoComplete="off" required />
      </label>
      <button className="button primary">Sign in as {user.name}</button>
      <p className={styles.note}>
        The page forgets it when it is reloaded. An app of your own has its sign-in in this place.
      </p>
    </form>
  );
}
