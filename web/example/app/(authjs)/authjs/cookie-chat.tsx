"use client";

import { ChatProvider, useChat } from "@devinbox/client/react";
import { ClientPage } from "@/components/client-page";
import { Inbox } from "@/components/inbox/inbox";
import { files } from "@/lib/files";
import { forgetFiles } from "@/lib/kept-files";
import { greeting, team } from "@/lib/owner";

interface CookieChatProps {
  name: string;
  role: "client" | "developer";
  leave: () => Promise<void>;
}

const options = { files };

export function CookieChat({ name, role, leave }: CookieChatProps) {
  return (
    <ChatProvider options={options}>
      <div className="screen">
        <SignOut name={name} leave={leave} />
        {role === "developer" ? (
          <Inbox />
        ) : (
          <main className="column">
            <ClientPage team={team} greeting={greeting} />
          </main>
        )}
      </div>
    </ChatProvider>
  );
}

function SignOut({ name, leave }: Pick<CookieChatProps, "name" | "leave">) {
  const chat = useChat();
  const signOut = async () => {
    await chat.signOut().catch(() => {}); // it has forgotten everything, also where the server did not answer
    forgetFiles();
    await leave();
  };
  return (
    <p className="bar">
      {name}
      <button type="button" className="link" onClick={() => void signOut()}>
        Sign out
      </button>
    </p>
  );
}
