"use client";

import { ChatProvider } from "@devinbox/client/react";
import { type ReactNode, useMemo } from "react";

/** Everything inside is the chat of one of the demo's users. A real app has one provider, in its layout, with its own getToken. */
export function DemoChat({ as, children }: { as: string; children: ReactNode }) {
  const options = useMemo(() => ({ getToken: tokens(`/api/token?as=${encodeURIComponent(as)}`) }), [as]);
  return (
    <ChatProvider key={as} options={options}>
      {children}
    </ChatProvider>
  );
}

/** A token is good for 15 minutes. It is asked for at every request, so it is kept for most of that time, in milliseconds. */
const keptFor = 10 * 60_000;

function tokens(address: string): () => Promise<string> {
  let kept: Promise<string> | undefined;
  let until = 0;
  return () => {
    if (!kept || Date.now() > until) {
      until = Date.now() + keptFor;
      kept = fetchToken(address);
      kept.catch(() => (kept = undefined));
    }
    return kept;
  };
}

async function fetchToken(address: string): Promise<string> {
  const response = await fetch(address, { signal: AbortSignal.timeout(10_000) }); // every request waits for it
  if (!response.ok) throw new Error(`The token was refused: ${response.status}`);
  const { token } = (await response.json()) as { token: string };
  return token;
}
