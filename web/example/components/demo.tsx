import type { ReactNode } from "react";
import { demoAllowed, demoUser } from "@/lib/demo";
import { DemoChat } from "./demo-chat";
import { OwnToken } from "./own-token";

/** Everything inside is the chat of one of the demo's users: signed in by the demo if it may do that, else with a token that you bring. */
export function Demo({ as, children }: { as: string; children: ReactNode }) {
  const user = demoUser(as);
  if (!user || demoAllowed("CHAT_JWT_SECRET")) return <DemoChat as={as}>{children}</DemoChat>;
  return (
    <OwnToken key={as} user={user}>
      {children}
    </OwnToken>
  );
}
