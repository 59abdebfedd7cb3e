"use client";

import { ChatProvider } from "@devinbox/client/react";
import { type ReactNode, useMemo } from "react";
import { files } from "@/lib/files";

/** Everything inside is the chat of one of the demo's users. A real app has one provider, in its layout, with its own getToken. */
export function DemoChat({ as, children }: { as: string; children: ReactNode }) {
  const options = useMemo(
    () => ({ getToken: () => fetchToken(`/api/token?as=${encodeURIComponent(as)}`), files }),
    [as],
  );
  return (
    <ChatProvider key={as} options={options}>
      {children}
    </ChatProvider>
  );
}

async function fetchToken(address: string): Promise<string> {
  const response = await fetch(address, { signal: AbortSignal.timeout(10_000) }); // every request waits for it
  if (!response.ok) throw new Error(`The token was refused: ${response.status}`);
  const { token } = (await response.json()) as { token: string };
  return token;
}
